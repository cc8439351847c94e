# shellcheck shell=bash

# verb_client writes what Kafka's tools on a host without Kafka need: how to reach
# the cluster, whom to trust and who is asking.
verb_client() {
  local staging
  parse_flags '' "$@"
  lock_host
  staging=$(mktemp -d)
  SCRATCH+=("$staging")
  read_document "$staging"
  apply_document "$MANIFEST"
  say 'done'
}
