# shellcheck shell=bash
# The document on a verb's standard input: files with mode and owner. And the
# manifest of what was written, which check compares the host with.

readonly MANIFEST=$STATE/manifest # lines of: SHA-256 MODE OWNER:GROUP PATH
readonly OWN_MANIFEST=$MANIFEST.own
readonly GENERATION=/etc/kafka/generation

# The document's files in its order, and their parts by path.
DOCUMENT=()
declare -A DOCUMENT_MODE=() DOCUMENT_OWNER=() DOCUMENT_CONTENT=()

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
  if ! getent passwd "${owner%:*}" >/dev/null || ! getent group "${owner#*:}" >/dev/null; then
    die "$path is to belong to $owner, which this host does not know" 'run kafka-node prepare first (kraftstack up does)'
  fi
  DOCUMENT+=("$path")
  DOCUMENT_MODE[$path]=$mode
  DOCUMENT_OWNER[$path]=$owner
}

# apply_document MANIFEST: makes the host's files those of the document. The manifest lists
# a file before it is there and until it is gone, so a run that is killed forgets
# none; the wanted generation comes last, for it speaks for all the others.
apply_document() {
  local path stale manifest=$1
  stale=$(stale_paths "$manifest")
  write_if_changed "$manifest" 0644 root:root < <(document_manifest "$stale") || true
  for path in "${DOCUMENT[@]}"; do
    if [[ $path != "$GENERATION" ]]; then apply_file "$path"; fi
  done
  for path in $stale; do
    rm -f -- "$path"
    say "removed $path"
  done
  if [[ -n ${DOCUMENT_MODE[$GENERATION]:-} ]]; then apply_file "$GENERATION"; fi
  write_if_changed "$manifest" 0644 root:root < <(document_manifest '') || true
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

# document_manifest STALE: the manifest of the document, and of files that are
# still to be removed.
document_manifest() {
  local path sum
  for path in "${DOCUMENT[@]}"; do
    sum=$(sha256sum <"${DOCUMENT_CONTENT[$path]}")
    printf '%s %s %s %s\n' "${sum%% *}" "${DOCUMENT_MODE[$path]}" "${DOCUMENT_OWNER[$path]}" "$path"
  done
  for path in $1; do printf -- '- - - %s\n' "$path"; done
}

# own_file PATH MODE OWNER:GROUP: write_if_changed, for a file that is in no
# document; check knows it from then on.
own_file() {
  local content status=0 sum
  content=$(cat; printf x)
  write_if_changed "$@" < <(printf '%s' "${content%x}") || status=$?
  sum=$(printf '%s' "${content%x}" | sha256sum)
  write_if_changed "$OWN_MANIFEST" 0644 root:root < <(
    if [[ -r $OWN_MANIFEST ]]; then awk -v path="$1" '$4 != path' "$OWN_MANIFEST"; fi
    printf '%s %s %s %s\n' "${sum%% *}" "$2" "$3" "$1"
  ) || true
  return "$status"
}

# disown_file PATH: the file goes, and check does not look for it any more.
disown_file() {
  rm -f -- "$1"
  if [[ ! -r $OWN_MANIFEST ]]; then return 0; fi
  write_if_changed "$OWN_MANIFEST" 0644 root:root < <(awk -v path="$1" '$4 != path' "$OWN_MANIFEST") || true
}

# file_fault SHA256 MODE OWNER:GROUP PATH: what is wrong with a file of the
# manifest; empty where it is right.
file_fault() {
  local sum
  if [[ $1 == - ]]; then
    if [[ -e $4 ]]; then printf 'it should be gone: configure was interrupted'; fi
  elif [[ ! -f $4 || -L $4 ]]; then
    printf 'it is missing'
  elif [[ $(mode_and_owner "$4") != "$2 $3" ]]; then
    printf 'it is %s, not %s' "$(mode_and_owner "$4")" "$2 $3"
  else
    sum=$(sha256sum <"$4")
    if [[ ${sum%% *} != "$1" ]]; then printf 'its content was changed'; fi
  fi
}
