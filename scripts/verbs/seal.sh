# shellcheck shell=bash

# verb_seal makes this host ready to become an image: what it is goes, what it has
# stays. Each host that boots from the image makes its own identity anew. What is the
# same on all of them is made here, so that none has to.
verb_seal() {
  local path java version
  parse_flags '' "$@"
  lock_host
  for path in "$KEY" /etc/kafka/server.properties "$STATE/volume"; do
    [[ ! -e $path ]] || die "this host is a Kafka node: $path would be in the image" 'seal a host that was made for it'
  done
  java=$(java_version)
  [[ -n $java && -n $(compgen -G "$(version_dir '*')") ]] || die 'Java or Kafka is not here' 'run kafka-node install first'
  make_user
  tune_kernel
  raise_limits
  for path in $(compgen -G "$(version_dir '*')"); do
    version=${path##*-}
    [[ -z $(version_fault "$version") ]] || die "Kafka $version is not as its archive: $(version_fault "$version")" 'run kafka-node install again'
    make_format_archive "$version"
    write_file "$PROVEN" 0644 root:root <<<"$version $(installed_sum "$version")"
  done
  first_boot
  write_file "$SEALED" 0644 root:root </dev/null
  rm -rf -- /var/log/journal/* /var/lib/systemd/random-seed
  if command -v apt-get >/dev/null; then apt-get clean; else dnf -q clean all; fi
  # First boot runs again where the image boots: it makes host keys and machine id.
  if command -v cloud-init >/dev/null; then cloud-init clean --logs; fi
  rm -f -- /etc/ssh/ssh_host_*
  : >/etc/machine-id
  # Last, for nobody logs in here after it.
  rm -f -- /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys /root/.bash_history /home/*/.bash_history
  sync
  say "sealed, with Java $java and Kafka"
}
