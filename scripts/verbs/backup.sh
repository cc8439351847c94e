# shellcheck shell=bash
# The quorum's metadata: a copy of it, and the way back where all voters have lost it.

readonly METADATA=$DATA/__cluster_metadata-0
# Made by the format; it holds no more than the voters.
readonly FIRST_SNAPSHOT=00000000000000000000-0000000000.checkpoint
readonly REPLACED=$DATA_MOUNT/replaced-metadata
readonly UNIT_FILE=/etc/systemd/system/$UNIT

# verb_backup prints this voter's copy of the metadata as a tar.gz: the newest
# snapshot and the log behind it. With --look, only whether there is any.
verb_backup() {
  local staging
  parse_flags 'look?' "$@"
  if [[ ${FLAG[look]} ]]; then
    if has_metadata; then echo kept; else echo lost; fi
    return
  fi
  has_metadata || die "this node has no metadata of a quorum in $METADATA" 'ask a voter: kraftstack status shows them'
  staging=$(mktemp -d -- "$DATA_MOUNT/.backup.XXXXXX")
  SCRATCH+=("$staging")
  copy_metadata "$staging"
  tar -C "$staging" -czf - .
}

# has_metadata: a voter that starts without any makes an empty log.
has_metadata() {
  [[ -n $(find "$METADATA" -maxdepth 1 -name '*.log' -size +0 -print -quit 2>/dev/null) || -n $(newest_snapshot) ]]
}

# newest_snapshot: its name is the offset and the epoch at which it ends.
newest_snapshot() {
  find "$METADATA" -maxdepth 1 -name '*.checkpoint' ! -name "$FIRST_SNAPSHOT" -printf '%f\n' 2>/dev/null | sort | tail -n 1
}

# copy_metadata FOLDER: Kafka only appends to what is copied, and drops the half record
# that the last segment may end with. Who voted for whom belongs to each voter alone.
copy_metadata() {
  local snapshot segment newest=''
  local -a files=()
  snapshot=$(newest_snapshot)
  for segment in "$METADATA"/*.log; do
    segment=${segment##*/}
    if [[ $snapshot && ! ${segment%.log} > ${snapshot%%-*} ]]; then
      newest=$segment # of those that begin before the snapshot ends
    else
      files+=("$segment")
    fi
  done
  files+=("${snapshot:-$FIRST_SNAPSHOT}" ${newest:+"$newest"})
  for segment in leader-epoch-checkpoint partition.metadata; do
    if [[ -e $METADATA/$segment ]]; then files+=("$segment"); fi
  done
  (cd "$METADATA" && cp --reflink=auto -t "$1" -- "${files[@]}") ||
    die 'Kafka removed an old part of its metadata while it was copied' 'run this again'
}

# verb_restore stops Kafka and gives this node the metadata on standard input, as a
# voter with this directory id; a node that is none just forgets its copy, which may
# have more than the quorum will know. What was there is kept aside.
verb_restore() {
  local staging=$DATA_MOUNT/.restoring
  parse_flags 'node-id! cluster-id! directory-id=' "$@"
  check_flag node-id '[0-9]+' 'a number'
  check_flag cluster-id '[A-Za-z0-9_-]{22}' 'a Kafka UUID of 22 characters'
  check_flag directory-id '[A-Za-z0-9_-]{22}' 'a Kafka UUID of 22 characters'
  lock_host
  mountpoint -q "$DATA_MOUNT" ||
    die "no data disk is mounted on $DATA_MOUNT" "kraftstack up --target-host ${HOSTNAME%%.*} prepares this host; then run this again"
  if [[ -e $DATA/meta.properties ]]; then expect_storage; fi
  rm -rf -- "$staging" # of a run that was killed
  SCRATCH+=("$staging")
  if [[ ${FLAG[directory-id]} ]]; then unpack_metadata "$staging"; fi
  stop_kafka_now
  set_metadata_aside
  if [[ ${FLAG[directory-id]} ]]; then
    install -d -m 0750 -o kafka -g kafka -- "$DATA"
    mv -T -- "$staging" "$METADATA"
    if [[ ! -e $DATA/meta.properties ]]; then write_identity; fi
    sync -f "$DATA"
  fi
  say "node ${FLAG[node-id]} ${FLAG[directory-id]:+has the metadata and }waits to be started"
}

unpack_metadata() {
  install -d -m 0750 -o kafka -g kafka -- "$1"
  tar -C "$1" --no-same-owner -xzf - || die 'standard input is no whole copy of the metadata' 'take another backup'
  [[ -n $(find "$1" -maxdepth 1 \( -name '*.log' -o -name '*.checkpoint' \) -print -quit) ]] ||
    die 'there is no metadata in what came on standard input' 'take another backup'
  chown -R kafka:kafka -- "$1"
}

# stop_kafka_now: a broker hands its leaders over when it stops, and would wait for
# a controller that is not there. A host that up has not come to configure has no Kafka
# yet: up stops where it finds the first empty disk.
stop_kafka_now() {
  local before
  if [[ ! -e $UNIT_FILE ]]; then return 0; fi
  reload_units # on a new host systemd has not read the unit yet
  before=$(unit_property MainPID)
  systemctl stop --no-block "$UNIT"
  wait_for 30 'Kafka to stop' has_stopped "$before" || systemctl kill --signal=KILL "$UNIT"
  wait_for 30 'Kafka to end' unit_is_down || die "$UNIT does not stop" "look at: systemctl status $UNIT; then run this again"
}

unit_is_down() {
  WAIT_DETAIL=$(unit_property ActiveState)
  [[ $WAIT_DETAIL == inactive || $WAIT_DETAIL == failed ]]
}

set_metadata_aside() {
  local aside
  if [[ ! -e $METADATA ]]; then return 0; fi
  aside=$REPLACED/$(date -u +%Y%m%dT%H%M%S.%NZ)
  install -d -m 0750 -o kafka -g kafka -- "$REPLACED"
  mv -T -- "$METADATA" "$aside"
  say "what was there is kept in $aside"
}

# write_identity: on a new disk, that of the voter that the metadata knows.
write_identity() {
  write_file "$DATA/meta.properties" 0640 kafka:kafka <<IDENTITY
version=1
node.id=${FLAG[node-id]}
cluster.id=${FLAG[cluster-id]}
directory.id=${FLAG[directory-id]}
IDENTITY
}
