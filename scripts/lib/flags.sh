# shellcheck shell=bash
# Flags of the form --name=value and --name.

# FLAG holds the values of the verb's flags, by name without the dashes.
declare -A FLAG=()

# parse_flags SPECIFICATION ARGUMENT...: fills FLAG. The specification is a list
# of words: "name!" must be given, "name=default" may be, "name?" takes no value
# and is yes or empty.
parse_flags() {
  local specification=$1 word name
  local -A kind=()
  shift
  for word in $specification; do
    name=${word%%[\!=?]*}
    kind[$name]=${word:${#name}:1}
    FLAG[$name]=''
    if [[ ${kind[$name]} == '=' ]]; then FLAG[$name]=${word#*=}; fi
  done
  for word in "$@"; do
    [[ $word =~ ^--([a-z0-9-]+)(=(.*))?$ ]] || usage_error "${word@Q} is not a flag"
    name=${BASH_REMATCH[1]}
    [[ -n ${kind[$name]:-} ]] || usage_error "there is no flag --$name"
    if [[ ${kind[$name]} == '?' ]]; then
      [[ -z ${BASH_REMATCH[2]} ]] || usage_error "--$name takes no value"
      FLAG[$name]=yes
    else
      [[ -n ${BASH_REMATCH[3]} ]] || usage_error "--$name needs a value: --$name=…"
      FLAG[$name]=${BASH_REMATCH[3]}
    fi
  done
  for name in "${!kind[@]}"; do
    if [[ ${kind[$name]} == '!' && -z ${FLAG[$name]} ]]; then
      usage_error "--$name=… is missing"
    fi
  done
}

# check_flag NAME PATTERN WANTED: the flag's value matches the extended regular
# expression, where it has a value.
check_flag() {
  if [[ -n ${FLAG[$1]} && ! ${FLAG[$1]} =~ ^($2)$ ]]; then
    usage_error "--$1=${FLAG[$1]}: want $3"
  fi
}
