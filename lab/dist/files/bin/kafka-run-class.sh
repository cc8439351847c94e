#!/usr/bin/env bash
# Runs a class of this archive's jars. It takes the arguments and the environment
# of the launcher of the same name in Apache's archive, so that nothing which
# calls it can tell the two apart:
#   kafka-run-class.sh [-daemon] [-name NAME] [-loggc] CLASS [ARGUMENT...]
# KAFKA_HEAP_OPTS, KAFKA_JVM_PERFORMANCE_OPTS, KAFKA_GC_LOG_OPTS, KAFKA_JMX_OPTS,
# KAFKA_LOG4J_OPTS and KAFKA_OPTS hold JVM options, LOG_DIR the folder of logs,
# JMX_PORT a port for JMX, CLASSPATH jars to put first, JAVA_HOME a JVM.

if [ $# -lt 1 ]; then
  echo "usage: $0 [-daemon] [-name NAME] [-loggc] CLASS [ARGUMENT...]" >&2
  exit 1
fi

base=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
java=java
if [ -n "${JAVA_HOME:-}" ]; then java=$JAVA_HOME/bin/java; fi
: "${LOG_DIR:=$base/logs}"

daemon=no name=kafka loggc=no
while [ $# -gt 0 ]; do
  case $1 in
    -daemon) daemon=yes; shift ;;
    -loggc) loggc=yes; shift ;;
    -name) name=$2; shift 2 ;;
    *) break ;;
  esac
done

# A tool logs to the terminal; only what brings a configuration needs a folder.
if [ -n "${KAFKA_LOG4J_OPTS:-}" ]; then
  [ -d "$LOG_DIR" ] || mkdir -p "$LOG_DIR"
else
  KAFKA_LOG4J_OPTS=-Dlog4j2.configurationFile=$base/config/tools-log4j2.yaml
fi

# Tools live for a second: the quick compiler and the simple collector suit them.
# The server's launcher sets what suits a server.
: "${KAFKA_JVM_PERFORMANCE_OPTS:=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -Djava.awt.headless=true}"
: "${KAFKA_HEAP_OPTS:=-Xmx256M}"
if [ "$loggc" = yes ] && [ -z "${KAFKA_GC_LOG_OPTS:-}" ]; then
  KAFKA_GC_LOG_OPTS="-Xlog:gc*:file=$LOG_DIR/$name-gc.log:time,tags:filecount=10,filesize=100M"
fi
if [ -n "${JMX_PORT:-}" ]; then
  : "${KAFKA_JMX_OPTS:=-Dcom.sun.management.jmxremote -Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false}"
  KAFKA_JMX_OPTS="$KAFKA_JMX_OPTS -Dcom.sun.management.jmxremote.port=$JMX_PORT"
fi

# The variables are lists of options: they are meant to be split at blanks, and
# nothing in them is a file name pattern.
set -f
# shellcheck disable=SC2206
command=("$java" $KAFKA_HEAP_OPTS $KAFKA_JVM_PERFORMANCE_OPTS ${KAFKA_GC_LOG_OPTS:-} ${KAFKA_JMX_OPTS:-}
  "-Dkafka.logs.dir=$LOG_DIR" $KAFKA_LOG4J_OPTS
  -cp "${CLASSPATH:+$CLASSPATH:}$base/libs/*" ${KAFKA_OPTS:-} "$@")
if [ "$daemon" = yes ]; then
  mkdir -p "$LOG_DIR"
  nohup "${command[@]}" >"$LOG_DIR/$name.out" 2>&1 </dev/null &
else
  exec "${command[@]}"
fi
