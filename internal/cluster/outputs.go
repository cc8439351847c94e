// Package cluster looks at a running cluster and talks to it: through an SSH
// tunnel over the bastion, or through AWS Session Manager where there is none, so
// that no port is opened for it.
package cluster

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Outputs is what the live view needs to know of a stack, from the stack's own
// outputs.
type Outputs struct {
	Stack            string
	Region           string
	Bastion          SSHHost // its User alone where there is no bastion
	Profile          string  // the AWS profile that sessions are started with; "" is the environment's
	PrivateKey       Secret  // OpenSSH PEM; opens the bastion and every node
	Nodes            []NodeOutput
	BootstrapServers []string // host:port
	ClusterID        string
	Access           Access
	Users            []UserOutput // in the stack file's order
}

// Access is how a client of the cluster is let in.
type Access struct {
	Clients string // what the stack file says in security.clients
	CA      string // what brokers are trusted by, as PEM
	User    string
	// Login is the user's password, or, where clients have certificates alone,
	// its certificate and private key as PEM.
	Login Secret
	// CertificatesEnd is when the brokers' certificates end, as RFC 3339 has it.
	CertificatesEnd string
	CertificatesDue string // from then on up renews them
}

// SSHHost is a host that SSH can reach directly.
type SSHHost struct {
	Address string // host or host:port; port 22 unless given
	User    string // the nodes' user as well: all hosts come from one image
	HostKey string // the one key that is trusted, as in authorized_keys: "ssh-ed25519 AAAA…"
}

// NodeOutput is one Kafka host.
type NodeOutput struct {
	ID        int
	Name      string // broker-1001
	Host      string // its DNS name in the private zone, resolved by the bastion
	PrivateIP string
	Zone      string // the availability zone, which is the broker's rack
	Instance  string
	HostKey   string
	Roles     []string // RoleController, RoleBroker or both
}

// The roles of a node.
const (
	RoleController = "controller"
	RoleBroker     = "broker"
)

// Is says whether the node has the role.
func (n NodeOutput) Is(role string) bool { return slices.Contains(n.Roles, role) }

// Node finds a node by its name, id, DNS name or instance id.
func (o Outputs) Node(wanted string) (NodeOutput, bool) {
	for _, n := range o.Nodes {
		if wanted == n.Name || wanted == strconv.Itoa(n.ID) || wanted == n.Host || wanted == n.Instance {
			return n, true
		}
	}
	return NodeOutput{}, false
}

// HasBastion says whether the way in is a bastion, and not Session Manager.
func (o Outputs) HasBastion() bool { return o.Bastion.Address != "" }

// names lists every host that SSH can be opened to.
func (o Outputs) names() []string {
	var names []string
	if o.HasBastion() {
		names = append(names, bastionName)
	}
	for _, n := range o.Nodes {
		names = append(names, n.Name)
	}
	return names
}

// Secret is a string that must not be printed: every way of formatting or
// encoding it yields a placeholder. Reveal is the one way to the value.
type Secret string

const redacted = "[secret]"

var (
	_ fmt.Formatter = Secret("")
	_ fmt.Stringer  = Secret("")
)

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }

// String returns a placeholder.
func (s Secret) String() string { return redacted }

// Format prints a placeholder for every verb, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText encodes a placeholder: what JSON, YAML and slog use.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// withPort adds the port to an address that has none.
func withPort(address, port string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), port)
}
