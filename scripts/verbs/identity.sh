# shellcheck shell=bash

# verb_identity takes the certificates that were made for this host's key. Kafka's
# key stores are one file each, so the key is put in front of each certificate here.
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
  apply_document "$IDENTITY_MANIFEST"
  say 'done'
}

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
