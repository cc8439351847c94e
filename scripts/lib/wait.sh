# shellcheck shell=bash
# The one place where the toolkit waits.

# WAIT_DETAIL is what a condition last saw missing; it ends up in the progress
# lines and in the message of whoever gives up.
WAIT_DETAIL=''

# wait_for SECONDS WHAT CONDITION [ARGUMENT...]: calls CONDITION until it returns
# 0. Status 1 means not yet, any higher one that waiting is useless; that status
# is returned, as is 1 when the time is over. Says after 3 s, and then every 10,
# what it waits for. The sleep only paces the calls.
wait_for() {
  local seconds=$1 what=$2 start=$SECONDS told=3 status
  shift 2
  WAIT_DETAIL=''
  while true; do
    status=0
    "$@" || status=$?
    if ((status != 1)); then return "$status"; fi
    if ((SECONDS - start >= seconds)); then return 1; fi
    if ((SECONDS - start >= told)); then
      say "waiting for $what ($((SECONDS - start))s)${WAIT_DETAIL:+: $WAIT_DETAIL}"
      told=$((SECONDS - start + 10))
    fi
    sleep 0.2
  done
}

# begin_lap: the next lap counts from now.
begin_lap() {
  LAP=${EPOCHREALTIME/./}
}

# lap NAME: notes in LAPS how long the part of the work took that ends here.
lap() {
  local now=${EPOCHREALTIME/./}
  LAPS+="${LAPS:+, }$1 $(((now - LAP) / 1000000)).$(((now - LAP) / 100000 % 10)) s"
  LAP=$now
}
LAP=0 LAPS=''

# deadline_in SECONDS: the value that SECONDS will have then.
deadline_in() {
  printf '%s' "$((SECONDS + $1))"
}

# remaining DEADLINE: seconds until that value of SECONDS, at least 1.
remaining() {
  local left=$(($1 - SECONDS))
  printf '%s' "$((left > 1 ? left : 1))"
}
