// Package render makes the files of a host out of a stack's configuration:
// pure functions from values to text. Every function wants a stack whose zones
// have names (config.Stack.WithZones).
package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sort"
	"strings"

	"kraftstack/config"
)

// Ports of the listeners.
const (
	NodesPort      = 9091 // brokers among themselves
	ClientsPort    = 9092
	ControllerPort = 9093
	ClientsTLSPort = 9094 // clients that have a certificate
)

// Bootstrap is the address that Kafka clients start from: every broker, joined
// by commas, on the port of passwords where clients may have one.
func Bootstrap(s config.Stack) string {
	return addresses(s, ClientPorts(s)[0], func(n config.Node) bool { return n.Broker })
}

// ClientPorts are the ports on which brokers serve clients.
func ClientPorts(s config.Stack) []int {
	var ports []int
	for _, l := range clientListeners(s) {
		ports = append(ports, l.port)
	}
	return ports
}

// voters is the address that nodes find the quorum by: every voter, and the first
// broker where the quorum comes from brokers. Names, never addresses: a replaced
// host keeps its name.
func voters(s config.Stack) string {
	return addresses(s, ControllerPort, func(n config.Node) bool {
		return n.Controller || s.Controllers.From == config.ModeCombined && n.ID == config.FirstBrokerID
	})
}

func addresses(s config.Stack, port int, wanted func(config.Node) bool) string {
	var out []string
	for _, n := range s.Nodes() {
		if wanted(n) {
			out = append(out, fmt.Sprintf("%s:%d", s.Host(n), port))
		}
	}
	return strings.Join(out, ",")
}

// InitialControllers is the value of kafka-storage's --initial-controllers: the
// voters with which the cluster is born, by id. It is the same on every voter.
// directoryIDs maps each voter's node id to its directory id; a voter without
// one is left out, which kafka-storage then refuses on that very node.
func InitialControllers(s config.Stack, directoryIDs map[int]string) string {
	nodes := s.Nodes()
	sort.Slice(nodes, func(i, j int) bool { return nodes[i].ID < nodes[j].ID })
	var out []string
	for _, n := range nodes {
		if id := directoryIDs[n.ID]; n.Controller && id != "" {
			out = append(out, fmt.Sprintf("%d@%s:%d:%s", n.ID, s.Host(n), ControllerPort, id))
		}
	}
	return strings.Join(out, ",")
}

// Generation names what a node's process has to be restarted for: 16
// hexadecimal digits over server.properties, the unit and the JVM's environment,
// Kafka's version with it. Comments and blank lines do not count, nor does what
// takes effect without a restart: properties that Kafka changes while it runs,
// and files that are read anew (log4j2.yaml, client.properties).
func Generation(s config.Stack, n config.Node) string {
	sum := sha256.New()
	for _, text := range []string{restarting(s, n), Unit(), JVMEnv(s)} {
		lines := effective(text)
		// The length keeps a line from moving between files unnoticed. A hash
		// never fails to be written to.
		_, _ = fmt.Fprintf(sum, "%d\n", len(lines))
		_, _ = io.WriteString(sum, lines)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// restarting are the lines of server.properties that need a restart.
func restarting(s config.Stack, n config.Node) string {
	var b strings.Builder
	for _, part := range sections(s, n) {
		for _, p := range part.properties {
			if p.name == bootstrapControllers {
				p.value = sought(p.value)
			}
			if !s.Kafka.IsLive(p.name) {
				b.WriteString(p.line())
			}
		}
	}
	return b.String()
}

// sought are the addresses of voters that a running node has to know. Whoever is told
// of three of five finds the quorum as long as there is one: each majority has one of
// them. So from three voters to five, and back, nobody has to restart.
func sought(voters string) string {
	all := strings.Split(voters, ",")
	if len(all) > 6 { // seven voters
		return voters
	}
	return strings.Join(all[:min(3, len(all))], ",")
}

// effective is a file's text without its comments and blank lines.
func effective(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if trimmed != "" && !strings.HasPrefix(trimmed, "#") {
			out.WriteString(trimmed + "\n")
		}
	}
	return out.String()
}
