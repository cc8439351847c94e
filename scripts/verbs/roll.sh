# shellcheck shell=bash

# verb_roll makes the wanted generation the running one and waits until the node is
# healthy with it. A node that was seen healthy with it is left alone at once.
verb_roll() {
  local deadline wanted
  parse_flags 'generation! node-id! together= spare-leader? gate-timeout=120 timeout=600' "$@"
  check_flag generation '[0-9a-f]{16}' '16 hex digits'
  check_flag node-id '[0-9]+' 'a number'
  check_flag together '[0-9]+(,[0-9]+)*' 'node ids such as 1001,1004'
  check_flag gate-timeout '[0-9]+' 'a number of seconds'
  check_flag timeout '[0-9]+' 'a number of seconds'
  if [[ ! -e $UNPROVEN && $(running_generation) == "${FLAG[generation]}" ]]; then
    say "node ${FLAG[node-id]} runs generation ${FLAG[generation]}"
    return
  fi
  lock_host
  wanted=$(first_line "$GENERATION")
  [[ $wanted == "${FLAG[generation]}" ]] ||
    die "this host is configured for generation ${wanted:-none}, not ${FLAG[generation]}" 'run kafka-node configure first (kraftstack up does)'
  begin_lap
  if [[ $(running_generation) != "$wanted" ]]; then
    if is_spared; then
      say "node ${FLAG[node-id]} leads the quorum: it is restarted after the other voters"
      return
    fi
    expect_unaltered
    pass_gate
    deadline=$(deadline_in "${FLAG[timeout]}")
    restart_kafka "$deadline"
  fi
  wait_until_healthy "${deadline:-$(deadline_in "${FLAG[timeout]}")}"
  rm -f -- "$UNPROVEN"
  say "node ${FLAG[node-id]} is healthy with generation $wanted ($LAPS)"
}

# expect_unaltered: on a host that was changed by hand no generation of the stack's
# starts (see activate), so a restart would be for nothing.
expect_unaltered() {
  local changed
  changed=$(altered | paste -s -d ' ')
  [[ -z $changed ]] ||
    refuse_altered "node ${FLAG[node-id]} was not restarted: this host was changed by hand: $changed" \
      'kraftstack audit shows what differs; kraftstack up --repair mends it and restarts Kafka'
}

# is_spared: this roll leaves the quorum's leader for the end, so that leadership
# moves once and not with each voter.
is_spared() {
  [[ ${FLAG[spare-leader]} ]] && unit_is_active && cluster_says leads-quorum "${FLAG[node-id]}"
}

# pass_gate: the cluster can do without this node now, and without those that are
# restarted together with it. What does not run gives nothing to lose.
pass_gate() {
  local roles
  local -a ids
  if ! unit_is_active; then return 0; fi
  IFS=, read -r -a ids <<<"${FLAG[together]:-${FLAG[node-id]}}"
  roles=$(property "$PROPERTIES" process.roles)
  if [[ $roles == *broker* ]]; then
    gate_step 'the partitions of this broker to have replicas to spare' may-stop-brokers "${ids[@]}"
  fi
  if [[ $roles == *controller* ]]; then
    gate_step 'the other voters to catch up' may-stop-voters "${ids[@]}"
  else
    # It may have been one until now.
    gate_step 'the quorum to let this voter go' leave "${FLAG[node-id]}"
  fi
  lap gate
}

# gate_step WHAT QUESTION NODE_ID...
gate_step() {
  local what=$1
  shift
  wait_for "${FLAG[gate-timeout]}" "$what" cluster_says "$@" && return
  refuse "node ${FLAG[node-id]} was not restarted: after ${FLAG[gate-timeout]} s of waiting for $what: $WAIT_DETAIL" \
    'bring the brokers back that are down, or wait until their replicas are in sync (kraftstack status shows both), then run up again: it goes on here'
}

# restart_kafka DEADLINE: the note comes first, so that a roll which is killed from
# here on is taken up by the next one; and systemd alone stops and starts, so that
# nothing stays down if this connection is lost.
restart_kafka() {
  local before
  say "restarting Kafka on node ${FLAG[node-id]} for generation ${FLAG[generation]}"
  write_file "$UNPROVEN" 0644 root:root <<<"${FLAG[generation]}"
  reload_units
  systemctl reset-failed "$UNIT" 2>/dev/null || true
  count_restarts
  before=$(unit_property MainPID)
  systemctl restart --no-block "$UNIT"
  wait_for "$(remaining "$1")" 'Kafka to hand over its leaders and stop' has_stopped "$before" ||
    die "$UNIT did not stop within ${FLAG[timeout]} s" "look at: systemctl status $UNIT; it is killed after its TimeoutStopSec, and up goes on then"
  lap stop
  wait_for "$(remaining "$1")" 'Kafka to start' runs_wanted_generation && return
  if [[ $(running_generation) == altered ]]; then
    refuse_altered "$UNIT came back, but this host was changed by hand meanwhile: $(altered | paste -s -d ' ')" 'kraftstack up --repair mends it and restarts Kafka'
  fi
  die_with_log "$UNIT did not come back with generation ${FLAG[generation]} ($(unit_property ActiveState), $(unit_property SubState))"
}

# has_stopped PID: of the process that ran before.
has_stopped() {
  [[ $1 == 0 || ! -e /proc/$1 || $(unit_property MainPID) != "$1" ]]
}

runs_wanted_generation() {
  local running
  running=$(running_generation)
  if [[ $running == "${FLAG[generation]}" ]]; then return 0; fi
  if [[ $running == altered ]] || unit_died; then return 2; fi
  return 1
}

# wait_until_healthy DEADLINE: a broker opens its port when the quorum has unfenced
# it, so no answer is of the process that ran before.
wait_until_healthy() {
  local roles questions=''
  count_restarts
  roles=$(property "$PROPERTIES" process.roles)
  health_step "$1" 'its ports to open' ports_open
  lap start
  if [[ $roles == *controller* ]]; then questions=caught-up; fi
  if [[ $roles == *broker* ]]; then questions+=${questions:++}brokers-unfenced+partitions-in-sync; fi
  health_step "$1" 'its metadata and its partitions to catch up' cluster_says "$questions" "${FLAG[node-id]}"
  lap 'catch-up'
}

# health_step DEADLINE WHAT CONDITION...
health_step() {
  local deadline=$1 what=$2
  shift 2
  wait_for "$(remaining "$deadline")" "$what" alive_and "$@" && return
  die_with_log "node ${FLAG[node-id]} is not healthy after the restart, within ${FLAG[timeout]} s, waiting for $what: ${WAIT_DETAIL:-it never was}"
}

# alive_and CONDITION...: there is no point in asking about a process that is gone.
alive_and() {
  if unit_died; then
    WAIT_DETAIL="$UNIT is $(unit_property ActiveState) after $(unit_property NRestarts) restarts of its own"
    return 2
  fi
  "$@"
}

ports_open() {
  local port
  for port in $(own_ports); do
    WAIT_DETAIL="port $port does not answer"
    port_answers 127.0.0.1 "$port" || return 1
  done
  WAIT_DETAIL=''
}
