# shellcheck shell=bash

# The health of Kafka that was started here on storage with data, and that nobody
# has looked at since, is unproven: the note holds its generation until a roll has
# seen the node healthy.
readonly UNPROVEN=$STATE/unproven

# verb_configure gives the host its settings, storage and a running Kafka. It does
# not wait for Kafka's health: all hosts of a new cluster have to come up together.
verb_configure() {
  local staging
  parse_flags 'new? lost? lost-disks=0 node-id! cluster-id! initial-controllers= directory-id= volume-id! instance!' "$@"
  check_configure_flags
  lock_host
  staging=$(mktemp -d)
  SCRATCH+=("$staging")
  read_document "$staging"
  expect_installed
  apply_document "$MANIFEST"
  remember_node
  if [[ -e $DATA/meta.properties || ${FLAG[lost]} ]]; then note_unproven; fi
  ensure_storage
  remove_drop_ins
  rm -f -- "$FIRST_ADMIN"
  # First, for it has systemd read all units again, which reload_units need not do then.
  systemctl -q is-enabled "$UNIT" 2>/dev/null || systemctl -q enable "$UNIT"
  reload_units
  start_kafka
  say 'done'
}

check_configure_flags() {
  local uuid='[A-Za-z0-9_-]{22}'
  check_flag node-id '[0-9]+' 'a number'
  check_flag cluster-id "$uuid" 'a Kafka UUID of 22 characters'
  check_flag directory-id "$uuid" 'a Kafka UUID of 22 characters'
  check_flag initial-controllers "[0-9]+@[^,@: ]+:[0-9]+:$uuid(,[0-9]+@[^,@: ]+:[0-9]+:$uuid)*" 'ID@HOST:PORT:DIRECTORY-ID,…'
  check_flag lost-disks '[0-9]+' 'a number'
  check_flag volume-id 'vol-[0-9a-f]+' 'a volume id such as vol-0123456789abcdef0'
  check_flag instance 'i-[0-9a-f]+' 'an instance id such as i-0123456789abcdef0'
  if [[ -n ${FLAG[initial-controllers]} && ,${FLAG[initial-controllers]}, != *,"${FLAG[node-id]}"@*:"${FLAG[directory-id]:-none}",* ]]; then
    usage_error "--initial-controllers does not have node ${FLAG[node-id]} with --directory-id=${FLAG[directory-id]}"
  fi
}

# expect_installed: the version that the document asks for is on this host.
expect_installed() {
  local version=''
  if [[ -n ${DOCUMENT_CONTENT[/etc/kafka/jvm.env]:-} ]]; then
    version=$(property "${DOCUMENT_CONTENT[/etc/kafka/jvm.env]}" KAFKA_VERSION)
  fi
  [[ -n $version ]] || die 'the document has no /etc/kafka/jvm.env with a KAFKA_VERSION' 'this is a fault of the program that made it: report it'
  [[ -n $(installed_sum "$version") ]] ||
    die "Kafka $version is not installed in $(version_dir "$version")" "run kafka-node install --version=$version --url=… first (kraftstack up does)"
}

# remember_node: who this host is, for check, status and whoever looks.
remember_node() {
  write_if_changed "$STATE/node" 0644 root:root <<NODE || true
node.id=${FLAG[node-id]}
cluster.id=${FLAG[cluster-id]}
directory.id=$(wanted_directory)
instance=${FLAG[instance]}
NODE
}

# note_unproven: unless Kafka runs already, it is about to start on data that other
# brokers have gone on from.
note_unproven() {
  if unit_is_active; then return 0; fi
  write_file "$UNPROVEN" 0644 root:root <<<"$(first_line "$GENERATION")"
}

# remove_drop_ins: nobody changes the unit but the stack.
remove_drop_ins() {
  local path
  for path in $(foreign_drop_ins); do
    rm -f -- "$path"
    say "removed $path"
  done
}

start_kafka() {
  if unit_is_active; then
    say 'Kafka runs'
    return
  fi
  systemctl reset-failed "$UNIT" 2>/dev/null || true
  systemctl start "$UNIT" || die_with_log "$UNIT did not start"
  say "Kafka was started as node ${FLAG[node-id]}"
}
