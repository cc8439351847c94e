# shellcheck shell=bash

# verb_classes makes the class data archive that the next start of Kafka takes, from
# what the process that runs has loaded. kafka-classes.service calls it, when the
# machine has nothing else to do; it holds no lock that a roll would wait for.
verb_classes() {
  local archive said work
  parse_flags 'timeout=600' "$@"
  check_flag timeout '[0-9]+' 'a number of seconds'
  archive=$(class_archive)
  if [[ -e $archive ]]; then
    say 'the archive is here'
    return
  fi
  wait_for "${FLAG[timeout]}" 'its ports to open' ports_open ||
    die "Kafka does not run, within ${FLAG[timeout]} s: $WAIT_DETAIL" "nothing is lost: it is made after a later start (systemctl status $UNIT)"
  if [[ ! -s $CLASS_LIST ]]; then
    say 'Kafka came back from a crash: the archive is made after its next start'
    return
  fi
  work=$(mktemp -d "$CLASSES/.work.XXXXXX")
  SCRATCH+=("$work")
  # Kafka's user writes the list. A class of these lines is looked for in Java and in
  # the class path alone; others may name another place.
  grep -Ex '(@lambda-(proxy|form-invoker) [][A-Za-z0-9_/$.;()<> -]+|[A-Za-z0-9_/$.-]+)' -- "$CLASS_LIST" >"$work/list"
  said=$(dump_classes "$work/list" "$work/archive") ||
    die "Java makes no archive of $(wc -l <"$work/list") classes and lambdas: $(tail -n 3 <<<"$said" | paste -sd ' ')" \
      "nothing is lost: Kafka starts without one, and it is made after a later start"
  chmod 0644 -- "$work/archive"
  rm -f -- "$CLASSES"/*.jsa
  mv -T -- "$work/archive" "$archive"
  say "the next start takes $(grep -vc '^@' "$work/list") classes from $archive"
}
