# shellcheck shell=bash

# What a patch has taken up and not ended: the boot that it began in, then a package a
# line, then INSTALLED once they are there.
readonly PATCHING=$STATE/patching INSTALLED='# installed'

readonly PATCH_UNIT=kafka-node-patch.service
# REBOOTING is the status of a patch that is to be called again after a reboot.
readonly REBOOTING=75

# verb_patch brings the distribution's updates to this host: once the cluster can do
# without the node, with Kafka stopped, so that nothing is changed under it, and with
# a reboot where they ask for one. What an earlier run began is ended first.
verb_patch() {
  parse_flags 'node-id= gate-timeout=120 timeout=600 apply?' "$@"
  check_flag node-id '[0-9]+' 'a number'
  check_flag gate-timeout '[0-9]+' 'a number of seconds'
  check_flag timeout '[0-9]+' 'a number of seconds'
  if [[ ${FLAG[apply]} ]]; then
    apply_patches
    return
  fi
  expect_no_shutdown
  wait_for 1800 'the packages that an earlier run installs' patch_has_ended ||
    die "$PATCH_UNIT still runs after half an hour" "look at: systemctl status $PATCH_UNIT"
  if ! is_installed; then take_up_patches; fi
  expect_no_shutdown
  end_patch
}

# expect_no_shutdown: the rest is done after the reboot.
expect_no_shutdown() {
  if [[ $(systemctl is-system-running 2>/dev/null || true) == stopping ]]; then
    say 'this host reboots'
    exit "$REBOOTING"
  fi
}

patch_has_ended() {
  [[ $(systemctl show --value -p ActiveState "$PATCH_UNIT") != @(active|activating|deactivating) ]]
}

is_installed() {
  [[ -e $PATCHING && $(tail -n 1 -- "$PATCHING") == "$INSTALLED" ]] && ! reboot_wanted
}

# take_up_patches installs what there is, where there is any.
take_up_patches() {
  local pending
  if [[ ! -e $PATCHING ]]; then
    refresh_packages
    pending=$(pending_packages)
    if [[ -z $pending ]] && ! reboot_wanted; then return 0; fi
    if [[ $pending ]]; then fetch_packages; fi
  fi
  if [[ ${FLAG[node-id]} ]]; then
    expect_unaltered
    begin_lap
    pass_gate
    write_file "$UNPROVEN" 0644 root:root <<<"$(first_line "$GENERATION")"
  fi
  if [[ ! -e $PATCHING ]]; then
    write_file "$PATCHING" 0644 root:root < <(this_boot; printf '%s\n' "$pending")
  fi
  say "installing $(patched_packages | wc -l) packages${FLAG[node-id]:+ with Kafka stopped}"
  run_apart
}

this_boot() {
  cat /proc/sys/kernel/random/boot_id
}

patched_packages() {
  sed -e 1d -e '/^#/d' -e '/^$/d' -- "$PATCHING"
}

# run_apart: in a unit of its own, which goes on if this connection is lost, and after
# which Kafka is started however it ends.
run_apart() {
  local -a options=()
  if [[ ${FLAG[node-id]} ]]; then options=(-p "ExecStopPost=-$(command -v systemctl) start --no-block $UNIT"); fi
  if ! systemd-run --quiet --wait --collect --unit="$PATCH_UNIT" "${options[@]}" \
    "$(realpath -- "$0")" patch --apply ${FLAG[node-id]:+--node-id="${FLAG[node-id]}"}; then
    journalctl -u "$PATCH_UNIT" -n 15 -o cat --no-pager >&2 || true
    die 'the packages could not be installed' "read the lines above (all of it: journalctl -u $PATCH_UNIT); when the cause is gone, run this again"
  fi
  if reboot_wanted; then
    say 'this host reboots'
    exit "$REBOOTING"
  fi
}

# apply_patches: the part that runs apart.
apply_patches() {
  lock_host
  if [[ ${FLAG[node-id]} ]]; then systemctl stop "$UNIT"; fi
  if ! grep -Fqx -e "$INSTALLED" "$PATCHING"; then
    install_pending
    write_file "$PATCHING" 0644 root:root < <(cat -- "$PATCHING"; printf '%s\n' "$INSTALLED")
  fi
  if reboot_wanted; then systemctl reboot; fi
}

# end_patch: the host serves again. Its account is one line of JSON, the last.
end_patch() {
  local rebooted=false packages
  if [[ ! -e $PATCHING ]]; then
    say 'there is nothing to install'
    printf '{"packages":[],"rebooted":false}\n'
    return
  fi
  if [[ ${FLAG[node-id]} ]]; then
    begin_lap
    systemctl start --no-block "$UNIT"
    wait_for "${FLAG[timeout]}" 'Kafka to start' kafka_has_started ||
      die_with_log "$UNIT did not start within ${FLAG[timeout]} s ($(unit_property ActiveState))"
    wait_until_healthy "$(deadline_in "${FLAG[timeout]}")"
    rm -f -- "$UNPROVEN"
    say "node ${FLAG[node-id]} is healthy ($LAPS)"
  fi
  if [[ $(first_line "$PATCHING") != "$(this_boot)" ]]; then rebooted=true; fi
  packages=$(patched_packages | while IFS= read -r name; do json_string "$name"; printf ','; done)
  rm -f -- "$PATCHING"
  printf '{"packages":[%s],"rebooted":%s}\n' "${packages%,}" "$rebooted"
}

kafka_has_started() {
  if unit_is_active; then return 0; fi
  if [[ $(unit_property ActiveState) == failed ]]; then return 2; fi
  return 1
}
