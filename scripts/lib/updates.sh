# shellcheck shell=bash
# Security updates of the system: whether it takes them by itself. Whatever it
# does, it neither restarts Kafka nor reboots: both belong to the rolling gate.

readonly APT_UPDATES=/etc/apt/apt.conf.d/60kraftstack-updates
readonly NEEDRESTART=/etc/needrestart/conf.d/60-kraftstack.conf # Ubuntu's, which restarts what uses updated libraries

# set_updates HOW: security installs security updates each day, none installs none,
# image leaves that as the image has it.
set_updates() {
  if command -v apt-get >/dev/null; then
    own_file "$NEEDRESTART" 0644 root:root <<'CONF' || true
# Written by kafka-node: only a roll restarts Kafka.
$nrconf{override_rc}{qr(^kafka\.service$)} = 0;
CONF
    own_file "$APT_UPDATES" 0644 root:root < <(apt_updates "$1") || true
    if [[ $1 == security ]] && ! command -v unattended-upgrade >/dev/null; then install_first unattended-upgrades; fi
  elif [[ $1 != image ]]; then
    dnf_updates "$1"
  fi
}

# apt_updates HOW: settings that are read after the distribution's own. A JVM is
# not changed under a Kafka that runs on it.
apt_updates() {
  cat <<'CONF'
// Written by kafka-node: change security.updates of the stack file.
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::Package-Blacklist { "openjdk-"; };
Dpkg::Options { "--force-confdef"; "--force-confold"; };
CONF
  case $1 in
    security) printf '%s\n' 'APT::Periodic::Update-Package-Lists "1";' 'APT::Periodic::Unattended-Upgrade "1";' ;;
    none) printf '%s\n' 'APT::Periodic::Unattended-Upgrade "0";' ;;
  esac
}

# dnf_updates HOW: by dnf-automatic, whose one file has no drop-ins.
dnf_updates() {
  if [[ $1 == none ]]; then
    systemctl -q disable --now dnf-automatic.timer dnf-automatic-install.timer 2>/dev/null || true
    return
  fi
  if [[ ! -e /etc/dnf/automatic.conf ]]; then install_first dnf-automatic; fi
  own_file /etc/dnf/automatic.conf 0644 root:root <<'CONF' || true
# Written by kafka-node: change security.updates of the stack file.
[commands]
upgrade_type = security
download_updates = yes
apply_updates = yes
reboot = never
[emitters]
emit_via = stdio
[base]
exclude = java-*
CONF
  systemctl -q enable --now dnf-automatic.timer
}
