# shellcheck shell=bash

# verb_quorum waits until the cluster stands: a leader, the wanted voters and no
# others, each caught up, every broker registered and unfenced. Voters are added and
# removed one at a time; a broker that is none any more leaves in its roll, or here if
# it leads a quorum that is to be complete. Those whose process is no controller yet
# have to be there only where it is.
verb_quorum() {
  local deadline
  local -a voters brokers
  parse_flags 'voters! brokers= complete? timeout=300' "$@"
  check_flag voters '[0-9]+@[^,@: ]+:[0-9]+(,[0-9]+@[^,@: ]+:[0-9]+)*' 'ID@HOST:PORT,…'
  check_flag brokers '[0-9]+(,[0-9]+)*' 'node ids such as 1001,1002,1003'
  check_flag timeout '[0-9]+' 'a number of seconds'
  IFS=, read -r -a voters <<<"${FLAG[voters]}"
  IFS=, read -r -a brokers <<<"${FLAG[brokers]}"
  [[ -n $(bootstrap) ]] || die "$CLIENT names no bootstrap.servers" 'run kafka-node configure first (kraftstack up does)'
  deadline=$(deadline_in "${FLAG[timeout]}")
  if [[ ${FLAG[brokers]} ]]; then quorum_step "$deadline" 'the brokers to open their ports' bootstrap_answers; fi
  quorum_step "$deadline" 'the voters to be these and to catch up' cluster_says "${FLAG[complete]:+all-}voters" "${voters[@]}" "${brokers[@]}"
  if [[ ${FLAG[brokers]} ]]; then
    quorum_step "$deadline" 'the brokers to be registered and unfenced' cluster_says brokers-unfenced "${brokers[@]}"
  fi
  say "the quorum stands: its voters have caught up${FLAG[brokers]:+, ${#brokers[@]} brokers serving}"
}

# quorum_step DEADLINE WHAT CONDITION...
quorum_step() {
  local deadline=$1 what=$2
  shift 2
  wait_for "$(remaining "$deadline")" "$what" "$@" && return
  if [[ $WAIT_DETAIL == *' cannot leave the quorum'* ]]; then
    refuse "the quorum was left as it is: $WAIT_DETAIL" 'bring the others back (kraftstack status), then run up again: it goes on here'
  fi
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
