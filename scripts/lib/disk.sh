# shellcheck shell=bash
# The data disk: an EBS volume that outlives the host it is attached to.

readonly DATA_MOUNT=/var/lib/kafka
readonly MOUNT_UNIT=/etc/systemd/system/var-lib-kafka.mount
readonly MOUNT_WANTED=/etc/systemd/system/multi-user.target.wants/var-lib-kafka.mount # it is enabled

# device_of VOLUME_ID: where Nitro hosts show an EBS volume. Kernel names such as
# /dev/nvme1n1 come in no promised order.
device_of() {
  printf '/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_%s' "${1/-/}"
}

device_is_there() {
  [[ -b $1 ]]
}

# format_if_blank DEVICE VOLUME_ID: makes an XFS file system on a disk that holds
# nothing at all. A note tells a later run that mkfs was begun and not ended:
# what half a mkfs left is ours to overwrite, anything else is not.
format_if_blank() {
  local device=$1 note="$STATE/mkfs-$2" found
  found=$(blkid -p -o value -s TYPE -- "$device" || true)
  if [[ $found == xfs && ! -e $note ]]; then return 0; fi
  if [[ ! -e $note ]]; then
    found=$(signatures "$device")
    if [[ -n $found ]]; then
      die "volume $2 holds something that is no Kafka data: $found" \
        "attach the right volume, or, if nothing on it is needed, empty it with: wipefs --all $device"
    fi
    write_file "$note" 0644 root:root </dev/null
  fi
  say "making a file system on $2, which is blank"
  mkfs.xfs -q -f -- "$device" || die "mkfs.xfs failed on $2" 'read the lines above; run this again'
  rm -f -- "$note"
}

# signatures DEVICE: what blkid and wipefs recognise on it; empty on a blank disk.
signatures() {
  {
    blkid -p -o value -s TYPE -s PTTYPE -- "$1" || true
    wipefs --no-act --parsable -- "$1" | awk -F, '!/^#/ { print $NF }'
  } | sort -u | paste -s -d ' '
}

# mount_disk DEVICE VOLUME_ID: mounts it by UUID with a systemd unit. The unit is
# wanted, not required, at boot: without its disk a host comes up, says so over
# SSH, and does not start Kafka, because kafka.service requires the mount.
mount_disk() {
  local device=$1 uuid link
  uuid=$(blkid -p -o value -s UUID -- "$device")
  link=/dev/disk/by-uuid/$uuid
  if mountpoint -q "$DATA_MOUNT"; then
    expect_mounted "$device" "$2"
  fi
  ensure_uuid_link "$device" "$link"
  if own_file "$MOUNT_UNIT" 0644 root:root < <(mount_unit "$link" "$2") && [[ -e $MOUNT_WANTED ]]; then
    systemctl daemon-reload # the first enable does so itself
  fi
  if mountpoint -q "$DATA_MOUNT" && [[ -e $MOUNT_WANTED ]]; then return 0; fi
  # One call, since each that enables a unit has systemd read all of them again.
  systemctl -q enable --now var-lib-kafka.mount ||
    die "$2 could not be mounted on $DATA_MOUNT: $(journalctl -u var-lib-kafka.mount -n 3 -o cat --no-pager | paste -s -d ' ')" \
      "look at: systemctl status var-lib-kafka.mount"
  expect_mounted "$device" "$2"
  say "$2 is mounted on $DATA_MOUNT (UUID $uuid)"
}

# device_has DEVICE BYTES: the kernel shows at least that much.
device_has() {
  local bytes
  bytes=$(blockdev --getsize64 "$1")
  WAIT_DETAIL="it shows $((bytes >> 30)) GiB"
  ((bytes >= $2))
}

# fill_disk DEVICE VOLUME_ID GIB SECONDS: the file system takes all of its disk. A
# volume that was made larger shows it a moment later, and XFS grows while it is
# in use, so nothing is restarted for it.
fill_disk() {
  local before after
  wait_for "$4" "$2 to have $3 GiB" device_has "$1" $(($3 << 30)) ||
    die "$2 did not come to have $3 GiB within $4 s: $WAIT_DETAIL" \
      'look at the modification of the volume in EC2; then run this again'
  before=$(stat -f -c %b -- "$DATA_MOUNT")
  xfs_growfs "$DATA_MOUNT" >/dev/null ||
    die "the file system on $2 could not be grown to $3 GiB" 'read the lines above; run this again'
  after=$(stat -f -c %b -- "$DATA_MOUNT")
  if ((after > before)); then say "the file system on $2 has grown to $3 GiB"; fi
}

mount_unit() {
  cat <<UNIT
[Unit]
Description=Kafka data on $2

[Mount]
What=$1
Where=$DATA_MOUNT
Type=xfs
Options=noatime

[Install]
WantedBy=multi-user.target
UNIT
}

# expect_mounted DEVICE VOLUME_ID: what is mounted is that disk and no other.
expect_mounted() {
  if [[ $(mountpoint -d "$DATA_MOUNT") != "$(mountpoint -x "$1")" ]]; then
    die "$DATA_MOUNT has another disk than $2 mounted: $(findmnt -n -o SOURCE "$DATA_MOUNT")" \
      "stop Kafka, unmount $DATA_MOUNT and run this again"
  fi
}

# ensure_uuid_link DEVICE LINK: udev makes the link a moment after mkfs. A
# container has no udev to make it.
ensure_uuid_link() {
  if [[ -b $2 ]]; then return 0; fi
  if is_container; then
    mkdir -p -- "$(dirname -- "$2")"
    link_atomically "$(readlink -f -- "$1")" "$2"
    return 0
  fi
  if command -v udevadm >/dev/null; then udevadm trigger --settle -- "$(readlink -f -- "$1")" || true; fi
  wait_for 30 "$2" device_is_there "$2" ||
    die "udev made no $2 for $1" 'look at: udevadm info --query=all followed by the device'
}

is_container() {
  systemd-detect-virt --quiet --container
}

# refuse_foreign_data VOLUME_ID: the file system has nothing in it that Kafka and
# this toolkit do not put there.
refuse_foreign_data() {
  local foreign
  foreign=$(find "$DATA_MOUNT" -mindepth 1 -maxdepth 1 ! -name data ! -name .formatting ! -name lost+found -printf '%f ' | head -c 200)
  if [[ -n $foreign ]]; then
    die "the file system on $1 holds what is no Kafka data: $foreign" \
      "attach the right volume, or move those files off $DATA_MOUNT"
  fi
}

# own_data: the data belongs to this host's user kafka, whose number may be
# another than on the host that wrote it. The folder itself comes last: it says
# that all below it is done.
own_data() {
  local data=$DATA_MOUNT/data
  if [[ ! -d $data ]]; then install -d -m 0750 -o kafka -g kafka -- "$data"; fi
  if [[ $(stat -c %U:%G -- "$data") == kafka:kafka ]]; then return 0; fi
  say 'giving the data to this host'"'"'s user kafka'
  find "$data" -mindepth 1 -exec chown -h kafka:kafka {} +
  chown kafka:kafka -- "$data"
  chmod 0750 -- "$data"
}
