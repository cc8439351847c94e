# shellcheck shell=bash
# Certificates that a running broker takes over. Any change of a broker's own
# dynamic settings makes it read the files of its listeners again, a change to the
# value that stands in server.properties too (KAFKA-14136).

readonly SERVER_STORE=$TLS/server.keystore.pem
readonly CLIENTS_TRUST=$TLS/clients.pem # whom listeners for clients with certificates let in
# There from before the file changes until Kafka shows it, whoever is killed between.
readonly STALE_STORE=$STATE/stale.certificate

# store_listeners: the listeners that show the certificate for clients, as the
# prefixes of their properties.
store_listeners() {
  sed -n "s|^\(listener\.name\.[a-z_]*\)\.ssl\.keystore\.location=$SERVER_STORE\$|\1|p" "$PROPERTIES"
}

# reload_certificate: Kafka shows clients what is in the files now.
reload_certificate() {
  local listener port deadline
  if ! unit_is_active; then
    rm -f -- "$STALE_STORE"
    return
  fi
  deadline=$(deadline_in 180)
  for listener in $(store_listeners); do
    port=$(listener_port "${listener#listener.name.}")
    if shows_files "$listener" "$port"; then continue; fi
    wait_for "$(remaining "$deadline")" 'Kafka to be told of its new certificate' touch_setting "$listener.ssl.keystore.location=$SERVER_STORE" ||
      die "Kafka could not be told of its new certificate: $WAIT_DETAIL" 'look at kafka-node status; run this again'
    wait_for "$(remaining "$deadline")" "port $port to show the new certificates" shows_files "$listener" "$port" ||
      die "port $port does not show what is in $TLS: $WAIT_DETAIL" \
        'look for SslFactory in /var/log/kafka/server.log; restarting this node takes the certificate over in any case'
  done
  rm -f -- "$STALE_STORE"
  say 'Kafka shows its new certificate'
}

# listener_port NAME: in lower case.
listener_port() {
  property "$PROPERTIES" listeners | tr ',' '\n' | awk -F: -v name="$1" 'tolower($1) == name { print $NF }'
}

# touch_setting KEY=VALUE: sets what is set already, and takes it back: the value in
# server.properties stands.
touch_setting() {
  local id
  id=$(property "$PROPERTIES" node.id)
  alter_broker "$id" --add-config "$1" && alter_broker "$id" --delete-config "${1%%=*}"
}

alter_broker() {
  local said
  if said=$(as_kafka timeout 60 "$(wanted_bin)/kafka-configs.sh" --bootstrap-server "$(bootstrap)" --command-config "$CLIENT" \
    --entity-type brokers --entity-name "$1" --alter "${@:2}" 2>&1); then
    return 0
  fi
  WAIT_DETAIL=$(printf '%s' "$said" | grep -v -e '^\s*at ' -e WARN | tail -n 1 | cut -c 1-200)
  return 1
}

# shows_files LISTENER PORT: what a client is shown there is what is in the files: the
# certificate, and where clients have one too, the authorities that it may be signed by.
shows_files() {
  local shown
  shown=$(timeout 10 openssl s_client -connect "127.0.0.1:$2" -nameopt RFC2253 </dev/null 2>/dev/null)
  WAIT_DETAIL='it shows another certificate'
  [[ $(openssl x509 -outform der <<<"$shown" 2>/dev/null | sha256sum) == "$(openssl x509 -in "$SERVER_STORE" -outform der | sha256sum)" ]] || return 1
  if [[ $(property "$PROPERTIES" "$1.ssl.truststore.location") != "$CLIENTS_TRUST" ]]; then return 0; fi
  WAIT_DETAIL='it lets in clients of other authorities'
  [[ $(authorities_shown <<<"$shown") == "$(authorities_in "$CLIENTS_TRUST")" ]]
}

# authorities_shown: their names, out of what s_client says.
authorities_shown() {
  sed -n '/^Acceptable client certificate CA names$/,/^[A-Z][A-Za-z ]*:/p' | grep '=' | LC_ALL=C sort
}

# authorities_in FILE: the names of certificates.
authorities_in() {
  awk -v name='openssl x509 -noout -subject -nameopt RFC2253' '{ print | name } /^-----END/ { close(name) }' "$1" |
    sed 's/^subject= \?//' | LC_ALL=C sort
}
