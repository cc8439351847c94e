# shellcheck shell=bash
# The document on a verb's standard input: files with mode and owner. And the
# manifest of what was written, which check compares the host with.

readonly MANIFEST=$STATE/manifest # lines of: SHA-256 MODE OWNER:GROUP PATH
readonly OWN_MANIFEST=$MANIFEST.own
readonly GENERATION=/etc/kafka/generation

# The document's files in its order, and their parts by path.
DOCUMENT=()
declare -A DOCUMENT_MODE=() DOCUMENT_OWNER=() DOCUMENT_CONTENT=()
declare -A KNOWN_OWNERS=() # those that this host was seen to have

# read_document STAGING: reads standard input, keeps each file's content in the
# folder STAGING, and refuses a document with anything wrong in it before a single
# file of the host is touched.
read_document() {
  local line path='' staged=''
  IFS= read -r line || true
  [[ $line == '# kraftstack document 1' ]] ||
    die "the document on standard input begins with ${line@Q}, not with '# kraftstack document 1'" \
      'use the toolkit and the program of the same version'
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line != '=== '* ]]; then
      [[ -n $path ]] || die "the document has the line ${line@Q} before its first file" 'this is a fault of the program that made it: report it'
      printf '%s\n' "$line" >>"$staged"
      continue
    fi
    begin_file "$line"
    path=${DOCUMENT[-1]}
    staged=$1/${#DOCUMENT[@]}
    : >"$staged"
    DOCUMENT_CONTENT[$path]=$staged
  done
  [[ -n $path ]] || die 'the document has no file in it' 'this is a fault of the program that made it: report it'
}

# begin_file LINE: takes "=== PATH MODE OWNER:GROUP".
begin_file() {
  local path mode owner
  [[ $1 =~ ^===\ (/[A-Za-z0-9._/@-]+)\ (0[0-7]{3})\ ([a-z_][a-z0-9_-]*:[a-z_][a-z0-9_-]*)$ ]] ||
    die "the document has the line ${1@Q}, which is no '=== PATH MODE OWNER:GROUP'" 'this is a fault of the program that made it: report it'
  path=${BASH_REMATCH[1]} mode=${BASH_REMATCH[2]} owner=${BASH_REMATCH[3]}
  if [[ $path == *..* || ! $path =~ ^/etc/(kafka/|systemd/system/kafka[a-z-]*\.(timer|service(\.d/.*)?)$) ]]; then
    die "the document wants to write $path, which is not Kafka's" 'this is a fault of the program that made it: report it'
  fi
  [[ -z ${DOCUMENT_MODE[$path]:-} ]] || die "the document has $path twice" 'this is a fault of the program that made it: report it'
  if [[ -z ${KNOWN_OWNERS[$owner]:-} ]] && { ! getent passwd "${owner%:*}" || ! getent group "${owner#*:}"; } >/dev/null; then
    die "$path is to belong to $owner, which this host does not know" 'run kafka-node prepare first (kraftstack up does)'
  fi
  KNOWN_OWNERS[$owner]=yes
  DOCUMENT+=("$path")
  DOCUMENT_MODE[$path]=$mode
  DOCUMENT_OWNER[$path]=$owner
}

# apply_document MANIFEST: makes the host's files those of the document. The manifest lists
# a file before it is there and until it is gone, so a run that is killed forgets
# none; the wanted generation comes last, for it speaks for all the others.
apply_document() {
  local path stale whole manifest=$1
  stale=$(stale_paths "$manifest")
  whole=$(document_manifest)
  write_if_changed "$manifest" 0644 root:root < <(printf '%s\n' "$whole"; for path in $stale; do printf -- '- - - %s\n' "$path"; done) || true
  for path in "${DOCUMENT[@]}"; do
    if [[ $path != "$GENERATION" ]]; then apply_file "$path"; fi
  done
  for path in $stale; do
    rm -f -- "$path"
    say "removed $path"
  done
  if [[ -n ${DOCUMENT_MODE[$GENERATION]:-} ]]; then apply_file "$GENERATION"; fi
  write_if_changed "$manifest" 0644 root:root <<<"$whole" || true
}

