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
  wanted="$1 $names $(public_key "$KEY")"
  if [[ -s $REQUEST && $(first_line "$TLS/node.asked") == "$wanted" ]]; then return 0; fi
  write_file "$REQUEST" 0644 root:root < <(openssl req -new -key "$KEY" -subj "$1" -addext "subjectAltName=$names")
  [[ -s $REQUEST ]] || die "openssl made no request for $1" 'read the lines above'
  write_file "$TLS/node.asked" 0644 root:root <<<"$wanted"
}

# public_key FILE: digest of the public half of a key.
public_key() {
  local key
  key=$(openssl pkey -in "$1" -pubout)
  sha256sum <<<"$key" | cut -d ' ' -f 1
}

# certificate_fault FILE: why the first certificate in it cannot be this host's now;
# empty where it can.
certificate_fault() {
  local said begins now
  # One openssl tells all of it; its status is that of the last question.
  said=$(openssl x509 -in "$1" -noout -pubkey -startdate -enddate -checkend 0) || [[ $said == *-----END* ]]
  if [[ $said != *"$(openssl pkey -in "$KEY" -pubout)"* ]]; then
    printf 'it is for another key than the one on this host'
    return
  fi
  printf -v now '%(%s)T' -1
  begins=$(date -d "$(sed -n 's/^notBefore=//p' <<<"$said")" +%s)
  if ((begins > now)); then
    printf 'it begins %s s from now by this host'"'"'s clock, which says %s' "$((begins - now))" "$(date -u +%FT%TZ)"
  elif [[ $said == *'Certificate will expire'* ]]; then
    printf 'it has ended: %s' "$(grep '^notAfter=' <<<"$said")"
  fi
}
