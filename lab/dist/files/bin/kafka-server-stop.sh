#!/usr/bin/env bash
# Asks every Kafka server of this machine to stop in an orderly way, or with
#   kafka-server-stop.sh [--process-role=ROLE] [--node-id=ID]
# those whose configuration file says so.

role='' node=''
for argument in "$@"; do
  case $argument in
    --process-role=*) role=${argument#*=} ;;
    --node-id=*) node=${argument#*=} ;;
    *) echo "usage: $0 [--process-role=ROLE] [--node-id=ID]" >&2; exit 1 ;;
  esac
done

# matches FILE: the server that runs with this configuration is one to stop.
matches() {
  if [ -n "$node" ]; then grep -Eq "^node\.id[[:space:]]*=[[:space:]]*${node}[[:space:]]*$" "$1" || return 1; fi
  if [ -n "$role" ]; then grep -Eq "^process\.roles[[:space:]]*=.*\b$role\b" "$1" || return 1; fi
}

pids=()
while read -r pid; do
  file=$(tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -A1 -x 'kafka\.Kafka' | tail -n 1)
  if [ -z "$role$node" ] || matches "$file"; then pids+=("$pid"); fi
done < <(ps axww -o pid=,args= | awk '/java/ && / kafka\.Kafka( |$)/ && !/awk/ {print $1}')

if [ ${#pids[@]} -eq 0 ]; then
  echo 'no kafka server to stop'
  exit 1
fi
kill -s TERM "${pids[@]}"
