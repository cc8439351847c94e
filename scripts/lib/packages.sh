# shellcheck shell=bash
# What the distribution has to bring: a JVM and a few commands, from apt or dnf.

readonly OLDEST_JAVA=17

# What apt is told by hosts.aptSources. The image's own list stays as it is.
readonly APT_SOURCES=/etc/apt/kraftstack.list APT_SOURCES_CONF=/etc/apt/apt.conf.d/60kraftstack-sources
# shellcheck disable=SC2034 # verbs check their flags by it
readonly APT_SOURCES_FORM='deb [^|]+(\|deb [^|]+)*'

# set_sources LINES: where apt looks, as lines of sources.list(5) with | between
# them; empty is what the image says.
set_sources() {
  command -v apt-get >/dev/null || return 0
  if [[ -z $1 ]]; then
    disown_file "$APT_SOURCES_CONF"
    disown_file "$APT_SOURCES"
    return
  fi
  own_file "$APT_SOURCES" 0644 root:root <<<"${1//|/$'\n'}" || true
  own_file "$APT_SOURCES_CONF" 0644 root:root <<CONF || true
// Written by kafka-node: change hosts.aptSources of the stack file.
Dir::Etc::SourceList "$APT_SOURCES";
Dir::Etc::SourceParts "-";
CONF
}

# need_command COMMAND PACKAGE: installs the package where the command is missing.
need_command() {
  if command -v "$1" >/dev/null; then return 0; fi
  say "installing $2, which brings $1"
  install_first "$2"
  command -v "$1" >/dev/null || die "package $2 brought no $1" "install $1 by hand and run this again"
}

# install_first PACKAGE...: installs the first one that the distribution has.
install_first() {
  local log
  log=$(mktemp)
  SCRATCH+=("$log")
  if command -v apt-get >/dev/null; then
    # Ubuntu updates itself at first boot and holds the lock for minutes.
    if apt_install "$@" >"$log" 2>&1; then return 0; fi
  elif command -v dnf >/dev/null; then
    if dnf_install "$@" >"$log" 2>&1; then return 0; fi
  else
    die "neither apt-get nor dnf is here to install $1" "install $1 by hand and run this again"
  fi
  tail -n 15 -- "$log" >&2
  die "none of these packages could be installed: $*" \
    "check the way to the package servers (route, NAT, DNS), then run this again"
}

apt_install() {
  local package
  apt-get -o DPkg::Lock::Timeout=300 -q update || return 1
  for package in "$@"; do
    # It shows nothing and succeeds for a name that other packages merely mention.
    if [[ -n $(apt-cache show "$package" 2>/dev/null) ]]; then
      DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
        -q -y --no-install-recommends install "$package"
      return
    fi
  done
  return 1
}

dnf_install() {
  local package
  for package in "$@"; do
    if dnf -q info "$package" >/dev/null 2>&1; then
      dnf -q -y --setopt=install_weak_deps=False install "$package"
      return
    fi
  done
  return 1
}

# java_version: such as 17.0.15, empty where there is no Java. A JVM's own folder says
# so, without a JVM being started.
java_version() {
  local release version=''
  command -v java >/dev/null || return 0
  release=$(readlink -f -- "$(command -v java)")
  release=${release%/bin/java}/release
  if [[ -r $release ]]; then version=$(sed -n 's/^JAVA_VERSION="\([0-9][^"]*\)".*/\1/p' "$release"); fi
  if [[ $version ]]; then
    printf '%s' "$version"
  else
    java -version 2>&1 | awk -F '"' '/version "/ { print $2; exit }'
  fi
}

# ensure_java: a JVM that Kafka 4 runs on, found or installed.
ensure_java() {
  local found
  found=$(java_version)
  if [[ -n $found && ${found%%.*} -ge $OLDEST_JAVA ]]; then
    say "Java $found is here"
    return
  fi
  say "installing Java (${found:-none} is here, Kafka needs $OLDEST_JAVA or newer)"
  if command -v apt-get >/dev/null; then
    install_first openjdk-21-jre-headless openjdk-17-jre-headless
  else
    install_first java-21-amazon-corretto-headless java-21-openjdk-headless java-17-amazon-corretto-headless
  fi
  found=$(java_version)
  if [[ -z $found || ${found%%.*} -lt $OLDEST_JAVA ]]; then
    die "Java $OLDEST_JAVA or newer was installed, and 'java' is still ${found:-missing}" \
      "make a newer Java the default (update-alternatives --config java) and run this again"
  fi
}
