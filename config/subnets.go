package config

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
)

// MaxZones is the most zones that a stack can span: no region has more.
const MaxZones = 6

// Subnet holds the two subnets of one zone.
type Subnet struct {
	Zone    string
	Public  netip.Prefix // the bastion and NAT gateways
	Private netip.Prefix // Kafka's hosts
}

const (
	// reservedAddresses of each subnet are AWS's own: the first four and the last.
	reservedAddresses = 5
	// smallestSubnet is the smallest that AWS makes.
	smallestSubnet = 28
	// roomy is the smallest VPC with room for the plan that fits all zones.
	roomy = 22
)

// Subnets is the subnet plan: a private and a public subnet for each zone, in
// the zones' order, as Node.Zone counts them.
//
// A VPC of /16 to /22 is cut into eighths, whatever the number of zones: the
// first six are the private subnets of up to six zones, and the last one is cut
// into eighths again for the public ones. So zones can be added at the end of
// the list and no subnet moves.
//
// A smaller VPC (/23 to /26) has no room for that: its first half is cut for
// the private subnets and its second half for the public ones, each into as
// many parts as there are zones, rounded up to a power of two. There, going from
// 2 zones to 3 or from 4 to 5 changes every subnet, which replaces every host.
//
// The error says what to write where a subnet would be smaller than /28.
func (n Network) Subnets(zones []string) ([]Subnet, error) {
	if len(zones) == 0 || len(zones) > MaxZones {
		return nil, fmt.Errorf("plan subnets of %s: %d zones given; use 1 to %d", n.CIDR, len(zones), MaxZones)
	}
	if !n.CIDR.IsValid() || !n.CIDR.Addr().Is4() {
		return nil, fmt.Errorf("plan subnets: %s is not an IPv4 network; set network.cidr", n.CIDR)
	}
	private, public := n.plan(len(zones))
	if private > smallestSubnet || public > smallestSubnet {
		return nil, fmt.Errorf("plan subnets: %s is too small for %d zones: its subnets would be smaller than /%d; use a wider network.cidr or fewer zones",
			n.CIDR, len(zones), smallestSubnet)
	}
	publicArea := part(n.CIDR, n.CIDR.Bits()+1, 1)
	if n.CIDR.Bits() <= roomy {
		publicArea = part(n.CIDR, n.CIDR.Bits()+3, 7)
	}
	var out []Subnet
	for i, zone := range zones {
		out = append(out, Subnet{Zone: zone, Public: part(publicArea, public, i), Private: part(n.CIDR, private, i)})
	}
	return out, nil
}

// plan is the prefix length of private and of public subnets.
func (n Network) plan(zones int) (private, public int) {
	if n.CIDR.Bits() <= roomy {
		return n.CIDR.Bits() + 3, n.CIDR.Bits() + 6
	}
	size := n.CIDR.Bits() + 1 + bits.Len(uint(zones-1))
	return size, size
}

// part is the i-th network of the given prefix length within p.
func part(p netip.Prefix, length, i int) netip.Prefix {
	base := p.Addr().As4()
	value := binary.BigEndian.Uint32(base[:]) + uint32(i)<<(32-length)
	binary.BigEndian.PutUint32(base[:], value)
	return netip.PrefixFrom(netip.AddrFrom4(base), length)
}

// usable is how many hosts a subnet of that prefix length takes.
func usable(length int) int { return 1<<(32-length) - reservedAddresses }
