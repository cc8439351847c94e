package render

import (
	"fmt"
	"strings"

	"kraftstack/config"
)

// Where a host keeps its certificates. A key store is the host's own private
// key, which never leaves it, and a certificate.
const (
	tlsDir        = "/etc/kafka/tls/"
	memberStore   = tlsDir + "member.keystore.pem" // NODES and CONTROLLER
	membersTrust  = tlsDir + "members.pem"         // whom those listeners let in
	serverStore   = tlsDir + "server.keystore.pem" // the listeners of clients
	firstAdmin    = tlsDir + "admin.scram"         // for a new voter's format
	clientsTrust  = tlsDir + "clients.pem"         // whom CLIENTS_MTLS lets in
	adminStore    = tlsDir + "admin.keystore.pem"  // the administrator's, where it has no password
	serversTrust  = tlsDir + "ca.pem"              // what clients trust brokers by
	clientOptions = "/etc/kafka/client.properties" // for Kafka's own tools
	kafkaOnly     = "0640"                         // mode of what root writes and Kafka reads
	kafkaOwner    = "root:kafka"
)

// Names of the listeners. Brokers talk to each other on NODES and to the quorum
// on CONTROLLER; everybody else has CLIENTS.
const (
	listenerNodes      = "NODES"
	listenerClients    = "CLIENTS"
	listenerController = "CONTROLLER"
	listenerMTLS       = "CLIENTS_MTLS"
)

// protocols and suites are what every listener offers: TLS 1.3, and of TLS 1.2
// what has forward secrecy and authenticated encryption (RFC 9325, 4.2), for
// the ECDSA keys that all hosts have. The first that a client knows is taken: a
// key of 128 bits is as good as any for what lives as long as a connection, and
// takes fewer rounds than one of 256 (FIPS 197).
const protocols = "TLSv1.3,TLSv1.2"

