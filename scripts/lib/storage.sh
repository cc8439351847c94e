# shellcheck shell=bash
# Kafka's storage on the data disk: formatted once in a node's life.

readonly PROPERTIES=/etc/kafka/server.properties
readonly DATA=$DATA_MOUNT/data

# ensure_storage: the node's data is there and is this node's, or, for a new node,
# is made.
ensure_storage() {
  local log_dirs
  mountpoint -q "$DATA_MOUNT" ||
    die "no data disk is mounted on $DATA_MOUNT" 'run kafka-node prepare first (kraftstack up does)'
  log_dirs=$(property "$PROPERTIES" log.dirs)
  [[ $log_dirs == "$DATA" ]] ||
    die "server.properties has log.dirs=$log_dirs, and this toolkit keeps data in $DATA" 'this is a fault of the program that made it: report it'
  rm -rf -- "$DATA_MOUNT/.formatting" # of a run that was killed
  if [[ -e $DATA/meta.properties ]]; then
    expect_storage
    return
  fi
  if [[ ! ${FLAG[new]}${FLAG[lost]} ]]; then refuse_blank; fi
  if [[ -d $DATA && -n $(find "$DATA" -mindepth 1 -print -quit) ]]; then
    die "$DATA has files in it and no meta.properties, so it is no blank disk of a new node" \
      "look at what is there; if nothing is needed, empty $DATA and run this again"
  fi
  if [[ ${FLAG[lost]} ]]; then expect_refill; fi
  format_storage
}

# refuse_blank: a voter that forgot what it had voted for, or a broker that may be the
# only one with a record, must not come back empty unless a person says so.
refuse_blank() {
  local name=${HOSTNAME%%.*} lost=${FLAG[lost-disks]}
  die "the disk mounted on $DATA_MOUNT$(attached_volume) is empty, and the data of node ${FLAG[node-id]} was expected on it" \
    "attach the volume that holds its data, and run up again; only if that is lost for good, write lostDisks: {$name: $((lost + 1))} below kraftstack:hosts in the stack file and run up"
}

# expect_refill: others have all that was on the disk that was lost.
expect_refill() {
  wait_for 60 'others to have what this node had' cluster_says may-refill "${FLAG[node-id]}" && return
  refuse "the storage of node ${FLAG[node-id]} was not formatted, for the cluster cannot refill it: $WAIT_DETAIL" \
    'bring the nodes back that have these (kraftstack status), or delete the topics whose only replica was lost, then run up again'
}

attached_volume() {
  local volume
  volume=$(first_line "$STATE/volume")
  if [[ -n $volume ]]; then printf ' (it is %s)' "$volume"; fi
}

# expect_storage: the data on the disk is that of this cluster and this node.
expect_storage() {
  local fault
  fault=$(storage_fault "${FLAG[cluster-id]}" "${FLAG[node-id]}" "$(wanted_directory)")
  if [[ -n $fault ]]; then
    die "the data disk$(attached_volume) is not that of this node: $fault" \
      'attach the volume that belongs to this node; nothing on the disk was changed'
  fi
}

# wanted_directory: the directory id that is asked for. Kafka takes one only for
# the voters that the cluster is born with, on their first disks; it picks that of any
# other node itself.
wanted_directory() {
  printf '%s' "${FLAG[directory-id]}"
}

is_first_voter() {
  [[ ${FLAG[initial-controllers]} ]]
}

# storage_fault CLUSTER_ID NODE_ID DIRECTORY_ID: how meta.properties differs; empty
# where it does not. An empty directory id is not compared.
storage_fault() {
  local meta=$DATA/meta.properties found
  found=$(property "$meta" cluster.id)
  if [[ $found != "$1" ]]; then
    printf 'it has cluster.id %s, not %s' "$found" "$1"
    return
  fi
  found=$(property "$meta" node.id)
  if [[ $found != "$2" ]]; then
    printf 'it has node.id %s, not %s' "$found" "$2"
    return
  fi
  found=$(property "$meta" directory.id)
  if [[ -n $3 && $found != "$3" ]]; then
    printf 'it has directory.id %s, not %s' "$found" "$3"
  fi
}

# format_storage: kafka-storage.sh writes several files one after another, and half
# of them would look like all. So it formats a folder beside the data, which takes
# the data's name when it is whole.
format_storage() {
  local work=$DATA_MOUNT/.formatting properties output admin classes JVM_MORE=''
  say "formatting storage of node ${FLAG[node-id]}"
  install -d -m 0750 -o kafka -g kafka -- "$work"
  properties=$(mktemp)
  SCRATCH+=("$properties" "$work")
  write_file "$properties" 0640 root:kafka < <(
    awk -v dir="$work" '/^[ \t]*log\.dirs[ \t]*=/ { print "log.dirs=" dir; next } { print }' "$PROPERTIES"
  )
  local -a voters=(--no-initial-controllers)
  if is_first_voter; then voters=("--initial-controllers=${FLAG[initial-controllers]}"); fi
  if is_first_voter && [[ -s $FIRST_ADMIN ]]; then
    # Arguments from a file: everybody on a host can read a command line.
    admin=$(mktemp)
    SCRATCH+=("$admin")
    write_file "$admin" 0640 root:kafka < <(printf -- '--add-scram\n' && cat -- "$FIRST_ADMIN")
    voters+=("@$admin")
  fi
  # Only where it is of use: of a version that is not wanted it is just in the way.
  classes=$(format_archive "$(property /etc/kafka/jvm.env KAFKA_VERSION)")
  # shellcheck disable=SC2034 # as_kafka reads it
  if [[ -s $classes ]]; then JVM_MORE=-XX:SharedArchiveFile=$classes; fi
  output=$(as_kafka "$(wanted_bin)/kafka-storage.sh" format "--cluster-id=${FLAG[cluster-id]}" \
    "${voters[@]}" "--config=$properties" 2>&1) || {
    printf '%s\n' "$output" | tail -n 15 >&2
    die "kafka-storage.sh could not format the storage of node ${FLAG[node-id]}" 'read the lines above; correct the settings and run this again'
  }
  if is_first_voter && [[ $(property "$work/meta.properties" directory.id) != "${FLAG[directory-id]}" ]]; then
    die "--initial-controllers gives node ${FLAG[node-id]} another directory id than --directory-id=${FLAG[directory-id]}" \
      'this is a fault of the program that called: report it'
  fi
  sync -f "$work"
  mv -T -- "$work" "$DATA"
  rm -f -- "$KAFKA_ROOT"/format-*.jsa
}
