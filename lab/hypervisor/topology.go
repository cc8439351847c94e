package hypervisor

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"kraftstack/lab/cloud"
)

// topology answers questions about one snapshot. It is pure.
type topology struct {
	snapshot cloud.Snapshot
	vpcs     map[string]cloud.VPC
	subnets  map[string]cloud.Subnet
	tables   map[string]cloud.RouteTable
	nats     map[string]cloud.NATGateway
	groups   map[string]cloud.SecurityGroup
	public   map[string]netip.Addr // by instance: its Elastic IP
}

func newTopology(snapshot cloud.Snapshot) *topology {
	t := &topology{
		snapshot: snapshot,
		vpcs:     map[string]cloud.VPC{},
		subnets:  map[string]cloud.Subnet{},
		tables:   map[string]cloud.RouteTable{},
		nats:     map[string]cloud.NATGateway{},
		groups:   map[string]cloud.SecurityGroup{},
		public:   map[string]netip.Addr{},
	}
	for _, vpc := range snapshot.VPCs {
		t.vpcs[vpc.ID] = vpc
	}
	for _, subnet := range snapshot.Subnets {
		t.subnets[subnet.ID] = subnet
	}
	for _, table := range snapshot.RouteTables {
		t.tables[table.ID] = table
	}
	for _, nat := range snapshot.NATGateways {
		t.nats[nat.ID] = nat
	}
	for _, group := range snapshot.SecurityGroups {
		t.groups[group.ID] = group
	}
	for _, address := range snapshot.Addresses {
		if address.Instance != "" {
			t.public[address.Instance] = address.PublicIP
		}
	}
	return t
}

// check lists what the lab cannot make true, each by its id.
func (t *topology) check() error {
	var errs []error
	for _, vpc := range t.snapshot.VPCs {
		for _, reserved := range reservedLocal {
			if vpc.CIDR.Overlaps(reserved) {
				errs = append(errs, fmt.Errorf("%s: %s overlaps %s, which the lab uses itself; take another range", vpc.ID, vpc.CIDR, reserved))
			}
		}
	}
	for _, table := range t.snapshot.RouteTables {
		for _, route := range table.Routes {
			if err := checkRoute(route); err != nil {
				errs = append(errs, fmt.Errorf("%s: route %s to %s: %w", table.ID, route.Destination, route.Target, err))
			}
		}
	}
	return errors.Join(append(errs, t.checkBalancers()...)...)
}

func checkRoute(route cloud.Route) error {
	switch {
	case strings.HasPrefix(route.Target, "pcx-"):
	case !strings.HasPrefix(route.Target, "igw-") && !strings.HasPrefix(route.Target, "nat-"):
		return errors.New("the lab knows internet gateways, NAT gateways and peering connections only")
	case route.Destination.Bits() != 0 && route.Destination.Addr().Is4():
		return errors.New("the lab knows 0.0.0.0/0 for gateways only")
	}
	return nil
}

// defaultTarget is where a subnet's table sends what is not local, or "".
func (t *topology) defaultTarget(subnet string) string {
	for _, route := range t.tables[t.subnets[subnet].RouteTable].Routes {
		if route.Destination.Bits() == 0 && route.Destination.Addr().Is4() {
			return route.Target
		}
	}
	return ""
}

// publicAddrs returns the Elastic IP that an instance's traffic leaves with and
// the one that leads to it; zero where there is none. A public address works
// only in a subnet with a route to an internet gateway, as on AWS.
func (t *topology) publicAddrs(instance cloud.Instance) (out, in netip.Addr) {
	target := t.defaultTarget(instance.Subnet)
	if strings.HasPrefix(target, "igw-") {
		own := t.public[instance.ID]
		return own, own
	}
	nat, ok := t.nats[target]
	if ok && strings.HasPrefix(t.defaultTarget(nat.Subnet), "igw-") {
		return nat.PublicIP, netip.Addr{}
	}
	return netip.Addr{}, netip.Addr{}
}

