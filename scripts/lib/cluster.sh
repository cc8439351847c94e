# shellcheck shell=bash
# What the cluster says of itself. cluster.py asks it: Kafka's own tools start a
# JVM of more than a second for each question.

readonly CLIENT=/etc/kafka/client.properties

# wanted_bin: the launchers of the version that this host should run.
wanted_bin() {
  printf '%s/bin' "$(version_dir "$(property /etc/kafka/jvm.env KAFKA_VERSION)")"
}

# as_kafka COMMAND...: as the user that owns the data, with a JVM that is quick to
# start and without the service's own settings. JVM_MORE is one more option for it.
as_kafka() {
  (
    cd /
    runuser -u kafka -- env -u KAFKA_OPTS -u KAFKA_LOG4J_OPTS -u JMX_PORT LOG_DIR=/tmp \
      KAFKA_HEAP_OPTS=-Xmx256M KAFKA_JMX_OPTS=-Djava.awt.headless=true \
      KAFKA_JVM_PERFORMANCE_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto ${JVM_MORE:-}" "$@"
  )
}

bootstrap() {
  property "$CLIENT" bootstrap.servers
}

# NOTED holds what a run has already warned of.
declare -A NOTED=()

# cluster_says QUESTION NODE_ID...: a condition for wait_for. Returns 0 for yes; for
# no, and where nobody can be asked, 1 with the reason in WAIT_DETAIL; 2 for never.
cluster_says() {
  local answer line status=0
  answer=$(python3 -I /dev/fd/3 "$CLIENT" "$@" 2>&1 3< <(cluster_program)) || status=$?
  WAIT_DETAIL=''
  while IFS= read -r line; do
    if [[ $line == 'done '* ]]; then
      say "${line#done }"
    elif [[ $line != 'note '* ]]; then
      WAIT_DETAIL=$line
    elif [[ -z ${NOTED[$line]:-} ]]; then
      NOTED[$line]=yes
      warn "${line#note }"
    fi
  done <<<"$answer"
  case $status in
    0) WAIT_DETAIL='' ;;
    1) return 1 ;;
    3) return 2 ;;
    *) WAIT_DETAIL="the cluster does not answer: ${WAIT_DETAIL:-python3 ended with $status}"; return 1 ;;
  esac
}
