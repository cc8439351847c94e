#!/usr/bin/env bash
# Starts a broker, a controller, or both:
#   kafka-server-start.sh [-daemon] server.properties [--override KEY=VALUE]...
# The environment is that of kafka-run-class.sh; EXTRA_ARGS replaces its
# "-name kafkaServer -loggc".

if [ $# -lt 1 ]; then
  echo "usage: $0 [-daemon] server.properties [--override KEY=VALUE]..." >&2
  exit 1
fi

bin=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
export KAFKA_LOG4J_OPTS=${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile=$bin/../config/log4j2.yaml}
export KAFKA_HEAP_OPTS=${KAFKA_HEAP_OPTS:--Xmx1G -Xms1G}
export KAFKA_JVM_PERFORMANCE_OPTS=${KAFKA_JVM_PERFORMANCE_OPTS:--server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true}

read -r -a extra <<<"${EXTRA_ARGS--name kafkaServer -loggc}"
if [ "$1" = -daemon ]; then
  extra=(-daemon "${extra[@]}")
  shift
fi
exec "$bin/kafka-run-class.sh" "${extra[@]}" kafka.Kafka "$@"
