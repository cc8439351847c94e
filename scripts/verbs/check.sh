# shellcheck shell=bash

# verb_check compares the host with what this toolkit made of it and prints one JSON
# object. It changes nothing, and ends with 3 where something differs.
verb_check() {
  local wanted='' running='' ok=true
  parse_flags 'bastion?' "$@"
  drift_of_files
  drift_of_sshd
  if [[ ${FLAG[bastion]} ]]; then
    drift_of_folders "$STATE 0755 root:root"
    drift_of_listeners
  else
    wanted=$(first_line "$GENERATION") running=$(running_generation)
    drift_of_folders "$NODE_FOLDERS"
    drift_of_unit
    drift_of_service "$wanted" "$running"
    drift_of_kernel
    drift_of_certificates
    drift_of_data
    # shellcheck disable=SC2046 # each port is a word
    drift_of_listeners $(own_ports)
  fi
  drift_of_versions
  if ((${#DRIFT[@]})); then ok=false; fi
  printf '{"host":%s,"ok":%s,"toolkit":%s,"version":%s,"java":%s,"logins":[%s]' \
    "$(json_string "$HOSTNAME")" "$ok" "$(json_string "$(toolkit_sum)")" \
    "$(json_string "$(current_version)")" "$(json_string "$(java_version)")" "$(logins)"
  if [[ ! ${FLAG[bastion]} ]]; then
    printf ',"generation":{"wanted":%s,"running":%s},"service":%s,"volume":%s,"storage":%s' \
      "$(json_string "$wanted")" "$(json_string "$running")" "$(json_string "$(unit_property ActiveState)")" \
      "$(volume_found)" "$(storage_found)"
  fi
  printf ',"drift":[%s]}\n' "$(IFS=,; printf '%s' "${DRIFT[*]}")"
  [[ $ok == true ]] || exit 3
}

# toolkit_sum: SHA-256 of the file that runs.
toolkit_sum() {
  local sum
  sum=$(sha256sum <"$0")
  printf '%s' "${sum%% *}"
}

# logins: who can log in with which key.
logins() {
  local user home file print
  local -a found=()
  while IFS=: read -r user _ _ _ _ home _; do
    for file in "$home/.ssh/authorized_keys" "$home/.ssh/authorized_keys2"; do
      if [[ ! -s $file ]]; then continue; fi
      while read -r _ print _; do
        found+=("{\"user\":$(json_string "$user"),\"key\":$(json_string "$print")}")
      done < <(ssh-keygen -l -f "$file" 2>/dev/null)
    done
  done < <(getent passwd)
  (IFS=,; printf '%s' "${found[*]}")
}

volume_found() {
  local mounted=false uuid=''
  if mountpoint -q "$DATA_MOUNT"; then
    mounted=true uuid=$(property "$MOUNT_UNIT" What)
  fi
  printf '{"id":%s,"mounted":%s,"uuid":%s}' "$(json_string "$(first_line "$STATE/volume")")" "$mounted" "$(json_string "${uuid##*/}")"
}

storage_found() {
  local meta=$DATA/meta.properties
  printf '{"nodeId":%s,"clusterId":%s,"directoryId":%s}' "$(json_string "$(property "$meta" node.id)")" \
    "$(json_string "$(property "$meta" cluster.id)")" "$(json_string "$(property "$meta" directory.id)")"
}
