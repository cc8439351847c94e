package config

import (
	"fmt"
	"regexp"
)

// FirstBrokerID is the id of the first broker. Controllers of their own hosts
// count from 1, so the two never meet, whatever the cluster grows to.
const FirstBrokerID = 1001

// Node is one Kafka process and the host it runs on. A node keeps its id, its
// name and its zone when its instance is replaced.
type Node struct {
	ID           int
	Name         string // "controller-1", "broker-1001": host name and first label of its DNS name
	Controller   bool   // is a voter of the quorum
	Broker       bool
	Zone         int // index into the stack's zones
	Rack         int // counts the nodes of the same role in the same zone, from 0
	InstanceType string
	Volume       Volume
}

// Roles are the node's roles as they are told outside: "controller", "broker".
func (n Node) Roles() []string {
	var roles []string
	if n.Controller {
		roles = append(roles, "controller")
	}
	if n.Broker {
		roles = append(roles, "broker")
	}
	return roles
}

// Nodes lists the cluster's nodes in the order in which they are rolled:
// controllers of their own first, then brokers by id. In combined mode the
// first Controllers.Count brokers are voters too.
func (s Stack) Nodes() []Node {
	var nodes []Node
	zones := s.Network.zoneCount()
	if s.Controllers.Mode == ModeDedicated {
		for i := range s.Controllers.Count {
			nodes = append(nodes, Node{
				ID: i + 1, Name: fmt.Sprintf("controller-%d", i+1), Controller: true, Zone: i % zones, Rack: i / zones,
				InstanceType: s.Controllers.InstanceType, Volume: s.Controllers.Volume,
			})
		}
	}
	for i := range s.Brokers.Count {
		nodes = append(nodes, Node{
			ID: FirstBrokerID + i, Name: fmt.Sprintf("broker-%d", FirstBrokerID+i), Broker: true, Zone: i % zones, Rack: i / zones,
			Controller:   s.Controllers.Mode == ModeCombined && i < s.Controllers.Count,
			InstanceType: s.Brokers.InstanceType, Volume: s.Brokers.Volume,
		})
	}
	return nodes
}

// Domain is the name of the stack's private hosted zone.
func (s Stack) Domain() string { return s.Name + ".kafka.internal" }

// Host is a node's fully qualified name, the only address that Kafka ever
// stores for it.
func (s Stack) Host(n Node) string { return n.Name + "." + s.Domain() }

// BootstrapName is the name that stands for all brokers, in the stack's zone.
func (s Stack) BootstrapName() string { return "bootstrap." + s.Domain() }

// The modes of the quorum.
const (
	ModeCombined  = "combined"  // brokers are the voters too
	ModeDedicated = "dedicated" // voters have hosts of their own
)

// zoneCount is how many zones the network spans, 1 at least.
func (n Network) zoneCount() int {
	if len(n.Zones) > 0 {
		return len(n.Zones)
	}
	return max(1, n.ZoneCount)
}

var armFamily = regexp.MustCompile(`^(a1|[a-z]+[0-9]+g[a-z]*)(-flex)?\.`)

// Architecture is the processor of an instance type, as AMIs name it: "arm64"
// for the families of AWS's own Graviton, which have a g behind the generation
// (m7g, t4g, c7gn, im4gn), and for a1; "amd64" for all others.
func Architecture(instanceType string) string {
	if armFamily.MatchString(instanceType) {
		return "arm64"
	}
	return "amd64"
}
