# shellcheck shell=bash

# verb_status says in a few lines what runs here, for a person at a terminal.
verb_status() {
  local wanted running instance
  parse_flags '' "$@"
  wanted=$(first_line "$GENERATION")
  running=$(running_generation)
  instance=$(property "$STATE/node" instance)
  status_line host "$HOSTNAME${instance:+, $instance}"
  if [[ ! -e $STATE/node ]]; then
    status_line node 'not configured yet'
    return
  fi
  status_line node "$(property "$STATE/node" node.id), $(property "$PROPERTIES" process.roles)"
  status_line kafka "$(unit_property ActiveState) ($(unit_property SubState)) since $(unit_property ActiveEnterTimestamp)"
  status_line version "$(current_version), Java $(java_version)"
  if [[ $wanted == "$running" ]]; then
    status_line settings "generation ${wanted:-none}"
  else
    status_line settings "generation ${running:-none} runs, ${wanted:-none} is wanted"
  fi
  if mountpoint -q "$DATA_MOUNT"; then
    status_line disk "$(first_line "$STATE/volume"), $(df -h --output=used,size,pcent "$DATA_MOUNT" | awk 'NR == 2 { print $1 " of " $2 " used (" $3 ")" }')"
  else
    status_line disk "nothing is mounted on $DATA_MOUNT"
  fi
  if ! unit_is_active; then log_lines | cut -c 1-200 | sed 's/^/  log: /'; fi
}

status_line() {
  printf '%-9s %s\n' "$1" "$2"
}