apply_file() {
  if write_if_changed "$1" "${DOCUMENT_MODE[$1]}" "${DOCUMENT_OWNER[$1]}" <"${DOCUMENT_CONTENT[$1]}"; then
    say "wrote $1"
  fi
}

# stale_paths MANIFEST: what an earlier document had and this one has not.
stale_paths() {
  local sum mode owner path
  [[ -r $1 ]] || return 0
  while read -r sum mode owner path; do
    if [[ -z ${DOCUMENT_MODE[$path]:-} ]]; then printf '%s\n' "$path"; fi
  done <"$1"
}

# document_manifest: a line for each file. One process makes all the sums.
document_manifest() {
  local path sum
  local -a contents=()
  for path in "${DOCUMENT[@]}"; do contents+=("${DOCUMENT_CONTENT[$path]}"); done
  for path in "${DOCUMENT[@]}"; do
    read -r sum _
    printf '%s %s %s %s\n' "$sum" "${DOCUMENT_MODE[$path]}" "${DOCUMENT_OWNER[$path]}" "$path"
  done < <(sha256sum -- "${contents[@]}")
}

# own_file PATH MODE OWNER:GROUP: write_if_changed, for a file that is in no
# document; check knows it from then on.
own_file() {
  local content status=0 sum line own=''
  IFS= read -r -d '' content || true
  write_if_changed "$@" < <(printf '%s' "$content") || status=$?
  sum=$(printf '%s' "$content" | sha256sum)
  line="${sum%% *} $2 $3 $1"
  if [[ -r $OWN_MANIFEST ]]; then own=$(<"$OWN_MANIFEST"); fi
  if [[ $'\n'$own$'\n' == *$'\n'"$line"$'\n'* ]]; then return "$status"; fi
  write_if_changed "$OWN_MANIFEST" 0644 root:root < <(
    if [[ -n $own ]]; then awk -v path="$1" '$4 != path' <<<"$own"; fi
    printf '%s\n' "$line"
  ) || true
  return "$status"
}

# disown_file PATH: the file goes, and check does not look for it any more.
disown_file() {
  if [[ -e $1 || -L $1 ]]; then rm -f -- "$1"; fi
  if [[ ! -r $OWN_MANIFEST || $(<"$OWN_MANIFEST")$'\n' != *" $1"$'\n'* ]]; then return 0; fi
  write_if_changed "$OWN_MANIFEST" 0644 root:root < <(awk -v path="$1" '$4 != path' "$OWN_MANIFEST") || true
}

# file_fault SHA256 MODE OWNER:GROUP PATH: what is wrong with a file of the
# manifest; empty where it is right. The host's files were looked at before.
file_fault() {
  if [[ $1 == - ]]; then
    if [[ -e $4 ]]; then printf 'it should be gone: configure was interrupted'; fi
  elif [[ -z ${FILE_MODE[$4]:-} ]]; then
    printf 'it is missing'
  elif [[ ${FILE_MODE[$4]} != "$2 $3" ]]; then
    printf 'it is %s, not %s' "${FILE_MODE[$4]}" "$2 $3"
  elif [[ ${FILE_SUM[$4]:-} != "$1" ]]; then
    printf 'its content was changed'
  fi
}

# What files are, as "0644 root:root", and their SHA-256. What is no file has neither.
declare -A FILE_MODE=() FILE_SUM=()

# look_at PATH...: fills them. It runs before each start of Kafka: two processes, however
# many files there are.
look_at() {
  local path mode owner sum
  local -a there=()
  for path in "$@"; do
    if [[ -f $path && ! -L $path ]]; then there+=("$path"); fi
  done
  FILE_MODE=() FILE_SUM=()
  if ((${#there[@]} == 0)); then return 0; fi
  while read -r mode owner path; do
    if [[ $mode == [0-7][0-7][0-7] ]]; then mode=0$mode; fi
    FILE_MODE[$path]="$mode $owner"
  done < <(stat -c '%#a %U:%G %n' -- "${there[@]}" 2>/dev/null)
  while read -r sum path; do
    FILE_SUM[$path]=$sum
  done < <(sha256sum -- "${there[@]}" 2>/dev/null)
}
