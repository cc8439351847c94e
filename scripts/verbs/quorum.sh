# shellcheck shell=bash

# verb_quorum waits until the cluster stands: a leader, every voter caught up, every
# broker registered and unfenced.
verb_quorum() {
  local deadline
  local -a voters brokers
  parse_flags 'voters! brokers! timeout=300' "$@"
  check_flag voters '[0-9]+(,[0-9]+)*' 'node ids such as 1001,1002,1003'
  check_flag brokers '[0-9]+(,[0-9]+)*' 'node ids such as 1001,1002,1003'
  check_flag timeout '[0-9]+' 'a number of seconds'
  IFS=, read -r -a voters <<<"${FLAG[voters]}"
  IFS=, read -r -a brokers <<<"${FLAG[brokers]}"
  [[ -n $(bootstrap) ]] || die "$CLIENT names no bootstrap.servers" 'run kafka-node configure first (kraftstack up does)'
  deadline=$(deadline_in "${FLAG[timeout]}")
  quorum_step "$deadline" 'the brokers to open their ports' bootstrap_answers
  quorum_step "$deadline" 'the voters to catch up' cluster_says voters-caught-up "${voters[@]}"
  quorum_step "$deadline" 'the brokers to be registered and unfenced' cluster_says brokers-unfenced "${brokers[@]}"
  say "the quorum stands: ${#voters[@]} voters caught up, ${#brokers[@]} brokers serving"
}

# quorum_step DEADLINE WHAT CONDITION...
quorum_step() {
  local deadline=$1 what=$2
  shift 2
  wait_for "$(remaining "$deadline")" "$what" "$@" && return
  die "the quorum did not stand within ${FLAG[timeout]} s, waiting for $what: $WAIT_DETAIL" \
    'look at the hosts of the nodes named here with: kafka-node status, journalctl -u kafka.service; then run this again'
}

# bootstrap_answers: every broker that clients are told of accepts connections.
bootstrap_answers() {
  local address
  local -a silent=()
  for address in $(bootstrap | tr ',' ' '); do
    port_answers "${address%:*}" "${address##*:}" || silent+=("$address")
  done
  WAIT_DETAIL="no answer from ${silent[*]:-}"
  ((${#silent[@]} == 0))
}
