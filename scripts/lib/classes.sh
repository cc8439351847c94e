# shellcheck shell=bash
# The class data archive (JEP 310): Kafka's classes as the JVM holds them, read and
# verified once and not at each start, most of which goes into that otherwise.

# What is in an archive runs as Kafka does, and nobody verifies it again: root's.
readonly CLASSES=/var/cache/kafka
# Of the process that runs: which classes it has loaded, and the JVM's option for them.
readonly CLASS_LIST=/run/kafka/classes.lst CLASS_OPTION=/run/kafka/classes.env

# class_archive: where it is, or would be, for this Java and the current Kafka. A JVM
# that is given one of others goes on without any, its own included.
class_archive() {
  local java version
  java=$(readlink -f -- "$(command -v java)") version=$(current_version)
  printf '%s/%s.jsa' "$CLASSES" "$(
    { installed_sum "$version"; stat -c '%s %Y' -- "${java%/bin/java}/lib/server/libjvm.so" "$(version_dir "$version")"/libs/*; } |
      sha256sum | cut -c 1-16
  )"
}

# give_classes: the start that follows takes the archive, or, where there is none, says
# which classes one would have. After a crash it does without.
give_classes() {
  local archive option=''
  archive=$(class_archive)
  if (($(unit_property NRestarts) == 0)); then option=-XX:DumpLoadedClassList=$CLASS_LIST; fi
  if [[ $option && -e $archive ]]; then option=-XX:SharedArchiveFile=$archive; fi
  write_file "$CLASS_OPTION" 0644 root:root <<<"KAFKA_OPTS=$option"
}

# dump_classes LIST ARCHIVE: by the launcher that starts Kafka, for an archive is of one
# class path. The heap is a small one: an archive fits all up to 32 GiB. Its
# output is what Java says of it.
dump_classes() {
  env LOG_DIR=/tmp KAFKA_HEAP_OPTS=-Xmx512M KAFKA_JVM_PERFORMANCE_OPTS=-XX:+UseG1GC KAFKA_JMX_OPTS=-Djava.awt.headless=true \
    KAFKA_OPTS="-Xshare:dump -Xlog:disable -Xlog:all=error:stdout -XX:SharedClassListFile=$1 -XX:SharedArchiveFile=$2" \
    "$KAFKA_ROOT/current/bin/kafka-run-class.sh" kafka.Kafka 2>&1
}