func suites() string {
	return strings.Join([]string{
		"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	}, ",")
}

// listener is one of a node's listeners.
type listener struct {
	name     string
	port     int
	protocol string // of listener.security.protocol.map
}

// listeners of a stack, in the order of their ports. A node has those of its
// roles.
func listeners(s config.Stack, n config.Node) []listener {
	var all []listener
	if n.Broker {
		all = append(all, listener{listenerNodes, NodesPort, "SSL"})
		all = append(all, clientListeners(s)...)
	}
	if n.Controller {
		all = append(all, listener{listenerController, ControllerPort, "SSL"})
	}
	return all
}

func clientListeners(s config.Stack) []listener {
	if s.Security.Clients == config.ClientsPlaintext {
		return []listener{{listenerClients, ClientsPort, "PLAINTEXT"}}
	}
	var all []listener
	if s.Security.Scram() {
		all = append(all, listener{listenerClients, ClientsPort, "SASL_SSL"})
	}
	if s.Security.MTLS() {
		all = append(all, listener{listenerMTLS, ClientsTLSPort, "SSL"})
	}
	return all
}

// protocolMap names the protocol of every listener of the stack, those too that
// this node is only a client of.
func protocolMap(s config.Stack) string {
	var pairs []string
	for _, l := range listeners(s, config.Node{Broker: true, Controller: true}) {
		pairs = append(pairs, l.name+":"+l.protocol)
	}
	return strings.Join(pairs, ",")
}

// security is who may speak to this node and what they may do: nobody anything,
// unless a rule says so. The nodes themselves and the administrator are exempt.
//
// NODES and CONTROLLER trust an authority of their own, which signs nothing but
// nodes, and take no other name from it: no client can become a member, whatever
// it was given.
func security(s config.Stack, n config.Node) section {
	super := "User:" + config.NodeUser + ";User:" + config.AdminUser
	if s.Security.Clients == config.ClientsPlaintext {
		super += ";User:ANONYMOUS" // nobody has a name there
	}
	lines := []property{
		{"authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"},
		{"allow.everyone.if.no.acl.found", "false"},
		{"super.users", super},
		{"ssl.enabled.protocols", protocols},
		{"ssl.cipher.suites", suites()},
		{"ssl.keystore.type", "PEM"},
		{"ssl.truststore.type", "PEM"},
	}
	for _, name := range []string{listenerNodes, listenerController} {
		lines = append(lines, mutual(name, memberStore, membersTrust, "RULE:^CN=[a-z0-9.-]+,O="+organization+"$/"+config.NodeUser+"/")...)
	}
	if n.Broker && s.Security.Scram() {
		prefix := prefixOf(listenerClients)
		lines = append(lines,
			property{prefix + "ssl.keystore.location", serverStore},
			property{prefix + "sasl.enabled.mechanisms", "SCRAM-SHA-512"},
			property{prefix + "scram-sha-512.sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required;"},
		)
	}
	if n.Broker && s.Security.MTLS() {
		// The authority of clients signs no other names than users'.
		lines = append(lines, mutual(listenerMTLS, serverStore, clientsTrust, "RULE:^CN=([^,]+),O="+organization+"$/$1/")...)
	}
	return section{"Who may speak to this node, and what they may do.", lines}
}

// prefixOf begins the properties of a listener.
func prefixOf(listener string) string { return "listener.name." + strings.ToLower(listener) + "." }

// mutual is a listener that both sides show a certificate on. There is no rule
// for other names than the one given: they are refused.
func mutual(listener, store, trust, rule string) []property {
	prefix := prefixOf(listener)
	return []property{
		{prefix + "ssl.keystore.location", store},
		{prefix + "ssl.truststore.location", trust},
		{prefix + "ssl.client.auth", "required"},
		{prefix + "ssl.principal.mapping.rules", rule},
	}
}

// clientServers is how many brokers a client's file names: some of each zone,
// since one that answers is enough. Naming all would change the file on every
// host with each broker that comes.
const clientServers = 6

// clientProperties is the head of every file that Kafka's own tools are given
// with --command-config.
func clientProperties(s config.Stack, port int, lines ...string) string {
	servers := strings.Split(addresses(s, port, func(n config.Node) bool { return n.Broker }), ",")
	servers = servers[:min(len(servers), clientServers)]
	return "# Written by kraftstack. For Kafka's tools: --command-config " + clientOptions + "\n" +
		"bootstrap.servers=" + strings.Join(servers, ",") + "\n" + strings.Join(lines, "\n") + "\n"
}

// NodeClientProperties lets Kafka's tools on a node speak with the node's own
// certificate: it works whatever the stack's clients authenticate by, and no
// password is on the host.
func NodeClientProperties(s config.Stack) string {
	return clientProperties(s, NodesPort,
		"security.protocol=SSL", "ssl.enabled.protocols="+protocols,
		"ssl.keystore.type=PEM", "ssl.keystore.location="+memberStore,
		"ssl.truststore.type=PEM", "ssl.truststore.location="+membersTrust)
}

// Admin is the administrator's login.
type Admin struct {
	CA    string // what brokers are trusted by, as PEM
	Login string // a password, or, where clients have certificates alone, one and its key as PEM
}

// Document is what a host without Kafka needs to administer the cluster.
func (a Admin) Document(s config.Stack) (string, error) {
	const mode, owner = "0600", "root:root"
	files := []file{{serversTrust, "0644", owner, a.CA}}
	trust := []string{"ssl.enabled.protocols=" + protocols, "ssl.truststore.type=PEM", "ssl.truststore.location=" + serversTrust}
	var lines []string
	switch {
	case s.Security.Scram():
		lines = append([]string{"security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-512",
			fmt.Sprintf(`sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="%s" password="%s";`,
				config.AdminUser, a.Login)}, trust...)
	case s.Security.MTLS():
		lines = append([]string{"security.protocol=SSL", "ssl.keystore.type=PEM", "ssl.keystore.location=" + adminStore}, trust...)
		files = append(files, file{adminStore, mode, owner, a.Login})
	default:
		lines = []string{"security.protocol=PLAINTEXT"}
	}
	return document(append(files, file{clientOptions, mode, owner, clientProperties(s, ClientPorts(s)[0], lines...)}))
}

// Identity is what a node is given beside its settings, all as PEM. Nothing in
// it is secret but Admin.
type Identity struct {
	Member  string // its certificate as a member of the cluster
	Members string // the authority that signs members
	Server  string // its certificate for clients; empty where it has none
	Clients string // the authority that signs clients; empty where they have no certificates
	// Admin is the first administrator's entry for kafka-storage format; empty
	// on nodes that the cluster is not born with.
	Admin string
}

// Document is the identity in the form that `kafka-node identity` reads.
func (i Identity) Document() (string, error) {
	files := []file{
		{membersTrust, kafkaOnly, kafkaOwner, i.Members},
		{memberStore, kafkaOnly, kafkaOwner, i.Member},
	}
	if i.Server != "" {
		files = append(files, file{serverStore, kafkaOnly, kafkaOwner, i.Server})
	}
	if i.Clients != "" {
		files = append(files, file{clientsTrust, kafkaOnly, kafkaOwner, i.Clients})
	}
	if i.Admin != "" {
		files = append(files, file{firstAdmin, "0600", "root:root", i.Admin + "\n"})
	}
	return document(files)
}
