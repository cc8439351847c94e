# shellcheck shell=bash
# Which algorithms sshd offers: those of ssh-audit's policies for hardened servers
# (Ubuntu 24.04, Debian 12, Amazon Linux 2023), in their order. A name that this
# OpenSSH does not know would keep sshd from starting, so it is left out. Runs at
# each boot, before sshd.
set -eu
# shellcheck source=/dev/null
. /etc/os-release
curves=sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org
case $ID in
ubuntu)
  kex=$curves,diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512
  macs=hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,umac-128-etm@openssh.com
  ;;
*)
  kex=sntrup761x25519-sha512,$curves,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha256
  macs=hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,umac-128-etm@openssh.com
  ;;
esac
ciphers=chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-gcm@openssh.com,aes128-ctr
# known KIND LIST: of the list, what this OpenSSH has.
known() {
  echo "$2" | tr , '\n' | grep -Fx -e "$(ssh -Q "$1")" | paste -s -d , -
}
# Groups of less than 3072 bits are too small; the package's own file stays as it is.
moduli=/etc/ssh/kraftstack-moduli
[[ $moduli -nt /etc/ssh/moduli ]] || awk '$5 >= 3071' /etc/ssh/moduli >"$moduli"
umask 077
file=/etc/ssh/sshd_config.d/11-kraftstack-algorithms.conf
cat >"$file.new" <<CONF
# Written by kraftstack at each boot.
KexAlgorithms $(known kex "$kex")
Ciphers $(known cipher "$ciphers")
MACs $(known mac "$macs")
HostKeyAlgorithms ssh-ed25519
ModuliFile $moduli
CONF
mv -f "$file.new" "$file"
