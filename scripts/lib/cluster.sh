# shellcheck shell=bash
# What the cluster says of itself, through Kafka's own tools. Each call starts a
# JVM and takes a second, so cheap questions come first: a broker opens its port
# only when the quorum has unfenced it.

readonly CLIENT=/etc/kafka/client.properties

# wanted_bin: the launchers of the version that this host should run.
wanted_bin() {
  printf '%s/bin' "$(version_dir "$(property /etc/kafka/jvm.env KAFKA_VERSION)")"
}

# as_kafka COMMAND...: as the user that owns the data, with a JVM that is quick to
# start and without the service's own settings.
as_kafka() {
  (
    cd /
    runuser -u kafka -- env -u KAFKA_OPTS -u KAFKA_LOG4J_OPTS -u JMX_PORT LOG_DIR=/tmp \
      KAFKA_HEAP_OPTS=-Xmx256M KAFKA_JMX_OPTS=-Djava.awt.headless=true \
      KAFKA_JVM_PERFORMANCE_OPTS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto' "$@"
  )
}

# ask TOOL ARGUMENT...: calls one of Kafka's tools. Bounded, as the tools themselves wait up to a minute for a broker that does not answer.
# TOOL_OUTPUT is its standard output; WAIT_DETAIL what went wrong.
TOOL_OUTPUT=''
ask() {
  local errors
  errors=$(mktemp)
  if TOOL_OUTPUT=$(as_kafka timeout 25 "$(wanted_bin)/$1" "${@:2}" 2>"$errors"); then
    rm -f -- "$errors"
    return 0
  fi
  WAIT_DETAIL="$1: $(grep -v -e '^\s*at ' -e WARN -- "$errors" | tail -n 1 | cut -c 1-200)"
  rm -f -- "$errors"
  return 1
}

bootstrap() {
  property "$CLIENT" bootstrap.servers
}

# voters_behind OUTPUT ID...: which of these voters have not caught up, given what
# "kafka-metadata-quorum.sh describe --replication" printed. Caught up is who had
# all of the leader's log within the last 3 s of the leader's own clock; a lag in
# records is never quite 0 on a busy cluster.
voters_behind() {
  local output=$1 id
  shift
  for id in "$@"; do
    awk -v id="$id" '
      $NF == "Leader" { now = $5 }
      $1 == id && ($NF == "Leader" || $NF == "Follower") { voter = 1; seen = $6 }
      END { if (!now) print "no leader"; else if (!voter) print id " is no voter"
            else if (now - seen > 3000) print id " is behind" }
    ' <<<"$output"
  done | sort -u | paste -s -d , | sed 's/,/, /g'
}

# brokers_missing OUTPUT ID...: which of these brokers are not registered or fenced,
# given what "kafka-cluster.sh list-endpoints --include-fenced-brokers" printed.
brokers_missing() {
  local output=$1 id
  shift
  for id in "$@"; do
    awk -v id="$id" '
      $1 == id && $NF == "broker" { found = 1; fenced = !/ unfenced / }
      END { if (!found) print id " is not registered"; else if (fenced) print id " is fenced" }
    ' <<<"$output"
  done | paste -s -d , | sed 's/,/, /g'
}

# partitions_waiting OUTPUT ID: how many partitions with a replica on this broker
# are under-replicated, and the first of them, given what "kafka-topics.sh
# --describe --under-replicated-partitions" printed. Empty for none.
partitions_waiting() {
  awk -v id="$2" '
    $1 == "Topic:" && $3 == "Partition:" {
      replicas = ""
      for (i = 1; i < NF; i++) if ($i == "Replicas:") replicas = $(i + 1)
      if (index("," replicas ",", "," id ",")) { if (!count++) first = $2 "-" $4 }
    }
    END { if (count) print count " under-replicated (first: " first ")" }
  ' <<<"$1"
}

# Conditions for wait_for: each returns 0 or says in WAIT_DETAIL what is missing.

voters_caught_up() {
  ask kafka-metadata-quorum.sh --bootstrap-server "$(bootstrap)" --command-config "$CLIENT" describe --replication || return 1
  WAIT_DETAIL=$(voters_behind "$TOOL_OUTPUT" "$@")
  [[ -z $WAIT_DETAIL ]]
}

# --config is called --command-config from 4.2 on, and every 4.x takes the old name.
brokers_unfenced() {
  ask kafka-cluster.sh list-endpoints --bootstrap-server "$(bootstrap)" --config "$CLIENT" --include-fenced-brokers || return 1
  WAIT_DETAIL=$(brokers_missing "$TOOL_OUTPUT" "$@")
  [[ -z $WAIT_DETAIL ]]
}

partitions_in_sync() {
  ask kafka-topics.sh --bootstrap-server "$(bootstrap)" --command-config "$CLIENT" --describe --under-replicated-partitions || return 1
  WAIT_DETAIL=$(partitions_waiting "$TOOL_OUTPUT" "$1")
  [[ -z $WAIT_DETAIL ]]
}
