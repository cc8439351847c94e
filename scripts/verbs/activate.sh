# shellcheck shell=bash

# verb_activate runs before each start of kafka.service: the version and the
# generation that are wanted now are those that run from now on. Where somebody has
# changed a file of the host it is no generation of the stack's that starts, and no
# roll takes it for one.
verb_activate() {
  local version starting
  parse_flags '' "$@"
  version=$(property /etc/kafka/jvm.env KAFKA_VERSION)
  [[ -n $version ]] || die '/etc/kafka/jvm.env names no KAFKA_VERSION' 'run kafka-node configure again (kraftstack up does)'
  [[ -n $(installed_sum "$version") ]] ||
    die "Kafka $version is wanted and not installed in $(version_dir "$version")" 'run kafka-node install for that version'
  activate_version "$version"
  starting=$(first_line "$GENERATION")
  if [[ -n $(altered) ]]; then
    warn 'this host is not as the stack wrote it; see kafka-node check'
    starting=altered
  fi
  install -d -m 0755 /run/kafka
  write_file "$RUNNING_GENERATION" 0644 root:root <<<"$starting"
  give_classes
}
