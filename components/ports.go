package components

import (
	"net/url"
	"slices"
	"strconv"

	"kraftstack/config"
	"kraftstack/render"
)

const (
	sshPort   = 22
	httpPort  = 80
	httpsPort = 443
)

// Ranges of the ports that connections are opened from, and answers go to.
// Hosts of ours use Linux's default (ip_local_port_range); NAT gateways, load
// balancers and other people's clients use anything above the well-known ports
// (Amazon VPC user guide, "Ephemeral ports").
var (
	hostEphemeral = portRange{32768, 60999}
	anyEphemeral  = portRange{1024, 65535}
)

// portRange is a range of TCP ports, both ends included.
type portRange struct{ from, to int }

func single(port int) portRange { return portRange{port, port} }

// clientPorts are where brokers serve clients.
func clientPorts(s config.Stack) []portRange { return ranges(render.ClientPorts(s)...) }

// nodePorts are what nodes need of each other.
func nodePorts() []portRange { return ranges(render.NodesPort, render.ControllerPort) }

// kafkaPorts are all ports of Kafka.
func kafkaPorts(s config.Stack) []portRange {
	return ranges(append(render.ClientPorts(s), render.NodesPort, render.ControllerPort)...)
}

// ranges joins ports that follow each other.
func ranges(ports ...int) []portRange {
	slices.Sort(ports)
	var joined []portRange
	for _, port := range ports {
		if last := len(joined) - 1; last >= 0 && joined[last].to == port-1 {
			joined[last].to = port
		} else {
			joined = append(joined, single(port))
		}
	}
	return joined
}

// downloadPorts are where hosts fetch packages and the Kafka archive.
func downloadPorts(stack config.Stack) []portRange {
	ports := []int{httpPort, httpsPort}
	// The address was checked with the stack file; without a port it is one of
	// the two above.
	if u, err := url.Parse(stack.Kafka.ArchiveURL); err == nil {
		if port, err := strconv.Atoi(u.Port()); err == nil && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	return ranges(ports...)
}

// String names the range in the names of resources.
func (r portRange) String() string {
	if r.from == r.to {
		return strconv.Itoa(r.from)
	}
	return strconv.Itoa(r.from) + "-" + strconv.Itoa(r.to)
}
