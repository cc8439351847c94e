# shellcheck shell=bash
# Gives a host another login key and another host key, before the toolkit is there.
# Standard input: the login's public key, the host's public key, a line each, and the
# host's private key. Run as root by sudo; the login is the one who called.
set -euo pipefail
fail() {
  printf 'keys: %s; next: %s\n' "$1" "$2" >&2
  exit 1
}
shown() { ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null | cut -d ' ' -f 2,3 | grep -qxF "$(cut -d ' ' -f 1,2 <<<"$public")"; }

umask 077
key=/etc/ssh/ssh_host_ed25519_key
IFS= read -r login
IFS= read -r public
trap 'rm -f "$key.new"' EXIT
cat >"$key.new"
[[ $(ssh-keygen -y -f "$key.new" | cut -d ' ' -f 1,2) == "$(cut -d ' ' -f 1,2 <<<"$public")" ]] ||
  fail 'the private and the public host key are no pair' 'run kraftstack up again'
home=$(getent passwd "$SUDO_USER" | cut -d : -f 6)
printf '%s\n' "$login" >"$home/.ssh/authorized_keys.new"
chown "$SUDO_USER:" "$home/.ssh/authorized_keys.new"
mv -f -- "$home/.ssh/authorized_keys.new" "$home/.ssh/authorized_keys"
printf '%s\n' "$public" >"$key.pub"
chmod 0644 "$key.pub"
mv -f -- "$key.new" "$key"
systemctl try-reload-or-restart ssh.service 2>/dev/null || systemctl try-reload-or-restart sshd.service
# A signal is on its way for a moment.
for ((left = 50; left > 0; left--)); do
  if shown; then
    echo 'keys: done'
    exit
  fi
  sleep 0.2
done
fail 'sshd does not show its new host key after 10 s' 'look at journalctl -u ssh on this host'
