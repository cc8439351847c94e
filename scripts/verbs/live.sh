# shellcheck shell=bash

# verb_live makes the settings on standard input those of the running brokers,
# where Kafka needs no restart for them.
verb_live() {
  local errors failure
  parse_flags '' "$@"
  errors=$(mktemp)
  SCRATCH+=("$errors")
  if python3 -I /dev/fd/3 "$CLIENT" 3< <(live_program) 2>"$errors"; then return 0; fi
  failure=$(tail -n 1 -- "$errors")
  die "${failure%%; next: *}" "${failure#*; next: }"
}
