# shellcheck shell=bash
# What is said, and how it ends: progress on standard output, trouble on
# standard error, always with the verb, and a failure with the next step in it.

VERB=help

# say TEXT: a line of progress.
say() {
  printf '%s: %s\n' "$VERB" "$*"
}

# warn TEXT: something is not as it should be, and the work goes on.
warn() {
  printf 'kafka-node: %s: %s: warning: %s\n' "$HOSTNAME" "$VERB" "$*" >&2
}

# die WHAT NEXT: what failed and what to do about it; ends with status 1.
die() {
  printf 'kafka-node: %s: %s: %s; next: %s\n' "$HOSTNAME" "$VERB" "$1" "$2" >&2
  exit 1
}

# refuse WHAT NEXT: the cluster cannot do without this node now, and nothing was
# changed; ends with status 10.
refuse() {
  printf 'kafka-node: %s: %s: %s; next: %s\n' "$HOSTNAME" "$VERB" "$1" "$2" >&2
  exit 10
}

# refuse_altered WHAT NEXT: this host was changed by hand; ends with status 9.
refuse_altered() {
  printf 'kafka-node: %s: %s: %s; next: %s\n' "$HOSTNAME" "$VERB" "$1" "$2" >&2
  exit 9
}

# usage_error WHAT: the call itself is wrong; ends with status 2.
usage_error() {
  printf 'kafka-node: %s: %s: %s; next: see kafka-node help\n' "$HOSTNAME" "$VERB" "$1" >&2
  exit 2
}

# unexpected_failure STATUS COMMAND FUNCTION: a command failed that nothing here
# expected to fail. Only its first word is shown: the rest may hold a secret.
unexpected_failure() {
  # A substitution's own shell has the trap too; its parent speaks for it.
  if ((BASH_SUBSHELL > 0)); then return 0; fi
  die "${2%%[[:space:]]*} failed with status $1 in $3" \
    "read the lines above; the same command can be run again"
}
