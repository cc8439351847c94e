# shellcheck shell=bash

# verb_identity takes the certificates that were made for this host's key. Kafka's
# key stores are one file each, so the key is put in front of each certificate here.
# A running broker takes over the one that it shows to clients.
verb_identity() {
  local staging path
  parse_flags '' "$@"
  lock_host
  [[ -s $KEY ]] || die "there is no $KEY" 'run kafka-node prepare first (kraftstack up does)'
  staging=$(mktemp -d)
  SCRATCH+=("$staging")
  read_document "$staging"
  for path in "${DOCUMENT[@]}"; do
    if [[ ${path##*/} == *.keystore.pem ]]; then add_key "$path" "$staging"; fi
  done
  keep_first_admin
  if [[ -e $DATA/meta.properties ]] && { brings_another "$SERVER_STORE" || brings_another "$CLIENTS_TRUST"; }; then
    write_file "$STALE_STORE" 0644 root:root </dev/null
  fi
  apply_document "$IDENTITY_MANIFEST"
  if [[ -e $STALE_STORE ]]; then reload_certificate; fi
  say 'done'
}

# brings_another PATH: the document has the file, and the host has not, or otherwise.
brings_another() { [[ -n ${DOCUMENT_CONTENT[$1]:-} ]] && ! cmp -s -- "${DOCUMENT_CONTENT[$1]}" "$1"; }

# add_key PATH STAGING: makes a certificate of the document into a key store.
add_key() {
  local fault certificate=${DOCUMENT_CONTENT[$1]}
  fault=$(certificate_fault "$certificate")
  if [[ -n $fault ]]; then
    die "the certificate for ${1##*/} cannot be used: $fault" \
      'set the clock of this host (timedatectl), or run kraftstack refresh and up again'
  fi
  (umask 077 && cat -- "$KEY" "$certificate" >"$certificate.keystore")
  DOCUMENT_CONTENT[$1]=$certificate.keystore
}

# keep_first_admin: the credentials of the first administrator are of use only until
# this node's storage is formatted, and no file of the manifest: configure removes
# them.
keep_first_admin() {
  local content=${DOCUMENT_CONTENT[$FIRST_ADMIN]:-} path
  local -a rest=()
  for path in "${DOCUMENT[@]}"; do
    if [[ $path != "$FIRST_ADMIN" ]]; then rest+=("$path"); fi
  done
  DOCUMENT=("${rest[@]}")
  unset "DOCUMENT_MODE[$FIRST_ADMIN]"
  if [[ -n $content && ! -e $DATA/meta.properties ]]; then
    write_file "$FIRST_ADMIN" 0600 root:root <"$content"
  fi
}
