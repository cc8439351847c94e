# shellcheck shell=bash

# A broker that was started a moment ago may still open its ports.
readonly LIVE_SECONDS=90
readonly LIVE_LOOK='look at the brokers with: kafka-node status, journalctl -u kafka.service; then run this again'

# verb_live makes the settings on standard input those of the running brokers,
# where Kafka needs no restart for them.
verb_live() {
  parse_flags '' "$@"
  wait_for "$LIVE_SECONDS" 'a broker to open its port' some_broker_answers ||
    die "no broker answered within $LIVE_SECONDS s: $WAIT_DETAIL" "$LIVE_LOOK"
  settings apply
}

# settings apply|check: runs the program with the settings on standard input.
settings() {
  local errors failure
  errors=$(mktemp)
  SCRATCH+=("$errors")
  if python3 -I /dev/fd/3 "$CLIENT" "$1" 3< <(live_program) 2>"$errors"; then return 0; fi
  failure=$(tail -n 1 -- "$errors")
  die "${failure%%; next: *}" "${failure#*; next: }"
}

# some_broker_answers: one is enough to tell the cluster.
some_broker_answers() {
  local address
  for address in $(bootstrap | tr ',' ' '); do
    if port_answers "${address%:*}" "${address##*:}"; then return 0; fi
  done
  WAIT_DETAIL="no answer from $(bootstrap)"
  return 1
}
