# shellcheck shell=bash
# Brokers that join get their share of the partitions, and those that leave give
# away what they have.

readonly ID_LIST='[0-9]+(,[0-9]+)*' ID_LIST_WANTED='node ids such as 1001,1002,1003'

# verb_rebalance makes these brokers hold all partitions, and each its share.
verb_rebalance() {
  parse_flags 'brokers= throttle-mib= drain-only? cancel?' "$@"
  if [[ ${FLAG[cancel]} ]]; then
    partitions cancel
    return
  fi
  [[ ${FLAG[brokers]} && ${FLAG[throttle-mib]} ]] || usage_error '--brokers=… and --throttle-mib=… are missing'
  check_flag brokers "$ID_LIST" "$ID_LIST_WANTED"
  check_flag throttle-mib '[1-9][0-9]*' 'a number of MiB per second'
  move_to "${FLAG[brokers]}" ${FLAG[drain-only]:+drain}
}

# move_to BROKERS [drain]
move_to() {
  partitions move "$1" "$((FLAG[throttle-mib] * 1048576))" "${@:2}"
}

# expect_room: nothing was changed for it yet.
expect_room() {
  partitions fits "${FLAG[brokers]}"
}

# partitions VERB ARGUMENT...: runs the program; its progress is what it prints.
partitions() {
  local errors failure status=0
  errors=$(mktemp)
  SCRATCH+=("$errors")
  python3 -I /dev/fd/3 "$CLIENT" "$@" 3< <(partitions_program) 2>"$errors" || status=$?
  failure=$(tail -n 1 -- "$errors")
  case $status in
    0) ;;
    10) refuse "the brokers that stay cannot hold the partitions of those that leave: $failure" \
      'keep the brokers, or make room first (fewer replicas, larger disks, less retention); no partition was moved' ;;
    *) die "${failure%%; next: *}" "${failure#*; next: }" ;;
  esac
}

# verb_retire takes this host out of the cluster. What an earlier run did is not done
# again, so it can be killed anywhere.
verb_retire() {
  local deadline
  parse_flags 'node-id! throttle-mib=50 timeout=630' "$@"
  check_flag node-id '[0-9]+' 'a number'
  check_flag throttle-mib '[1-9][0-9]*' 'a number of MiB per second'
  check_flag timeout '[0-9]+' 'a number of seconds'
  lock_host
  # What was created since the others took over may have come here.
  partitions leave "${FLAG[node-id]}" "$((FLAG[throttle-mib] * 1048576))"
  deadline=$(deadline_in "${FLAG[timeout]}")
  stop_for_good "$deadline"
  if ! (partitions empty "${FLAG[node-id]}"); then
    systemctl -q enable "$UNIT"
    systemctl start --no-block "$UNIT"
    die 'a topic was created here while it was emptied; Kafka was started again' 'run up again: it goes on here'
  fi
  partitions unregister "${FLAG[node-id]}"
  say "node ${FLAG[node-id]} has left the cluster"
}

# stop_for_good DEADLINE: nothing starts it again, a reboot neither.
stop_for_good() {
  local before
  systemctl -q disable "$UNIT"
  before=$(unit_property MainPID)
  systemctl stop --no-block "$UNIT"
  wait_for "$(remaining "$1")" 'Kafka to stop' has_stopped "$before" ||
    die "$UNIT did not stop within ${FLAG[timeout]} s" "look at: systemctl status $UNIT; then run up again"
}
