# shellcheck shell=bash

# verb_install brings Java and one version of Kafka.
verb_install() {
  parse_flags 'version! url! sha512= keys? keys-url= retry-seconds=60 updates=image apt-sources= activate?' "$@"
  check_flag version '[0-9]+\.[0-9]+\.[0-9]+' 'three numbers such as 4.3.0'
  check_flag url 'https?://[^[:space:]]+' 'an http or https address'
  check_flag sha512 '[0-9a-fA-F]{128}' '128 hex digits'
  check_flag keys-url 'https?://[^[:space:]]+' 'an http or https address'
  check_flag updates 'security|none|image' 'security, none or image'
  check_flag apt-sources "$APT_SOURCES_FORM" 'lines of sources.list(5), with | between them'
  check_flag retry-seconds '[0-9]+' 'a number of seconds'
  lock_host
  set_sources "${FLAG[apt-sources]}"
  ensure_java
  set_updates "${FLAG[updates]}"
  install -d -m 0755 -- "$KAFKA_ROOT"
  # What a killed run left: it held the lock that this one has now.
  rm -rf -- "$KAFKA_ROOT"/.unpack.* "$KAFKA_ROOT"/.download.*
  ensure_version "${FLAG[version]}" "${FLAG[url]}" "${FLAG[sha512],,}"
  if [[ ${FLAG[activate]} ]]; then
    activate_version "${FLAG[version]}"
    put_tools_on_path
    say "Kafka ${FLAG[version]}'s tools are on the PATH"
  fi
}

# ensure_version VERSION URL SHA512
ensure_version() {
  local installed wanted=$3 archive got fault=''
  installed=$(installed_sum "$1")
  if [[ -n $installed && $(first_line "$PROVEN") == "$1 $installed" ]]; then
    rm -f -- "$PROVEN" # once: from now on this host is not as the image was
  elif [[ -n $installed ]]; then
    fault=$(version_fault "$1")
  fi
  if [[ -n $fault ]]; then
    say "Kafka $1 is installed, but $fault: installing it anew"
  elif [[ -n $installed ]]; then
    if [[ -n $wanted && $wanted != "$installed" ]]; then
      die "Kafka $1 is installed from an archive with SHA-512 $installed, and $wanted is asked for" \
        "correct the SHA-512, or, with Kafka stopped, remove $(version_dir "$1") and run this again"
    fi
    say "Kafka $1 is here"
    return
  fi
  if [[ -z $installed && -e $(version_dir "$1") ]]; then
    die "$(version_dir "$1") is there and was not made by this toolkit" 'move it away and run this again'
  fi
  say "fetching $2"
  archive=$(mktemp -d "$KAFKA_ROOT/.download.XXXXXX")/kafka.tgz
  SCRATCH+=("$(dirname -- "$archive")")
  if [[ -z $wanted ]]; then
    download "$2.sha512" "$archive.sha512" "${FLAG[retry-seconds]}"
    wanted=$(published_sum "$archive.sha512")
    [[ -n $wanted ]] || die "$2.sha512 holds no SHA-512" 'check the address, or give the checksum in the stack file (kraftstack:kafka sha512)'
  fi
  download "$2" "$archive" "${FLAG[retry-seconds]}"
  got=$(sha512sum <"$archive")
  got=${got%% *}
  if [[ $got != "$wanted" ]]; then
    die "the archive from $2 has the wrong SHA-512: expected $wanted, got $got" \
      'do not use that archive: check the address and the checksum (kraftstack:kafka archiveUrl, sha512), then run this again'
  fi
  if [[ ${FLAG[keys]} || ${FLAG[keys-url]} ]]; then expect_signature "$archive" "$2"; fi
  unpack "$archive" "$1" "$got"
  say "Kafka $1 is unpacked in $(version_dir "$1")"
}

# put_tools_on_path: for people who log in here.
put_tools_on_path() {
  own_file /etc/profile.d/kafka.sh 0644 root:root <<'PROFILE' || true
# Written by kafka-node.
export PATH="$PATH:/opt/kafka/current/bin"
PROFILE
}
