# shellcheck shell=bash

# verb_roll makes the wanted generation the running one and waits until the node is
# healthy with it. A node that was seen healthy with it is left alone at once.
verb_roll() {
  local deadline wanted
  parse_flags 'generation! node-id! timeout=600' "$@"
  check_flag generation '[0-9a-f]{16}' '16 hex digits'
  check_flag node-id '[0-9]+' 'a number'
  check_flag timeout '[0-9]+' 'a number of seconds'
  if [[ ! -e $UNPROVEN && $(running_generation) == "${FLAG[generation]}" ]]; then
    say "node ${FLAG[node-id]} runs generation ${FLAG[generation]}"
    return
  fi
  lock_host
  wanted=$(first_line "$GENERATION")
  [[ $wanted == "${FLAG[generation]}" ]] ||
    die "this host is configured for generation ${wanted:-none}, not ${FLAG[generation]}" 'run kafka-node configure first (kraftstack up does)'
  deadline=$(deadline_in "${FLAG[timeout]}")
  if [[ $(running_generation) != "$wanted" ]]; then restart_kafka "$deadline"; fi
  wait_until_healthy "$deadline"
  rm -f -- "$UNPROVEN"
  say "node ${FLAG[node-id]} is healthy with generation $wanted"
}

# restart_kafka DEADLINE: the note comes first, so that a roll which is killed from
# here on is taken up by the next one.
restart_kafka() {
  say "restarting Kafka on node ${FLAG[node-id]} for generation ${FLAG[generation]}"
  write_file "$UNPROVEN" 0644 root:root <<<"${FLAG[generation]}"
  reload_units
  systemctl reset-failed "$UNIT" 2>/dev/null || true
  count_restarts
  systemctl restart --no-block "$UNIT"
  wait_for "$(remaining "$1")" 'Kafka to stop in good order and start again' runs_wanted_generation && return
  die_with_log "$UNIT did not come back with generation ${FLAG[generation]} ($(unit_property ActiveState), $(unit_property SubState))"
}

runs_wanted_generation() {
  if [[ $(running_generation) == "${FLAG[generation]}" ]]; then return 0; fi
  if unit_died; then return 2; fi
  return 1
}

# wait_until_healthy DEADLINE: the cheap questions first.
wait_until_healthy() {
  local roles
  count_restarts
  roles=$(property "$PROPERTIES" process.roles)
  health_step "$1" 'its ports to open' ports_open
  if [[ $roles == *controller* ]]; then
    health_step "$1" 'its quorum voter to catch up' voters_caught_up "${FLAG[node-id]}"
  fi
  if [[ $roles == *broker* ]]; then
    health_step "$1" 'its broker to be unfenced' brokers_unfenced "${FLAG[node-id]}"
    health_step "$1" 'its partitions to be in sync' partitions_in_sync "${FLAG[node-id]}"
  fi
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
