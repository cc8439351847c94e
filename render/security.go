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
)

// protocols and suites are what every listener offers: TLS 1.3, and of TLS 1.2
// what has forward secrecy and authenticated encryption (RFC 9325, 4.2), for
// the ECDSA keys that all hosts have.
const protocols = "TLSv1.3,TLSv1.2"

func suites() string {
	return strings.Join([]string{
		"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256",
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
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
		all = append(all, listener{listenerNodes, NodesPort, "SSL"}, clientListener(s))
	}
	if n.Controller {
		all = append(all, listener{listenerController, ControllerPort, "SSL"})
	}
	return all
}

func clientListener(s config.Stack) listener {
	if s.Security.Clients == config.ClientsPlaintext {
		return listener{listenerClients, ClientsPort, "PLAINTEXT"}
	}
	return listener{listenerClients, ClientsPort, "SASL_SSL"}
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
		lines = append(lines, memberListener(name)...)
	}
	if n.Broker && s.Security.Clients != config.ClientsPlaintext {
		prefix := "listener.name." + strings.ToLower(listenerClients) + "."
		lines = append(lines,
			property{prefix + "ssl.keystore.location", serverStore},
			property{prefix + "sasl.enabled.mechanisms", "SCRAM-SHA-512"},
			property{prefix + "scram-sha-512.sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required;"},
		)
	}
	return section{"Who may speak to this node, and what they may do.", lines}
}

func memberListener(name string) []property {
	prefix := "listener.name." + strings.ToLower(name) + "."
	return []property{
		{prefix + "ssl.keystore.location", memberStore},
		{prefix + "ssl.truststore.location", membersTrust},
		{prefix + "ssl.client.auth", "required"},
		{prefix + "ssl.principal.mapping.rules", fmt.Sprintf("RULE:^CN=[a-z0-9.-]+,O=%s$/%s/", organization, config.NodeUser)},
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

// AdminDocument is what a host without Kafka needs to administer the cluster:
// the stack's certificate authority, as PEM, and the administrator's password.
func AdminDocument(s config.Stack, ca, password string) (string, error) {
	lines := []string{"security.protocol=PLAINTEXT"}
	if s.Security.Clients != config.ClientsPlaintext {
		lines = []string{
			"security.protocol=SASL_SSL", "ssl.enabled.protocols=" + protocols,
			"ssl.truststore.type=PEM", "ssl.truststore.location=" + serversTrust, "sasl.mechanism=SCRAM-SHA-512",
			fmt.Sprintf(`sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="%s" password="%s";`,
				config.AdminUser, password),
		}
	}
	return document([]file{
		{serversTrust, "0644", "root:root", ca},
		{clientOptions, "0600", "root:root", clientProperties(s, ClientsPort, lines...)},
	})
}

// Identity is what a node is given beside its settings, all as PEM. Nothing in
// it is secret but Admin.
type Identity struct {
	Member  string // its certificate as a member of the cluster
	Members string // the authority that signs members
	Server  string // its certificate for clients; empty where it has none
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
	if i.Admin != "" {
		files = append(files, file{firstAdmin, "0600", "root:root", i.Admin + "\n"})
	}
	return document(files)
}
