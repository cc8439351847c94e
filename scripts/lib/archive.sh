# shellcheck shell=bash
# Kafka's binary archive: fetched, proven, unpacked beside other versions.

readonly KAFKA_ROOT=/opt/kafka
# In an unpacked version: its archive's SHA-512, and the sum of each of its files.
readonly COMPLETE=.kraftstack-complete CONTENTS=.kraftstack-contents

# version_dir VERSION: where a version is unpacked, under the name that its archive
# gives it.
version_dir() {
  printf '%s/kafka_2.13-%s' "$KAFKA_ROOT" "$1"
}

# installed_sum VERSION: the SHA-512 of the archive that a version came from; empty
# where it is not installed.
installed_sum() {
  first_line "$(version_dir "$1")/$COMPLETE"
}

# version_fault VERSION: how an installed version differs from its archive; empty
# where it does not. What is on the classpath is trusted with everything.
version_fault() {
  local dir
  dir=$(version_dir "$1")
  (
    cd "$dir" 2>/dev/null || { printf 'it is not there'; exit; }
    if ! diff -q <(version_files) <(cut -d ' ' -f 3- "$CONTENTS" 2>/dev/null) >/dev/null; then
      printf 'files were added or removed'
    elif ! sha256sum --check --status --strict "$CONTENTS" 2>/dev/null; then
      printf 'files were changed'
    elif [[ -n $(find . ! -type l \( ! -user root -o -perm /022 \) -print -quit) ]]; then
      printf 'others than root can write in it'
    fi
  )
}

# version_files: all that is in the current folder and came out of an archive.
version_files() {
  find . ! -type d ! -name "$COMPLETE" ! -name "$CONTENTS" | sort
}

# download URL FILE SECONDS: fetches with retries for that long. A server that is
# not there yet, or a way out that is not there yet, is worth waiting for; one that
# says no is not.
download() {
  local status=0
  wait_for "$3" "an answer from $1" try_download "$1" "$2" || status=$?
  case $status in
    0) ;;
    1) die "$1 could not be fetched in $3 s: $WAIT_DETAIL" \
      'check that the server runs and that this host has a way to it (route, NAT, DNS); then run this again' ;;
    *) die "$1 could not be fetched: $WAIT_DETAIL" \
      'correct the address of the archive (kraftstack:kafka archiveUrl, version) and run this again' ;;
  esac
}

# try_download URL FILE: one attempt. A transfer that stalls for 30 s is given up.
try_download() {
  local reason status=0
  reason=$(curl --fail --silent --show-error --location --connect-timeout 10 \
    --speed-limit 1024 --speed-time 30 --output "$2" -- "$1" 2>&1) || status=$?
  if ((status == 0)); then return 0; fi
  WAIT_DETAIL=$(printf '%s' "$reason" | tail -n 1)
  case $status in
    1 | 3 | 23) return 2 ;;                                      # bad address, no room for the file
    22) [[ $reason =~ error:\ (5..|408|429) ]] || return 2 ;;    # the server's answer is no
  esac
  return 1
}

# published_sum FILE: the SHA-512 in a checksum file, either "HASH  name" or the
# form of gpg --print-md, "name: AAAA BBBB …" over several lines. Empty if neither.
published_sum() {
  local text
  text=$(tr -d '\r' <"$1")
  if [[ $text =~ ^[[:space:]]*([0-9a-fA-F]{128})([[:space:]]|$) ]]; then
    text=${BASH_REMATCH[1]}
  else
    text=$(printf '%s' "${text#*:}" | tr -d '[:space:]')
  fi
  if [[ $text =~ ^[0-9a-fA-F]{128}$ ]]; then printf '%s' "${text,,}"; fi
}

