package render

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kraftstack/config"
)

// Directories of Kafka on a host.
const (
	DataDir = "/var/lib/kafka/data" // on the data volume, below its mount point
	LogDir  = "/var/log/kafka"
)

const bootstrapControllers = "controller.quorum.bootstrap.servers"

// property is a line of server.properties.
type property struct{ name, value string }

// section is a group of lines under one comment.
type section struct {
	comment    string
	properties []property
}

// ServerProperties is a node's server.properties: what the node is, kraftstack's
// defaults for production, and the stack file's kafka.config, which replaces a
// default of the same name where that stands.
//
// kafka.config goes to controllers as it goes to brokers: a controller decides
// the defaults of new topics (partitions, replicas, min.insync.replicas), and
// ignores what concerns brokers only.
func ServerProperties(s config.Stack, n config.Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, written by kraftstack: change the stack file, not this file.\n", s.Host(n))
	for _, part := range sections(s, n) {
		fmt.Fprintf(&b, "\n# %s\n", part.comment)
		for _, p := range part.properties {
			b.WriteString(p.line())
		}
	}
	return b.String()
}

// sections are a node's properties, each there once.
func sections(s config.Stack, n config.Node) []section {
	given := maps.Clone(s.Kafka.Config)
	parts := []section{identity(s, n), security(s, n), topics(s), threads(), safety()}
	for _, part := range parts {
		for i, p := range part.properties {
			if value, ok := given[p.name]; ok {
				part.properties[i].value = value
				delete(given, p.name)
			}
		}
	}
	if len(given) == 0 {
		return parts
	}
	rest := section{comment: "From kafka.config of the stack file."}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		rest.properties = append(rest.properties, property{name, given[name]})
	}
	return append(parts, rest)
}

// LiveProperties is what `kafka-node live` brings about in the running cluster:
// every property that takes effect without a restart, a line each, NAME=VALUE,
// or NAME alone where the stack leaves it to Kafka's own default. The values are
// those of every node's server.properties.
func LiveProperties(s config.Stack) string {
	wanted := map[string]string{}
	for _, part := range sections(s, s.Nodes()[0]) {
		for _, p := range part.properties {
			wanted[p.name] = p.value
		}
	}
	var b strings.Builder
	for _, name := range s.Kafka.LiveProperties() {
		if value, ok := wanted[name]; ok {
			b.WriteString(name + "=" + value + "\n")
		} else {
			b.WriteString(name + "\n")
		}
	}
	return b.String()
}

// line is the property as Java reads it back: a backslash begins an escape, and
// a leading blank would be dropped.
func (p property) line() string {
	value := strings.ReplaceAll(p.value, `\`, `\\`)
	if strings.HasPrefix(value, " ") {
		value = `\` + value
	}
	return p.name + "=" + value + "\n"
}

// identity is what tells this node from all others.
func identity(s config.Stack, n config.Node) section {
	var roles, bound, advertised []string
	for _, l := range listeners(s, n) {
		bound = append(bound, fmt.Sprintf("%s://0.0.0.0:%d", l.name, l.port))
		// Never without a host: an empty one is told to the quorum as
		// whatever this host thinks its own name is.
		advertised = append(advertised, fmt.Sprintf("%s://%s:%d", l.name, s.Host(n), l.port))
	}
	if n.Broker {
		roles = append(roles, "broker")
	}
	if n.Controller {
		roles = append(roles, "controller")
	}
	lines := []property{
		{"node.id", strconv.Itoa(n.ID)},
		{"process.roles", strings.Join(roles, ",")},
		{"listeners", strings.Join(bound, ",")},
		{"advertised.listeners", strings.Join(advertised, ",")},
		{"listener.security.protocol.map", protocolMap(s)},
		{"controller.listener.names", listenerController},
		{bootstrapControllers, voters(s)},
		{"log.dirs", DataDir},
	}
	if n.Broker {
		lines = append(lines, property{"inter.broker.listener.name", listenerNodes}, property{"broker.rack", rack(s, n)})
	}
	return section{"The node: its identity, its names and its quorum.", lines}
}

// rack is the node's availability zone; empty where the stack's zones have no
// names yet, which Document refuses.
func rack(s config.Stack, n config.Node) string {
	if n.Zone < 0 || n.Zone >= len(s.Network.Zones) {
		return ""
	}
	return s.Network.Zones[n.Zone]
}

// topics are the defaults of topics, as in Kafka's "production server config"
// (docs/operations/kafka-configuration.md), within what the brokers can hold.
//
// min.insync.replicas must be in the controllers' file too: with eligible
// leader replicas, on for clusters born with 4.1 or later, the cluster's value
// is made from the active controller's file (eligible-leader-replicas.md).
func topics(s config.Stack) section {
	lines := []property{
		{"auto.create.topics.enable", "false"},
		{"num.partitions", "8"},
		{"log.retention.hours", "168"},
		{"log.segment.bytes", "1073741824"},
	}
	defaults := s.Defaults()
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		lines = append(lines, property{name, defaults[name]})
	}
	return section{"Topics: replicas as the number of brokers allows.", lines}
}

// threads and buffers are those that large installations ship.
func threads() section {
	return section{"Threads and buffers.", []property{
		{"num.network.threads", "8"},
		{"num.io.threads", "16"},
		{"num.recovery.threads.per.data.dir", "2"},
		{"socket.receive.buffer.bytes", "102400"},
		{"socket.send.buffer.bytes", "102400"},
		{"socket.request.max.bytes", "104857600"},
	}}
}

// safety repeats Kafka's own defaults where losing data hangs on them, so that
// the file says so.
//
// A broker is let go, and let in again, in answer to a heartbeat. With Kafka's
// default of 2000 ms each restart idles for seconds, while one replica is missing; a
// heartbeat that changes nothing writes no metadata, so more of them cost little. And
// a follower that asks a new leader before that knows of its office pauses, by default
// for 1000 ms, and with it all that wants an acknowledgement of every replica.
//
// A follower asks for a partition that moved only when its last fetch from that leader
// was answered, after 500 ms by default where nothing is written meanwhile; and nothing
// is, by a producer whose connection waits for that partition's acknowledgement.
func safety() section {
	return section{"Safety before availability; leaders leave a node before it stops.", []property{
		{"unclean.leader.election.enable", "false"},
		{"controlled.shutdown.enable", "true"},
		{"auto.leader.rebalance.enable", "true"},
		{"broker.heartbeat.interval.ms", "500"},
		{"replica.fetch.backoff.ms", "100"},
		{"replica.fetch.wait.max.ms", "100"},
	}}
}
