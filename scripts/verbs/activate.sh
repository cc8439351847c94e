# shellcheck shell=bash

# verb_activate runs before each start of kafka.service: the version and the
# generation that are wanted now are those that run from now on.
verb_activate() {
  local version
  parse_flags '' "$@"
  version=$(property /etc/kafka/jvm.env KAFKA_VERSION)
  [[ -n $version ]] || die '/etc/kafka/jvm.env names no KAFKA_VERSION' 'run kafka-node configure again (kraftstack up does)'
  [[ -n $(installed_sum "$version") ]] ||
    die "Kafka $version is wanted and not installed in $(version_dir "$version")" 'run kafka-node install for that version'
  activate_version "$version"
  install -d -m 0755 /run/kafka
  write_file /run/kafka/generation 0644 root:root <<<"$(first_line /etc/kafka/generation)"
}
