// Package cloud is the lab's picture of what the AWS API has promised: the
// wanted state that the hypervisor makes true. It holds plain values only, read
// through the public AWS API, so that nothing outside lab/control knows which
// emulator answers.
package cloud

import "net/netip"

// Snapshot is everything the hypervisor needs, read in one go. Slices are
// sorted by ID (records by name and type), so that two equal clouds compare
// equal.
type Snapshot struct {
	VPCs           []VPC
	Subnets        []Subnet
	RouteTables    []RouteTable
	NATGateways    []NATGateway
	Instances      []Instance
	Images         []Image
	Volumes        []Volume
	SecurityGroups []SecurityGroup
	NetworkACLs    []NetworkACL
	S3Endpoints    []S3Endpoint
	Peerings       []Peering
	Balancers      []Balancer
	Endpoints      []InterfaceEndpoint
	Addresses      []Address
	Zones          []Zone
}

// VPC is a virtual network. CIDR is canonical (no host bits).
type VPC struct {
	ID                 string
	CIDR               netip.Prefix
	EnableDNSSupport   bool
	EnableDNSHostnames bool
}

// Subnet is a part of a VPC in one availability zone. RouteTable is the id of
// the table in force: the associated one, or the VPC's main table. ACL is the
// id of its network ACL: each subnet has one.
type Subnet struct {
	ID         string
	VPC        string
	CIDR       netip.Prefix
	Zone       string
	RouteTable string
	ACL        string
}

// RouteTable lists a table's routes besides the implied local one.
type RouteTable struct {
	ID     string
	VPC    string
	Routes []Route
}

// Route has exactly one target: an internet gateway id (igw-…), a NAT gateway
// id (nat-…), a peering connection's (pcx-…), or another kind of id that the hypervisor refuses by name. Routes
// to gateway endpoints are left out: see S3Endpoint.
type Route struct {
	Destination netip.Prefix
	Target      string
}

// NATGateway is a NAT gateway that is available. PublicIP is the Elastic IP
// that its traffic leaves with.
type NATGateway struct {
	ID       string
	Subnet   string
	PublicIP netip.Addr
}

// Instance is a virtual machine in state "running" or "stopped"; terminated
// ones are left out.
type Instance struct {
	ID             string
	State          string // "running" or "stopped"
	Name           string // the Name tag, may be empty
	Image          string // ami-…
	Type           string
	VPC            string
	Subnet         string
	Zone           string
	PrivateIP      netip.Addr
	SecurityGroups []string
	UserData       []byte   // decoded, as the instance would read it
	PublicKeys     []string // the key pair's public part, authorized_keys format
	Volumes        []Attachment
}

// Image is a machine image that the account made of one of its instances. The
// public ones are left out.
type Image struct {
	ID     string // ami-…
	Source string // the instance
}

// Attachment says that a data volume belongs to an instance. The root volume
// is not listed.
type Attachment struct {
	Volume string // vol-…
	Device string // the name in the API call, such as /dev/sdf
}

// Volume is an EBS volume.
type Volume struct {
	ID      string
	SizeGiB int
	Zone    string
}

// SecurityGroup is a stateful allow list.
type SecurityGroup struct {
	ID      string
	VPC     string
	Ingress []Rule
	Egress  []Rule
}

// Rule allows traffic. Protocol is "tcp", "udp", "icmp" or "-1" (everything);
// FromPort and ToPort hold for tcp and udp alone. The far side is CIDRs or the
// members of Groups.
type Rule struct {
	Protocol string
	FromPort int
	ToPort   int
	CIDRs    []netip.Prefix
	Groups   []string
}

// NetworkACL is a stateless list of rules for all packets that cross the border
// of a subnet. Entries are sorted by number: the first that matches decides, and
// the last one, which AWS writes itself, denies everything.
type NetworkACL struct {
	ID      string
	VPC     string
	Ingress []ACLEntry
	Egress  []ACLEntry
}

// ACLEntry is one rule of a network ACL. Protocol is "tcp", "udp", "icmp" or
// "-1" (everything); FromPort and ToPort are of the packet's destination and
// hold for tcp and udp alone.
type ACLEntry struct {
	Number   int
	Allow    bool
	Protocol string
	FromPort int
	ToPort   int
	CIDR     netip.Prefix
}

// S3Endpoint is a gateway endpoint for S3: subnets that use one of its route
// tables reach S3 without any other way out.
type S3Endpoint struct {
	ID          string
	VPC         string
	RouteTables []string
}

// InterfaceEndpoint is an AWS service within a VPC: an address in each of its
// subnets, on port 443. Names are the service's own names, where private DNS leads
// them there.
type InterfaceEndpoint struct {
	ID      string
	VPC     string
	Service string // such as ssmmessages
	Names   []string
	Groups  []string
	Nodes   []BalancerNode // sorted by address
}

// Peering is an active connection of two VPCs. What may pass is for the routes
// of each side to say.
type Peering struct {
	ID   string
	VPCs [2]string
}

// Other is the VPC at the far end, "" for one that is no end of it.
func (p Peering) Other(vpc string) string {
	switch vpc {
	case p.VPCs[0]:
		return p.VPCs[1]
	case p.VPCs[1]:
		return p.VPCs[0]
	}
	return ""
}

// Balancer is an internal network load balancer: a node in each of its subnets,
// which passes connections to a listener's port on to the targets.
type Balancer struct {
	ID        string // its ARN
	VPC       string
	DNSName   string
	Groups    []string
	Nodes     []BalancerNode // sorted by address
	Listeners []Listener     // sorted by port
}

// BalancerNode is one of a balancer's addresses.
type BalancerNode struct {
	Subnet string
	Addr   netip.Addr
}

// Listener passes a port on to a target group, all of whose instances get
// connections on the group's own port. Clients keep their addresses.
type Listener struct {
	Port        int
	TargetGroup string // its ARN
	TargetPort  int
	Targets     []string // instances, sorted
	// Interval between two probes of a target, in seconds, and how many probes
	// in a row make it healthy or unhealthy.
	Interval, Healthy, Unhealthy int
}

// Address is an Elastic IP. Instance is empty while it is not associated with
// one (a NAT gateway's address, for one).
type Address struct {
	AllocationID string
	PublicIP     netip.Addr
	Instance     string
}

// Zone is a private hosted zone and the VPCs that see it. Name has no final
// dot.
type Zone struct {
	ID      string
	Name    string
	VPCs    []string
	Records []Record
}

// Record is a DNS record set. Name is fully qualified without a final dot.
type Record struct {
	Name   string
	Type   string // "A" or "CNAME"; others are left out
	TTL    uint32
	Values []string
	Alias  string // of an A record that stands for an AWS resource: its DNS name
}
