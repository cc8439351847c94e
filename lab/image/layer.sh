#!/bin/bash
# Runs on the machine, on standard input of bash, in a mount namespace of its own.
# It installs what is in WORK/archive upon WORK/root and keeps what that writes as
# the layer WORK/java.
set -euo pipefail
work=$1
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

mkdir "$work/upper-work" "$work/merged"
mount -t overlay overlay -o "lowerdir=$work/root,upperdir=$work/java,workdir=$work/upper-work" "$work/merged"
mount -t proc proc "$work/merged/proc"
mkdir "$work/merged/tmp/archive"
mount --bind "$work/archive" "$work/merged/tmp/archive"
# dpkg finds the order; what is needed is all there.
chroot "$work/merged" sh -c 'dpkg --install /tmp/archive/*.deb && java -version'
umount "$work/merged/tmp/archive" "$work/merged/proc"
rm -rf "$work/merged/tmp/archive" "$work/merged"/var/log/{dpkg,alternatives}.log
find "$work/merged"/usr/share/{man,doc} ! -type d -delete
umount "$work/merged"
rm -rf "$work/merged" "$work/upper-work"