# expect_signature ARCHIVE URL: one of the given keys has signed the archive. gpgv
# knows no other keys, no trust and no agent: only whether it is so.
expect_signature() {
  local armored=$1.keys keyring=$1.keyring block said status=0
  if [[ ${FLAG[keys]} ]]; then
    cat >"$armored"
  else
    download "${FLAG[keys-url]}" "$armored" "${FLAG[retry-seconds]}"
  fi
  while IFS= read -r block; do base64 -d <<<"$block"; done < <(key_blocks "$armored") >"$keyring" 2>/dev/null || true
  [[ -s $keyring ]] || die 'there is no PGP public key among the keys that were given' 'correct kraftstack:kafka keys in the stack file'
  download "$2.asc" "$1.asc" "${FLAG[retry-seconds]}"
  if ! command -v gpgv >/dev/null; then install_first gpgv gnupg2; fi
  said=$(gpgv --homedir "$(dirname -- "$1")" --status-fd 1 --keyring "$keyring" "$1.asc" "$1" 2>&1) || status=$?
  if ((status == 0)) && grep -q '^\[GNUPG:\] GOODSIG ' <<<"$said" && ! grep -qE '^\[GNUPG:\] (BADSIG|ERRSIG|EXPSIG|EXPKEYSIG|REVKEYSIG) ' <<<"$said"; then
    say "signed by $(sed -n 's/^\[GNUPG:\] GOODSIG [0-9A-F]* //p' <<<"$said")"
    return
  fi
  grep '^gpgv: ' <<<"$said" | tail -n 5 >&2 || true
  die "the archive from $2 is not signed by one of the keys that were given" \
    'do not use that archive: check the address and the keys (kraftstack:kafka archiveUrl, keys), then run this again'
}

# key_blocks FILE: the body of each armored key in it, a line each.
key_blocks() {
  tr -d '\r' <"$1" | awk '
    /^-----BEGIN PGP PUBLIC KEY BLOCK-----/ { inside = 1; body = ""; begun = 0; next }
    /^-----END PGP PUBLIC KEY BLOCK-----/ { if (inside) print body; inside = 0; next }
    !inside { next }
    !begun { if ($0 == "") begun = 1; next }
    !/^=/ { body = body $0 }'
}

# unpack ARCHIVE VERSION SUM: the version's folder appears whole or not at all.
unpack() {
  local target work name
  target=$(version_dir "$2")
  name=${target##*/}
  work=$(mktemp -d "$KAFKA_ROOT/.unpack.XXXXXX")
  SCRATCH+=("$work")
  tar -xzf "$1" -C "$work" --no-same-owner --no-same-permissions ||
    die "$1 could not be unpacked" "check the room on $KAFKA_ROOT (df -h $KAFKA_ROOT) and run this again"
  if [[ ! -x $work/$name/bin/kafka-server-start.sh ]]; then
    die "the archive holds no $name/bin/kafka-server-start.sh but: $(find "$work" -mindepth 1 -maxdepth 1 -printf '%f ')" \
      "give the address of Kafka $2's binary archive"
  fi
  (cd "$work/$name" && version_files | tr '\n' '\0' | xargs -0 sha256sum) >"$work/contents"
  write_file "$work/$name/$CONTENTS" 0644 root:root <"$work/contents"
  write_file "$work/$name/$COMPLETE" 0644 root:root <<<"$3"
  sync -f "$work"
  if [[ -e $target ]]; then
    # What runs was started from files that are not to be trusted.
    if [[ $(current_version) == "$2" ]]; then rm -f -- "$RUNNING_GENERATION"; fi
    mv -T -- "$target" "$work/altered"
  fi
  mv -T -- "$work/$name" "$target"
}

# current_version: of the link that Kafka was last started through.
current_version() {
  local target
  target=$(readlink -- "$KAFKA_ROOT/current" || true)
  printf '%s' "${target#kafka_2.13-}"
}

# activate_version VERSION: makes it the current one.
activate_version() {
  link_atomically "kafka_2.13-$1" "$KAFKA_ROOT/current"
}
