# shellcheck shell=bash

# verb_user makes one user of the cluster what it should be. It prints what was
# applied: Pulumi's state keeps that, and hands it to the next run in a variable, so
# that what the stack no longer wants can be told from what others made.
verb_user() {
  local known='' errors
  parse_flags 'name! wanted= known?' "$@"
  check_flag name '[A-Za-z0-9][A-Za-z0-9._-]{0,63}' 'letters, digits, dots, hyphens and underscores'
  if [[ ${FLAG[known]} ]]; then
    known=${PULUMI_COMMAND_STDOUT:-}
    [[ $known == "user ${FLAG[name]}"* ]] ||
      die "what was applied before for user ${FLAG[name]} did not come with the call in PULUMI_COMMAND_STDOUT" \
        'let sshd accept it (AcceptEnv PULUMI_COMMAND_STDOUT in /etc/ssh/sshd_config.d/10-kraftstack.conf, as new hosts have it), reload sshd and run this again'
  fi
  errors=$(mktemp)
  SCRATCH+=("$errors")
  if ! python3 -I /dev/fd/3 "$CLIENT" "${FLAG[name]}" "${FLAG[wanted]}" "${known#*$'\n'}" 3< <(user_program) 2>"$errors"; then
    user_failed "$(tail -n 1 -- "$errors")"
  fi
  printf 'user %s\n' "${FLAG[name]}"
  if [[ ${FLAG[wanted]} ]]; then printf '%s\n' "${FLAG[wanted]}"; fi
}

# user_failed REASON: "WHAT; next: WHAT TO DO".
user_failed() {
  local what=${1%%; next: *} next='read the line above and run this again'
  if [[ $1 == *'; next: '* ]]; then next=${1#*; next: }; fi
  die "user ${FLAG[name]}: $what" "$next"
}
