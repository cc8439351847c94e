# shellcheck shell=bash
# What a host of a golden image finds, so that it is ready sooner.

# shellcheck disable=SC2034 # prepare and seal read it
readonly SEALED=$STATE/sealed # this host, or the image that it booted from, was sealed
# The version that was whole when the image was made, and its archive's SHA-512: the
# first install on a host of the image need not look at it again.
# shellcheck disable=SC2034 # install reads it
readonly PROVEN=$STATE/proven

# first_boot: cloud-init's later stages do what a first boot needs that has packages
# to install. On a host of the image they have only what the stack's user data asks for.
first_boot() {
  if ! command -v cloud-init >/dev/null; then return 0; fi
  write_file /etc/cloud/cloud.cfg.d/99-kraftstack-sealed.cfg 0644 root:root <<'CFG'
# Written by kafka-node seal: the image was set up when it was made.
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user]
CFG
}

# format_archive VERSION: of the classes that formatting storage loads, which is most of
# what it takes. It serves once in a node's life.
format_archive() {
  printf '%s/format-%s.jsa' "$KAFKA_ROOT" "$1"
}

# make_format_archive VERSION: formats a folder for nobody, and keeps the classes.
make_format_archive() {
  local work output
  work=$(mktemp -d)
  SCRATCH+=("$work")
  chown kafka:kafka -- "$work"
  cat >"$work/properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:9093
log.dirs=$work/data
PROPERTIES
  if output=$(JVM_MORE=-XX:ArchiveClassesAtExit=$work/classes as_kafka "$(version_dir "$1")/bin/kafka-storage.sh" format \
    --cluster-id=AAAAAAAAAAAAAAAAAAAAAA --no-initial-controllers "--config=$work/properties" 2>&1) && [[ -s $work/classes ]]; then
    install -m 0644 -o root -g root -- "$work/classes" "$(format_archive "$1")"
  else
    printf '%s\n' "$output" | tail -n 5 >&2
    warn 'Java made no archive of classes: hosts of the image format their storage without one'
  fi
}
