# shellcheck shell=bash
# Which version of Kafka may run, and how far the cluster has committed to it.

# verb_admit refuses, before anything is changed for it, brokers that could not hold
# what those have that leave, a value on standard input that the running brokers do not
# take, and a version that could not read the cluster's metadata. Only an older version
# than the running one can be such: a host on which nothing runs, or the same or an
# older one, has none to lose.
verb_admit() {
  local running level=''
  parse_flags 'version! metadata-level= brokers!' "$@"
  check_flag brokers "$ID_LIST" "$ID_LIST_WANTED"
  check_flag version '[0-9]+\.[0-9]+\.[0-9]+' 'three numbers such as 4.3.0'
  check_flag metadata-level '[0-9]+' 'a number'
  if unit_is_active; then expect_possible; fi
  running=$(current_version)
  level=${FLAG[metadata-level]}
  if [[ -z $running ]] || ! unit_is_active || ! is_older "${FLAG[version]}" "$running"; then
    say "Kafka ${FLAG[version]} may run here"
    return
  fi
  [[ -n $level ]] ||
    die "Kafka $running runs, and which metadata Kafka ${FLAG[version]} can read is not known here" 'keep the version that runs, or one that this program knows'
  wait_for 30 'an answer from the cluster' may_follow "$level" ||
    die "Kafka ${FLAG[version]} cannot follow Kafka $running: $WAIT_DETAIL" \
      "keep kafka.version at $running or newer: a finalized metadata version has no way back; nothing was changed"
  say "Kafka ${FLAG[version]} may follow Kafka $running: the metadata version is not finalized yet"
}

# expect_possible: a cluster that does not answer may be what this run is to mend. The
# steps that move partitions and change settings ask again.
expect_possible() {
  if ! some_broker_answers; then
    warn "$WAIT_DETAIL: whether the brokers take these settings, and have room, is not known yet"
    return
  fi
  expect_room
  settings check
}

# may_follow LEVEL: a condition for wait_for. There is no point in asking again
# where the answer is no.
may_follow() {
  cluster_says may-run-level "$1" && return
  if [[ $WAIT_DETAIL == 'the cluster does not answer'* ]]; then return 1; fi
  return 2
}

# is_older VERSION THAN
is_older() {
  [[ $1 != "$2" && $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]
}

# verb_finalize raises the cluster's features to those of a release, or, held back,
# says that they wait.
verb_finalize() {
  local output
  parse_flags 'release! metadata-level= hold?' "$@"
  check_flag release '[0-9]+\.[0-9]+' 'two numbers such as 4.3'
  check_flag metadata-level '[0-9]+' 'a number'
  if [[ ${FLAG[metadata-level]} ]] && cluster_says at-level "${FLAG[metadata-level]}"; then
    say "the metadata version of Kafka ${FLAG[release]} is finalized"
    return
  fi
  if [[ ${FLAG[hold]} ]]; then
    say "held back: ${WAIT_DETAIL:-the metadata version of Kafka ${FLAG[release]} may not be finalized}; kafka.finalize: auto finalizes it, and until then an older kafka.version is the way back"
    return
  fi
  output=$(as_kafka timeout 120 "$(wanted_bin)/kafka-features.sh" --bootstrap-server "$(bootstrap)" --command-config "$CLIENT" \
    upgrade --release-version "${FLAG[release]}" 2>&1) || {
    printf '%s\n' "$output" | grep -v '^\s*at ' | tail -n 5 | cut -c 1-300 >&2
    die "the metadata version of Kafka ${FLAG[release]} could not be finalized" 'read the lines above; every node must run that version (kraftstack status); run this again'
  }
  say "the metadata version of Kafka ${FLAG[release]} is finalized: there is no way back to an older version"
}
