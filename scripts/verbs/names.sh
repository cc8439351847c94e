# shellcheck shell=bash

# verb_names waits until every name resolves in this network. Kafka must not ask
# for a name before it exists: a resolver remembers that it did not.
verb_names() {
  parse_flags 'hosts! timeout=120' "$@"
  check_flag hosts '[a-z0-9.,-]+' 'names, separated by commas'
  check_flag timeout '[0-9]+' 'a number of seconds'
  wait_for "${FLAG[timeout]}" 'the names of all nodes to resolve' names_resolve ||
    die "after ${FLAG[timeout]} s there is no address for $WAIT_DETAIL" \
      "check the private hosted zone and the VPC's DNS settings, then run this again"
  say 'every name resolves'
}

names_resolve() {
  local name
  for name in ${FLAG[hosts]//,/ }; do
    WAIT_DETAIL=$name
    getent ahostsv4 "$name" >/dev/null || return 1
  done
  WAIT_DETAIL=''
}