// publicIPs lists every Elastic IP that needs an alias, sorted.
func (t *topology) publicIPs() []netip.Addr {
	var all []netip.Addr
	for _, address := range t.snapshot.Addresses {
		all = append(all, address.PublicIP)
	}
	for _, nat := range t.snapshot.NATGateways {
		if nat.PublicIP.IsValid() {
			all = append(all, nat.PublicIP)
		}
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// view is the router's picture of a VPC: hosts are the records of the machines
// that are, or were until just now, in it.
func (t *topology) view(vpc cloud.VPC, hosts []*hostRecord, alias func(netip.Addr) netip.Addr) routerView {
	view := routerView{Uplink: uplinkName, CIDR: vpc.CIDR, Subnets: t.subnetViews(vpc)}
	for _, acl := range t.snapshot.NetworkACLs {
		if acl.VPC == vpc.ID {
			view.ACLs = append(view.ACLs, acl)
		}
	}
	if vpc.EnableDNSSupport {
		view.Resolvers = []netip.Addr{resolverAddr(vpc.CIDR), linkLocalDNS}
	}
	near := t.joined(vpc.ID)
	for _, group := range t.snapshot.SecurityGroups {
		if near[group.VPC] {
			view.Groups = append(view.Groups, group)
		}
	}
	owner := map[netip.Addr]*hostRecord{}
	for _, record := range hosts {
		if record.Instance.VPC != vpc.ID {
			if near[record.Instance.VPC] {
				view.PeerHosts = append(view.PeerHosts, hostView{Addr: record.Instance.PrivateIP, Groups: record.Instance.SecurityGroups})
			}
			continue
		}
		// A successor may have the address while its predecessor shuts down.
		if last, ok := owner[record.Instance.PrivateIP]; !ok || last.Gone {
			owner[record.Instance.PrivateIP] = record
		}
	}
	for _, record := range hosts {
		if owner[record.Instance.PrivateIP] != record {
			continue
		}
		host := hostView{
			Instance: record.Instance.ID, Addr: record.Instance.PrivateIP,
			Link: linkName(record.Index), Groups: record.Instance.SecurityGroups,
			S3: t.reachesS3(record.Instance.Subnet),
		}
		if out, in := t.publicAddrs(record.Instance); out.IsValid() {
			host.Out = alias(out)
			if in.IsValid() {
				host.In = alias(in)
			}
		}
		view.Hosts = append(view.Hosts, host)
	}
	byAddr := func(a, b hostView) int { return a.Addr.Compare(b.Addr) }
	slices.SortFunc(view.Hosts, byAddr)
	slices.SortFunc(view.PeerHosts, byAddr)
	return view
}

// joined is a VPC and those that it is peered with: rules of its groups may
// name groups of theirs.
func (t *topology) joined(vpc string) map[string]bool {
	near := map[string]bool{vpc: true}
	for _, peering := range t.snapshot.Peerings {
		if far := peering.Other(vpc); far != "" {
			near[far] = true
		}
	}
	return near
}

// subnetViews lists a VPC's subnets, sorted by their addresses.
func (t *topology) subnetViews(vpc cloud.VPC) []subnetView {
	var views []subnetView
	for _, subnet := range t.snapshot.Subnets {
		if subnet.VPC != vpc.ID {
			continue
		}
		one := subnetView{CIDR: subnet.CIDR, ACL: subnet.ACL}
		if nat, ok := t.nats[t.defaultTarget(subnet.ID)]; ok && nat.Subnet != subnet.ID {
			one.NATACL = t.subnets[nat.Subnet].ACL
		}
		views = append(views, one)
	}
	slices.SortFunc(views, func(a, b subnetView) int { return a.CIDR.Compare(b.CIDR) })
	return views
}

// reachesS3 says whether a gateway endpoint for S3 serves the subnet.
func (t *topology) reachesS3(subnet string) bool {
	return slices.ContainsFunc(t.snapshot.S3Endpoints, func(e cloud.S3Endpoint) bool {
		return slices.Contains(e.RouteTables, t.subnets[subnet].RouteTable)
	})
}

// maxForwardedRange is the widest port range of a rule that gets forwarders:
// each port is a listening socket on the machine.
const maxForwardedRange = 32

// forward is one public port of an instance.
type forward struct {
	Public netip.AddrPort // on the machine's loopback
	Target netip.AddrPort // the alias, seen from the internet
}

// forwards lists the public TCP ports that security groups open to any CIDR.
// The groups themselves are enforced behind them, on the packets.
func (t *topology) forwards(instances []cloud.Instance, alias func(netip.Addr) netip.Addr) []forward {
	var list []forward
	for _, instance := range instances {
		_, public := t.publicAddrs(instance)
		if !public.IsValid() || instance.State != "running" {
			continue
		}
		for _, port := range t.openPorts(instance.SecurityGroups) {
			list = append(list, forward{
				Public: netip.AddrPortFrom(public, port),
				Target: netip.AddrPortFrom(alias(public), port),
			})
		}
	}
	slices.SortFunc(list, func(a, b forward) int { return a.Public.Compare(b.Public) })
	return list
}

func (t *topology) openPorts(groups []string) []uint16 {
	var ports []uint16
	for _, id := range groups {
		for _, rule := range t.groups[id].Ingress {
			narrow := rule.Protocol == "tcp" && rule.ToPort-rule.FromPort < maxForwardedRange
			if !narrow || len(rule.CIDRs) == 0 {
				continue
			}
			for port := rule.FromPort; port <= rule.ToPort; port++ {
				ports = append(ports, uint16(port))
			}
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}
