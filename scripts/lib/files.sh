# shellcheck shell=bash
# Files that are either as they were or as they should be, never in between.

readonly STATE=/var/lib/kraftstack # what the toolkit remembers about this host

# SCRATCH lists what this run leaves behind if it ends early.
SCRATCH=()

remove_scratch() {
  if ((${#SCRATCH[@]})); then rm -rf -- "${SCRATCH[@]}"; fi
}

# write_file PATH MODE OWNER:GROUP: standard input becomes the file. The new
# content is on disk before it takes the old one's name.
write_file() {
  local path=$1 mode=$2 owner=$3 dir=${1%/*} new
  [[ -d $dir ]] || mkdir -p -- "$dir"
  if compgen -G "$dir/.kafka-node.??????" >/dev/null; then rm -f -- "$dir"/.kafka-node.??????; fi # of a run that was killed here
  new=$(mktemp -- "$dir/.kafka-node.XXXXXX")
  SCRATCH+=("$new")
  # Chained, as set -e is off wherever a caller looks at the status.
  { cat >"$new" && chown -- "$owner" "$new" && chmod -- "$mode" "$new" &&
    sync -- "$new" && mv -fT -- "$new" "$path"; } ||
    die "$path could not be written" "check the room on its disk (df -h $dir) and run this again"
}

# write_if_changed PATH MODE OWNER:GROUP: write_file, unless the file is right
# already. Returns 1 where nothing was written. Not to be used behind a pipe, where
# its failure would look like that.
write_if_changed() {
  local path=$1 mode=$2 owner=$3 content
  IFS= read -r -d '' content || true
  if [[ -f $path && ! -L $path ]] && holds "$path" "$content" && [[ $(mode_and_owner "$path") == "$mode $owner" ]]; then
    return 1
  fi
  write_file "$path" "$mode" "$owner" < <(printf '%s' "$content")
}

# holds FILE TEXT: the file's content is the text and nothing more. It starts no process.
holds() {
  local found
  # It ends with 0 only at a byte that no text has.
  if IFS= read -r -d '' found <"$1"; then return 1; fi
  [[ $found == "$2" ]]
}

# mode_and_owner PATH: as "0644 root:root".
mode_and_owner() {
  local found
  found=$(stat -c '%#a %U:%G' -- "$1")
  # stat begins a mode of four digits with none of its own.
  if [[ $found == [0-7][0-7][0-7]' '* ]]; then found=0$found; fi
  printf '%s' "$found"
}

# link_atomically TARGET LINK: the link points elsewhere from one moment to the
# next.
link_atomically() {
  local new
  if [[ -L $2 && $(readlink -- "$2") == "$1" ]]; then return 0; fi
  new=$(mktemp -u -- "$2.XXXXXX")
  SCRATCH+=("$new")
  ln -s -- "$1" "$new"
  mv -fT -- "$new" "$2"
}

# property FILE KEY: the value of a key in a file of KEY=VALUE lines, empty where
# there is none.
property() {
  [[ -r $1 ]] || return 0
  awk -v key="$2" '{
    at = index($0, "=")
    name = substr($0, 1, at - 1); gsub(/^[ \t]+|[ \t]+$/, "", name)
    if (at && name == key) { value = substr($0, at + 1); gsub(/^[ \t]+|[ \t\r]+$/, "", value) }
  } END { print value }' "$1"
}

# first_line FILE: empty where there is no file.
first_line() {
  local line=''
  if [[ -r $1 ]]; then IFS= read -r line <"$1" || true; fi
  printf '%s' "$line"
}

# json_string TEXT: as a JSON string, quotes included.
json_string() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\t'/\\t}
  text=${text//[$'\001'-$'\037']/ }
  printf '"%s"' "$text"
}

# lock_host: only one verb at a time changes a host. The kernel drops the lock
# with the process, however it ends.
lock_host() {
  mkdir -p "$STATE"
  exec 9>"$STATE/lock"
  if ! wait_for 120 'another kafka-node on this host' flock -n 9; then
    die 'another kafka-node has been at work here for two minutes' \
      'wait for it, or find it with: pgrep -af kafka-node'
  fi
}
