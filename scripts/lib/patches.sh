# shellcheck shell=bash
# The distribution's own updates: which there are, and how they get here.

# apt_get ARGUMENT...: asks nothing; Ubuntu updates itself and holds the lock meanwhile.
apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q -y "$@"
}

# refresh_packages: a list that could not be fetched is an error, or what is missing
# would look like what is up to date.
refresh_packages() {
  if command -v apt-get >/dev/null; then
    logged 'the lists of packages could not be fetched' apt_get -o APT::Update::Error-Mode=any update
  fi
}

# pending_packages: the names of those that there are newer ones of, a line each.
pending_packages() {
  if command -v apt-get >/dev/null; then
    apt-get -s -o Debug::NoLocking=true --with-new-pkgs upgrade | awk '$1 == "Inst" { print $2 }'
  else
    # It ends with 100 where there are any.
    { dnf -q check-update --refresh || (($? == 100)); } | awk '/^Obsoleting/ { exit } NF == 3 { sub(/\.[^.]*$/, "", $1); print $1 }'
  fi
}

# fetch_packages: while Kafka still runs.
fetch_packages() {
  if command -v apt-get >/dev/null; then
    logged 'the packages could not be fetched' apt_get --with-new-pkgs --download-only upgrade
  else
    logged 'the packages could not be fetched' dnf -q -y --downloadonly upgrade
  fi
}

# install_pending: all that is newer. A run that was killed is made whole first.
install_pending() {
  if command -v apt-get >/dev/null; then
    DEBIAN_FRONTEND=noninteractive dpkg --configure -a && apt_get --with-new-pkgs upgrade
  else
    dnf -q -y upgrade
  fi
}

# reboot_wanted: what was installed is in force only after one.
reboot_wanted() {
  local status=0
  if command -v apt-get >/dev/null; then
    [[ -e /run/reboot-required ]]
  else
    dnf -q needs-restarting -r >/dev/null 2>&1 || status=$?
    ((status == 1))
  fi
}

# logged WHAT COMMAND...: what a failed command said is shown.
logged() {
  local what=$1 log
  shift
  log=$(mktemp)
  SCRATCH+=("$log")
  if "$@" >"$log" 2>&1; then return 0; fi
  tail -n 15 -- "$log" >&2
  die "$what" 'check the way to the package servers (route, NAT, DNS), then run this again'
}
