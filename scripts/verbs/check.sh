# shellcheck shell=bash

# verb_check compares the host with what configure wrote and prints one JSON object.
# It changes nothing, and ends with 3 where something differs.
verb_check() {
  local wanted running service
  parse_flags '' "$@"
  CHECK_OK=true
  wanted=$(first_line "$GENERATION")
  running=$(running_generation)
  service=$(unit_property ActiveState)
  if [[ -z $wanted || $wanted != "$running" || $service != active ]]; then CHECK_OK=false; fi
  check_files
  check_volume
  check_storage
  printf '{"host":%s,"ok":%s,"generation":{"wanted":%s,"running":%s},"service":%s,"version":%s,"java":%s,"files":[%s],"volume":%s,"storage":%s}\n' \
    "$(json_string "$HOSTNAME")" "$CHECK_OK" "$(json_string "$wanted")" "$(json_string "$running")" \
    "$(json_string "$service")" "$(json_string "$(current_version)")" "$(json_string "$(java_version)")" \
    "$CHECK_FILES" "$CHECK_VOLUME" "$CHECK_STORAGE"
  [[ $CHECK_OK == true ]] || exit 3
}

# What the parts of check find, as JSON, and whether all is well.
CHECK_OK=true CHECK_FILES='' CHECK_VOLUME='' CHECK_STORAGE=''

# current_version: of the link that Kafka was last started through.
current_version() {
  local target
  target=$(readlink -- "$KAFKA_ROOT/current" || true)
  printf '%s' "${target#kafka_2.13-}"
}

check_files() {
  local sum mode owner path why ok
  local -a list=()
  if [[ ! -r $MANIFEST ]]; then
    CHECK_OK=false
    return
  fi
  while read -r sum mode owner path; do
    why=$(file_fault "$sum" "$mode" "$owner" "$path")
    ok=true
    if [[ -n $why ]]; then ok=false CHECK_OK=false; fi
    list+=("{\"path\":$(json_string "$path"),\"ok\":$ok,\"why\":$(json_string "$why")}")
  done <"$MANIFEST"
  CHECK_FILES=$(IFS=,; printf '%s' "${list[*]}")
}

check_volume() {
  local volume mounted=false uuid=''
  volume=$(first_line "$STATE/volume")
  if mountpoint -q "$DATA_MOUNT"; then
    mounted=true
    uuid=$(property "$MOUNT_UNIT" What)
  else
    CHECK_OK=false
  fi
  CHECK_VOLUME="{\"id\":$(json_string "$volume"),\"mounted\":$mounted,\"uuid\":$(json_string "${uuid##*/}")}"
}

check_storage() {
  local why='' ok=true
  if [[ ! -e $DATA/meta.properties ]]; then
    why="there is no $DATA/meta.properties"
  else
    why=$(storage_fault "$(property "$STATE/node" cluster.id)" "$(property "$STATE/node" node.id)" "$(property "$STATE/node" directory.id)")
  fi
  if [[ -n $why ]]; then ok=false CHECK_OK=false; fi
  CHECK_STORAGE="{\"ok\":$ok,\"why\":$(json_string "$why"),\"nodeId\":$(json_string "$(property "$DATA/meta.properties" node.id)"),\"clusterId\":$(json_string "$(property "$DATA/meta.properties" cluster.id)"),\"directoryId\":$(json_string "$(property "$DATA/meta.properties" directory.id)")}"
}
