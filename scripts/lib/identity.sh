# shellcheck shell=bash
# Who this host is to others: a private key that was made here and never leaves,
# and the certificates that the stack's authorities gave it.

readonly TLS=/etc/kafka/tls
readonly KEY=$TLS/node.key         # root's alone; the key stores have copies
readonly REQUEST=$TLS/node.csr     # asks for a certificate, printed by prepare
# shellcheck disable=SC2034 # other parts read it
readonly FIRST_ADMIN=$TLS/admin.scram # for a new voter's format, gone after it
# shellcheck disable=SC2034 # other parts read it
readonly IDENTITY_MANIFEST=$STATE/manifest.identity

# ensure_key SUBJECT NAMES: the host's key, and a request for a certificate with
# that subject and those DNS names. The same key and request as long as they fit.
ensure_key() {
  local names wanted
  need_command openssl openssl
  install -d -m 0750 -o root -g kafka -- "$TLS"
  if [[ ! -s $KEY ]]; then
    write_file "$KEY" 0600 root:root < <(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256)
    [[ -s $KEY ]] || die 'openssl made no private key' 'run: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'
  fi
  names="DNS:${2//,/,DNS:}"
  wanted="$1 $names $(public_key pkey "$KEY")"
  if [[ -s $REQUEST && $(first_line "$TLS/node.asked") == "$wanted" ]]; then return 0; fi
  write_file "$REQUEST" 0644 root:root < <(openssl req -new -key "$KEY" -subj "$1" -addext "subjectAltName=$names")
  [[ -s $REQUEST ]] || die "openssl made no request for $1" 'read the lines above'
  write_file "$TLS/node.asked" 0644 root:root <<<"$wanted"
}

# public_key KIND FILE: digest of the public half of a key (pkey) or a certificate
# (x509).
public_key() {
  local key
  if [[ $1 == x509 ]]; then
    key=$(openssl x509 -in "$2" -noout -pubkey)
  else
    key=$(openssl pkey -in "$2" -pubout)
  fi
  sha256sum <<<"$key" | cut -d ' ' -f 1
}

# certificate_fault FILE: why the first certificate in it cannot be this host's now;
# empty where it can.
certificate_fault() {
  local begins
  if [[ $(public_key x509 "$1") != "$(public_key pkey "$KEY")" ]]; then
    printf 'it is for another key than the one on this host'
    return
  fi
  begins=$(date -d "$(openssl x509 -in "$1" -noout -startdate | cut -d = -f 2)" +%s)
  if ((begins > $(date +%s))); then
    printf 'it begins %s s from now by this host'"'"'s clock, which says %s' "$((begins - $(date +%s)))" "$(date -u +%FT%TZ)"
  elif ! openssl x509 -in "$1" -noout -checkend 0 >/dev/null; then
    printf 'it has ended: %s' "$(openssl x509 -in "$1" -noout -enddate)"
  fi
}
