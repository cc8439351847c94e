# shellcheck shell=bash

verb_help() {
  cat <<'HELP'
kafka-node VERB [--flag=value ...]     prepares and runs Kafka on this host; as root

  prepare --volume-id=vol-… --size-gib=N --subject=/O=…/CN=… --names=…,… [--timeout=300]
          [--apt-sources=deb …|deb …]
      Waits for cloud-init and the data disk; makes the user kafka, the disk's file
      system (on a blank disk only), its mount, kernel settings and limits, and a
      private key that stays here. Prints the request for its certificate.
  install --version=4.3.0 --url=… [--sha512=…] [--keys | --keys-url=…]
          [--retry-seconds=60] [--updates=image] [--apt-sources=deb …|deb …]
          [--activate]                             (PGP keys on standard input)
      Finds or installs Java, fetches Kafka's archive, checks its SHA-512 (given, or
      published beside it as URL.sha512) and unpacks it beside other versions.
      With keys, one of them must have signed URL.asc. --updates says which updates
      the system installs by itself: security, none, or those of the image. With
      --apt-sources, apt looks there and not where the image says.
      --activate makes it the current one and puts its tools on the PATH.
  names --hosts=…,… [--timeout=120]
      Waits until every name resolves in this network.
  identity                                        (a document on standard input)
      Takes the certificates that were made for this host's key.
  client                                          (a document on standard input)
      Writes how Kafka's tools on a host without Kafka reach the cluster.
  configure [--new | --lost] --node-id=… --cluster-id=… [--initial-controllers=…
            --directory-id=…] --volume-id=… --instance=i-… [--lost-disks=0]
                                                    (a document on standard input)
      Writes the document's files, formats storage where there is none, starts Kafka
      if it does not run. Never restarts it. An empty disk is an error but with --new,
      and with --lost, where other nodes must have all that was on it.
  quorum --voters=ID@HOST:PORT,… [--brokers=…] [--complete] [--timeout=300]
      Waits until there is a leader, these are the voters, each caught up, and every
      broker is registered and unfenced. Adds and removes voters one at a time; ends
      with 10 where a majority would be in danger. Without --complete, who is no
      controller yet may join later.
  roll --generation=… --node-id=… [--together=…,…] [--spare-leader]
       [--gate-timeout=120] [--timeout=600]
      Restarts Kafka if it runs with another generation of its settings, once the
      cluster can do without this node (and those restarted together with it), and
      waits until it is healthy. Ends with 10, and nothing changed, where it cannot.
      --spare-leader leaves the quorum's leader for a later call.
  patch [--node-id=…] [--gate-timeout=120] [--timeout=600]
      Installs the distribution's updates, with Kafka stopped, once the cluster can do
      without this node; reboots where they ask for it, and ends with 75 then: it is
      to be called again. Ends with 10, and nothing changed, where the cluster cannot.
  user --name=… [--wanted=…] [--known]               (a password on standard input)
      Makes a user's SCRAM credential, access rules and quotas those of the lines in
      --wanted. With --known, what PULUMI_COMMAND_STDOUT says was applied before, and
      is no longer wanted, goes; nothing else is ever removed.
  admit --version=… [--metadata-level=…] --brokers=…,…
                                (lines NAME=VALUE or NAME on standard input)
      Refuses a version that could not read the cluster's metadata any more, brokers
      that could not hold what those have that leave, and values that the running
      brokers do not take.
  finalize --release=4.3 [--metadata-level=…] [--hold]
      Raises the cluster's features to those of a release; --hold says what waits.
  live                          (lines NAME=VALUE or NAME on standard input)
      Brings settings about in all running brokers that need no restart.
  rebalance --brokers=…,… --throttle-mib=… [--drain-only] | --cancel
      Moves partitions away from all other brokers, and to those of these that have
      less than their share. Says how far it is; goes on where it was stopped. Ends
      with 10, and nothing moved, where these cannot hold them. --cancel ends the
      moves that run and takes their limits back.
  retire --node-id=… [--throttle-mib=50] [--timeout=630]
      Takes this host out of the cluster: moves away what it still holds, stops Kafka
      and unregisters it.
  backup [--look]
      Prints the quorum's metadata, as this voter has it, as a tar.gz. With --look,
      says whether it has any.
  restore --node-id=… --cluster-id=… [--directory-id=…]    (a backup on standard input)
      Stops Kafka and makes this node one of the quorum's voters with the metadata of
      a backup; without a directory id, a node that forgets its copy of it. Keeps
      aside what was there. For a quorum whose voters have lost all they had.
  seal
      Takes from a host that never was a node what would make its image that one
      host again: host keys, machine id, first boot, log-ins.
  check [--bastion]
      Compares this host with what this toolkit made of it; prints JSON. Ends with 0
      where all is right, with 3 where something differs.
  status
      Says in a few lines what runs here.
  activate
      For kafka.service: links the wanted version just before a start.
  classes [--timeout=600]
      For kafka-classes.service, once Kafka has run for ten minutes: makes the class
      data archive that its next start takes, where there is none.

Ends with 0, with 1 where something failed (the message names the next step), with 2
where the call was wrong. Every verb can be stopped at any time and run again.
HELP
}
