# shellcheck shell=bash
# kafka.service: what systemd knows of it, and what its log says.

readonly UNIT=kafka.service
readonly RUNNING_GENERATION=/run/kafka/generation # of the process that runs, noted as it starts

# unit_property NAME: such as ActiveState.
unit_property() {
  systemctl show --value -p "$1" "$UNIT"
}

unit_is_active() {
  systemctl -q is-active "$UNIT"
}

# reload_units: after unit files changed, in this run or in one that was killed.
reload_units() {
  if [[ $(systemctl show --value -p NeedDaemonReload "$UNIT" kafka-classes.{service,timer}) == *yes* || $(unit_property LoadState) != loaded ]]; then
    systemctl daemon-reload
  fi
  [[ $(unit_property LoadState) == loaded ]] ||
    die "systemd does not load $UNIT" "look at: systemctl status $UNIT"
}

# foreign_drop_ins: files that change this unit, whether systemd has read them yet
# or not, and that no document has written.
foreign_drop_ins() {
  local path
  for path in {/etc,/run,/usr/local/lib,/usr/lib}/systemd/{system,system.control}/"$UNIT".d/*.conf; do
    if [[ -e $path ]] && ! grep -qs -e " $path\$" -- "$MANIFEST"*; then printf '%s\n' "$path"; fi
  done
}

# running_generation: of the process that runs; empty where none does.
running_generation() {
  if unit_is_active; then first_line "$RUNNING_GENERATION"; fi
}

# RESTARTS_BEFORE is how often systemd had restarted the unit of its own when this
# run began to look.
RESTARTS_BEFORE=0

# count_restarts: from here on, only what is restarted again counts.
count_restarts() {
  RESTARTS_BEFORE=$(unit_property NRestarts)
}

# unit_died: it has failed for good, or keeps failing while we look.
unit_died() {
  if [[ $(unit_property ActiveState) == failed ]]; then return 0; fi
  (($(unit_property NRestarts) >= RESTARTS_BEFORE + 2))
}

# log_lines: the last lines of the last start's log that say what is wrong, or the
# last few of all.
log_lines() {
  local recent wrong
  recent=$(journalctl "_SYSTEMD_INVOCATION_ID=$(unit_property InvocationID)" -n 400 -o cat --no-pager 2>/dev/null || true)
  wrong=$(printf '%s\n' "$recent" | grep -E '(^|[^A-Z])(ERROR|FATAL)([^A-Z]|$)|Exception|kafka-node: ' | tail -n 15 || true)
  printf '%s\n' "${wrong:-$(printf '%s\n' "$recent" | tail -n 5)}"
}

# die_with_log WHAT: Kafka itself is what failed.
die_with_log() {
  log_lines | cut -c 1-300 | sed 's/^/  log: /' >&2
  die "$1" "read the log lines above (all of it: journalctl -u $UNIT); run this again when the cause is gone"
}

# own_ports: the ports that this node listens on, in the order of its listeners.
own_ports() {
  property "$PROPERTIES" listeners | tr ',' '\n' | sed 's/.*://'
}

# port_answers HOST PORT: something accepts connections there.
port_answers() {
  # shellcheck disable=SC2016 # the inner shell expands its own arguments
  timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null
}
