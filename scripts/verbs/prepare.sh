# shellcheck shell=bash

# verb_prepare makes a fresh machine into one that can hold Kafka. It ends by
# printing the host's request for a certificate.
verb_prepare() {
  local deadline device
  parse_flags 'volume-id! size-gib! subject! names! timeout=300 apt-sources=' "$@"
  check_flag volume-id 'vol-[0-9a-f]+' 'a volume id such as vol-0123456789abcdef0'
  check_flag size-gib '[1-9][0-9]*' 'a number of GiB'
  check_flag subject '(/[A-Z]+=[A-Za-z0-9. -]+)+' 'a subject such as /O=kraftstack/CN=broker-1001.lab.kafka.internal'
  check_flag names '[a-z0-9.,-]+' 'names, separated by commas'
  check_flag timeout '[0-9]+' 'a number of seconds'
  check_flag apt-sources "$APT_SOURCES_FORM" 'lines of sources.list(5), with | between them'
  deadline=$(deadline_in "${FLAG[timeout]}")
  wait_for_cloud_init "$deadline"
  lock_host
  make_user
  ensure_key "${FLAG[subject]}" "${FLAG[names]}"
  tune_kernel
  raise_limits
  set_sources "${FLAG[apt-sources]}"
  need_command mkfs.xfs xfsprogs
  device=$(device_of "${FLAG[volume-id]}")
  wait_for "$(remaining "$deadline")" "volume ${FLAG[volume-id]}" device_is_there "$device" ||
    die "volume ${FLAG[volume-id]} did not appear as $device within ${FLAG[timeout]} s" \
      "check that it is attached to this instance, and that the instance type is a Nitro one; then run this again"
  format_if_blank "$device" "${FLAG[volume-id]}"
  mount_disk "$device" "${FLAG[volume-id]}"
  fill_disk "$device" "${FLAG[volume-id]}" "${FLAG[size-gib]}" "$(remaining "$deadline")"
  refuse_foreign_data "${FLAG[volume-id]}"
  own_data
  write_if_changed "$STATE/volume" 0644 root:root <<<"${FLAG[volume-id]}" || true
  say 'done'
  cat -- "$REQUEST"
}

# wait_for_cloud_init DEADLINE: first boot installs packages and writes files; what
# runs beside it meets locks and half a system. An image that seal made has all
# packages, so there it is enough that the files are written.
wait_for_cloud_init() {
  local status=0
  command -v cloud-init >/dev/null || return 0
  if files_are_written; then return 0; fi
  wait_for "$(remaining "$1")" 'cloud-init to end' test -s /run/cloud-init/result.json ||
    die "cloud-init did not end within ${FLAG[timeout]} s" \
      'look at: cloud-init status --long, and /var/log/cloud-init-output.log'
  if tr -d '[:space:]' </run/cloud-init/result.json | grep -q '"errors":\[\]'; then return 0; fi
  timeout "$(remaining "$1")" cloud-init status --wait >/dev/null 2>&1 || status=$?
  case $status in
    0) ;;
    2) warn 'cloud-init ended with errors that it calls recoverable; see cloud-init status --long' ;;
    *) die "cloud-init failed (status $status)" 'look at: cloud-init status --long; replace the instance if its user data is wrong' ;;
  esac
}

# files_are_written: on a host that boots from a sealed image, cloud-init's second stage
# has ended well; sshd starts after it.
files_are_written() {
  [[ -e $SEALED && -r /run/cloud-init/status.json &&
    $(tr -d '[:space:]' </run/cloud-init/status.json) =~ \"init\":\{\"errors\":\[\],\"finished\":[0-9] ]]
}

make_user() {
  if ! getent group kafka >/dev/null; then groupadd --system kafka; fi
  if ! getent passwd kafka >/dev/null; then
    say 'making the user kafka'
    useradd --system --gid kafka --home-dir "$DATA_MOUNT" --no-create-home \
      --shell /usr/sbin/nologin --comment 'Apache Kafka' kafka
  fi
  make_folders "$NODE_FOLDERS"
}

# NODE_FOLDERS are those of a node: path, mode, owner.
readonly NODE_FOLDERS="$DATA_MOUNT 0755 root:root
$STATE 0755 root:root
$KAFKA_ROOT 0755 root:root
/etc/kafka 0755 root:root
$TLS 0750 root:kafka
/var/log/kafka 0750 kafka:kafka"

# make_folders LIST: those that are right already are left alone.
make_folders() {
  local path mode owner there
  # shellcheck disable=SC2046 # each path is a word
  there=$(stat -c '%n 0%a %U:%G' -- $(cut -d ' ' -f 1 <<<"$1") 2>/dev/null || true)
  while read -r path mode owner; do
    if [[ $'\n'$there$'\n' == *$'\n'"$path $mode $owner"$'\n'* && ! -L $path ]]; then continue; fi
    install -d -m "$mode" -o "${owner%:*}" -g "${owner#*:}" -- "$path"
  done <<<"$1"
}

readonly SYSCTL_FILE=/etc/sysctl.d/90-kafka.conf

# tune_kernel: two memory maps for each log segment outgrow the default of 65,530;
# page cache is what Kafka reads from, so it is not traded for swap.
tune_kernel() {
  local line key value found
  local -a refused=()
  own_file "$SYSCTL_FILE" 0644 root:root <<'SYSCTL' || true
# Written by kafka-node.
vm.max_map_count = 262144
vm.swappiness = 1
vm.dirty_background_ratio = 5
vm.dirty_ratio = 80
SYSCTL
  while IFS= read -r line; do
    if [[ $line != vm.* ]]; then continue; fi
    key=${line%% =*} value=${line##*= }
    if read -r found 2>/dev/null <"/proc/sys/${key//.//}" && [[ $found == "$value" ]]; then continue; fi
    sysctl -q -w "$key=$value" 2>/dev/null || refused+=("$key=$value")
  done <"$SYSCTL_FILE"
  if ((${#refused[@]} == 0)); then return 0; fi
  if is_container; then
    warn "the kernel refuses these in a container: ${refused[*]}"
  else
    die "could not set ${refused[*]}" "look at: sysctl -w ${refused[0]}"
  fi
}

# raise_limits: for tools that an operator runs as kafka; the service has its own
# limits in its unit.
raise_limits() {
  own_file /etc/security/limits.d/90-kafka.conf 0644 root:root <<'LIMITS' || true
# Written by kafka-node.
kafka soft nofile 100000
kafka hard nofile 100000
LIMITS
}
