#!/bin/bash
# Runs once inside the fresh root (chroot), on standard input of bash. It turns
# a plain Debian into what the lab calls an AMI: the look of Ubuntu's cloud
# image, minus all that only slows down or fails in a container.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

# --- cloud-init: one data source, the modules that user data can ask for ----
# Every module costs an import at each boot, and a cluster boots many hosts on
# few cores: those for other clouds' agents and for real disks are left out.
cat > /etc/cloud/cloud.cfg <<'CFG'
users: [default]
disable_root: true
preserve_hostname: false
# Without keys in the user data, cloud-init makes them: RSA alone costs 1.5 s.
ssh_genkeytypes: [ecdsa, ed25519]
apt: {preserve_sources_list: true}
cloud_init_modules:
  - bootcmd
  - write-files
  - set_hostname
  - update_hostname
  - update_etc_hosts
  - ca-certs
  - users-groups
  - ssh
cloud_config_modules:
  - set-passwords
  - timezone
  - runcmd
cloud_final_modules:
  - package-update-upgrade-install
  - write-files-deferred
  - scripts-per-once
  - scripts-per-boot
  - scripts-per-instance
  - scripts-user
  - final-message
  - power-state-change
system_info:
  distro: ubuntu
  default_user:
    name: ubuntu
    lock_passwd: true
    gecos: Ubuntu
    groups: [adm, cdrom, dip, sudo]
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
  paths: {cloud_dir: /var/lib/cloud/, templates_dir: /etc/cloud/templates/}
  ssh_svcname: ssh
CFG
cat > /etc/cloud/cloud.cfg.d/90-lab.cfg <<'CFG'
# The lab seeds user data as files, and has configured the interface before
# the machine boots, as DHCP would have.
datasource_list: [NoCloud]
network: {config: disabled}
CFG
# The data source is known: the search for it costs a second at boot.
printf 'datasource: NoCloud\npolicy: enabled\n' > /etc/cloud/ds-identify.cfg
ln -sf /lib/systemd/system/cloud-init.target /etc/systemd/system/multi-user.target.wants/cloud-init.target

# --- apt: the lab's own archive, which has what a host may lack ---------------
echo 'deb [trusted=yes] http://downloads.kraftstack.lab/debian ./' > /etc/apt/sources.list

# --- identity: none, each instance gets its own -----------------------------
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /etc/hostname
: > /etc/machine-id
ln -s /etc/machine-id /var/lib/dbus/machine-id
printf '127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\n' > /etc/hosts
# A host knows its own name without asking the network for it (sudo does).
sed -i 's/^hosts:.*/hosts:          files myhostname dns/' /etc/nsswitch.conf
rm -f /etc/resolv.conf
: > /etc/resolv.conf

# --- sshd: names are not looked up, so a dead resolver does not delay logins -
cat > /etc/ssh/sshd_config.d/10-lab.conf <<'CFG'
UseDNS no
PasswordAuthentication no
CFG

# --- systemd: nothing that fails or waits in a container, no surprise work ---
for unit in \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
  fstrim.timer systemd-pstore.service getty@tty1.service console-getty.service getty.target \
  container-getty@.service systemd-logind.service systemd-networkd.service systemd-networkd-wait-online.service \
  systemd-timesyncd.service systemd-udevd.service systemd-udev-trigger.service systemd-udev-settle.service \
  systemd-journal-flush.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
  networking.service cloud-init-hotplugd.socket ssh.socket modprobe@.service \
  dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount \
  proc-sys-fs-binfmt_misc.automount systemd-binfmt.service keyboard-setup.service console-setup.service; do
  ln -sf /dev/null "/etc/systemd/system/$unit"
done
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=persistent\nSystemMaxUse=50M\nForwardToSyslog=no\nForwardToConsole=no\n' \
  > /etc/systemd/journald.conf.d/10-lab.conf
ln -sf /lib/systemd/system/multi-user.target /etc/systemd/system/default.target

# --- disks that are attached before boot --------------------------------------
# A real machine's kernel knows its disks before any mount is tried, and udev
# names them. Here the hypervisor leaves "NAME MAJOR MINOR" lines in
# /dev/disk/.nodes, and this unit makes the nodes before the first mount.
mkdir -p /usr/lib/kraftstack-lab
cat > /usr/lib/kraftstack-lab/nodes <<'SH'
#!/bin/sh
[ -f /dev/disk/.nodes ] || exit 0
while read -r name major minor; do
  [ -e "/dev/$name" ] || mknod -m 0660 "/dev/$name" b "$major" "$minor"
done < /dev/disk/.nodes
SH
chmod 0755 /usr/lib/kraftstack-lab/nodes
cat > /etc/systemd/system/lab-disks.service <<'UNIT'
[Unit]
Description=Make the device nodes of attached volumes
DefaultDependencies=no
Before=local-fs-pre.target
Wants=local-fs-pre.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/kraftstack-lab/nodes
[Install]
WantedBy=sysinit.target
UNIT
systemctl enable lab-disks.service

# --- small ------------------------------------------------------------------
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt /tmp/* /var/tmp/*
# The folders of manuals stay: packages that are installed later write there.
find /usr/share/man /usr/share/doc ! -type d -delete
find /usr/share/locale -mindepth 1 -maxdepth 1 ! -name 'en*' ! -name locale.alias -exec rm -rf {} +
echo 'LANG=C.UTF-8' > /etc/default/locale
