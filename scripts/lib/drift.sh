# shellcheck shell=bash
# How a host differs from what the toolkit made of it. Each function looks at one
# thing and notes what it finds.

# DRIFT is what was found, each as a JSON object.
DRIFT=()

# drift KIND WHAT WHY
drift() {
  DRIFT+=("{\"kind\":$(json_string "$1"),\"what\":$(json_string "$2"),\"why\":$(json_string "$3")}")
}

# drift_of_files: what was written here, by mode, owner and content.
drift_of_files() {
  local sum mode owner path why
  local -a manifests=("$MANIFEST"*) listed
  if [[ ! -r ${manifests[0]} ]]; then
    # shellcheck disable=SC2153 # it is of files.sh
    drift file "$STATE" 'nothing was ever written here'
    return
  fi
  mapfile -t listed < <(cat -- "${manifests[@]}" | cut -d ' ' -f 4-)
  look_at "${listed[@]}"
  while read -r sum mode owner path; do
    why=$(file_fault "$sum" "$mode" "$owner" "$path")
    if [[ -n $why ]]; then drift file "$path" "$why"; fi
  done < <(cat -- "${manifests[@]}")
}

# altered: what somebody changed of the files that decide how Kafka runs, a path a
# line. It is for $(…): what is noted on the way stays there.
altered() {
  drift_of_files
  printf '%s\n' "${DRIFT[@]}" | sed -n 's/.*"what":"\([^"]*\)".*/\1/p'
  foreign_drop_ins
}

# drift_of_folders: they keep files from whom they are not for.
drift_of_folders() {
  local path wanted
  while read -r path wanted; do
    if [[ ! -d $path ]]; then
      drift mode "$path" 'it is missing'
    elif [[ $(mode_and_owner "$path") != "$wanted" ]]; then
      drift mode "$path" "it is $(mode_and_owner "$path"), not $wanted"
    fi
  done <<<"$1"
}

# drift_of_unit: what systemd makes of Kafka's unit.
drift_of_unit() {
  local path
  for path in $(foreign_drop_ins); do drift unit "$path" 'it changes kafka.service, and is not of the stack'; done
  path=$(unit_property FragmentPath)
  if [[ $path != "/etc/systemd/system/$UNIT" ]]; then drift unit "$UNIT" "systemd reads it from ${path:-nowhere}"; fi
  if [[ $(unit_property UnitFileState) != enabled ]]; then
    drift unit "$UNIT" "it is $(unit_property UnitFileState): Kafka would not start with the host"
  fi
  if [[ $(unit_property NeedDaemonReload) == yes ]]; then
    drift unit "$UNIT" 'its file changed, and systemd has not read it again'
  fi
}

# drift_of_service WANTED RUNNING: the process that should run does.
drift_of_service() {
  local state
  state=$(unit_property ActiveState)
  if [[ $state != active ]]; then
    drift service "$UNIT" "it is $state"
  elif [[ -z $1 || $1 != "$2" ]]; then
    drift generation "$UNIT" "it runs generation ${2:-none}, and ${1:-none} is wanted"
  elif [[ -e $UNPROVEN ]]; then
    drift generation "$UNIT" 'it was started, and nobody has seen it healthy since'
  fi
}

# drift_of_kernel: the settings that prepare made. A container's are not its own.
drift_of_kernel() {
  local key value found
  if is_container || [[ ! -r $SYSCTL_FILE ]]; then return 0; fi
  while read -r key value; do
    found=$(sysctl -n "$key" 2>/dev/null || true)
    if [[ $found != "$value" ]]; then drift sysctl "$key" "it is ${found:-not known}, not $value"; fi
  done < <(sed -n 's/^\([a-z][a-z0-9_.]*\) = /\1 /p' "$SYSCTL_FILE")
}

# drift_of_versions: the Kafka and the Java that are meant, as they were unpacked.
drift_of_versions() {
  local wanted current java
  wanted=$(property /etc/kafka/jvm.env KAFKA_VERSION) current=$(current_version) java=$(java_version)
  if [[ -n $wanted && $current != "$wanted" ]]; then
    drift version "$KAFKA_ROOT/current" "it is Kafka ${current:-none}, and $wanted is wanted"
  fi
  if [[ -z $java || ${java%%.*} -lt $OLDEST_JAVA ]]; then
    drift version java "it is ${java:-missing}, and Kafka needs $OLDEST_JAVA or newer"
  fi
  if [[ -z $current ]]; then return 0; fi
  wanted=$(version_fault "$current")
  if [[ -n $wanted ]]; then drift version "$(version_dir "$current")" "$wanted"; fi
}

# drift_of_certificates: each is for this host's key, and its time is now.
drift_of_certificates() {
  local path why
  for path in "$TLS"/*.keystore.pem; do
    if [[ ! -e $path ]]; then continue; fi
    why=$(certificate_fault "$path")
    if [[ -n $why ]]; then drift certificate "$path" "$why"; fi
  done
}

# drift_of_data: the disk and what is on it.
drift_of_data() {
  local why
  if ! mountpoint -q "$DATA_MOUNT"; then
    drift volume "$DATA_MOUNT" 'the data volume is not mounted'
  elif [[ ! -e $DATA/meta.properties ]]; then
    drift storage "$DATA" 'there is no meta.properties'
  else
    why=$(storage_fault "$(property "$STATE/node" cluster.id)" "$(property "$STATE/node" node.id)" "$(property "$STATE/node" directory.id)")
    if [[ -n $why ]]; then drift storage "$DATA" "$why"; fi
  fi
}

# drift_of_listeners PORT...: what other hosts can reach is SSH, these ports, and
# what leases the host its address.
drift_of_listeners() {
  local protocol address port process
  while read -r protocol address port process; do
    if [[ " tcp/22 udp/68 udp/546 ${*/#/tcp/} " == *" $protocol/$port "* ]]; then continue; fi
    drift listener "$protocol $address:$port" "$process listens there"
  done < <(listeners)
}

# listeners: PROTOCOL ADDRESS PORT PROCESS of each socket that is not on loopback.
listeners() {
  ss -Htulnp | awk '{
    port = $5; sub(/.*:/, "", port)
    address = substr($5, 1, length($5) - length(port) - 1)
    if (address ~ /^(127\.|\[::1\]|\[::ffff:127\.)/ || address ~ /%lo$/) next
    process = "an unknown process"
    if (match($0, /users:\(\("[^"]*",pid=[0-9]+/)) {
      process = substr($0, RSTART + 9, RLENGTH - 9)
      sub(/",pid=/, " (process ", process); process = process ")"
    }
    print $1, address, port, process
  }'
}

# drift_of_sshd: what cloud-init closed before the first login is closed.
drift_of_sshd() {
  local settings line
  settings=$(sshd -T 2>/dev/null || true)
  for line in 'passwordauthentication no' 'kbdinteractiveauthentication no' 'permitrootlogin no' 'permitemptypasswords no' \
    'authenticationmethods publickey' 'hostkey /etc/ssh/ssh_host_ed25519_key' 'allowagentforwarding no' 'x11forwarding no'; do
    if ! grep -Fqx -e "$line" <<<"$settings"; then
      drift sshd "${line%% *}" "it is $(grep -e "^${line%% *} " <<<"$settings" | cut -d ' ' -f 2- | paste -s -d , || true), not ${line#* }"
    fi
  done
}
