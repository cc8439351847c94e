package hypervisor

import (
	"fmt"
	"net/netip"
	"strings"

	"kraftstack/lab/cloud"
)

// subnetView is one subnet as its router sees it.
type subnetView struct {
	CIDR netip.Prefix
	ACL  string // id of its network ACL
	// NATACL is the ACL of the subnet of the NAT gateway that is this subnet's
	// way out; "" where there is none, or where it is this very subnet.
	NATACL string
}

// writeACLs writes the network ACLs, which look at every packet that crosses
// the border of a subnet, replies included: a chain for each ACL and direction,
// and one that sends packets through them before connections are looked at.
func writeACLs(b *strings.Builder, view routerView) error {
	for _, acl := range view.ACLs {
		if err := writeACLChain(b, "acl-out-"+acl.ID, "daddr", acl.Egress); err != nil {
			return fmt.Errorf("network ACL %s: %w", acl.ID, err)
		}
		if err := writeACLChain(b, "acl-in-"+acl.ID, "saddr", acl.Ingress); err != nil {
			return fmt.Errorf("network ACL %s: %w", acl.ID, err)
		}
	}
	writePeerRoutes(b, view)
	b.WriteString("\tchain acl {\n\t\ttype filter hook forward priority filter - 10; policy accept;\n")
	writePeers(b, view)
	for _, subnet := range view.Subnets {
		fmt.Fprintf(b, "\t\tip saddr %s ip daddr %s accept\n", subnet.CIDR, subnet.CIDR)
	}
	for _, subnet := range view.Subnets {
		writeCrossing(b, view.Uplink, subnet)
	}
	b.WriteString("\t}\n")
	return nil
}

// writeCrossing leads a subnet's packets through its ACL, and through that of
// its NAT gateway's subnet, which they enter and leave again on their way. A
// packet for S3 takes no such way.
func writeCrossing(b *strings.Builder, uplink string, subnet subnetView) {
	if subnet.ACL != "" {
		fmt.Fprintf(b, "\t\tip saddr %s jump acl-out-%s\n", subnet.CIDR, subnet.ACL)
	}
	if subnet.NATACL != "" {
		for _, direction := range []string{"in", "out"} {
			fmt.Fprintf(b, "\t\toifname %q ip saddr %s ip daddr != %s jump acl-%s-%s\n", uplink, subnet.CIDR, s3Addr, direction, subnet.NATACL)
			fmt.Fprintf(b, "\t\tiifname %q ip daddr %s ip saddr != %s jump acl-%s-%s\n", uplink, subnet.CIDR, s3Addr, direction, subnet.NATACL)
		}
	}
	if subnet.ACL != "" {
		fmt.Fprintf(b, "\t\tip daddr %s jump acl-in-%s\n", subnet.CIDR, subnet.ACL)
	}
}

// writeACLChain writes one direction of an ACL: the first rule that matches
// decides, by number. A packet that no rule matches is dropped, as AWS's own
// last rule says.
func writeACLChain(b *strings.Builder, name, farSide string, entries []cloud.ACLEntry) error {
	fmt.Fprintf(b, "\tchain %s {\n", name)
	for _, entry := range entries {
		match, err := protocolMatch(entry.Protocol, entry.FromPort, entry.ToPort)
		if err != nil {
			return fmt.Errorf("rule %d: %w", entry.Number, err)
		}
		if entry.CIDR.Bits() > 0 {
			match = fmt.Sprintf("ip %s %s %s", farSide, entry.CIDR, match)
		}
		verdict := "counter drop"
		if entry.Allow {
			verdict = "return"
		}
		fmt.Fprintf(b, "\t\t%s%s comment \"rule %d\"\n", match, verdict, entry.Number)
	}
	b.WriteString("\t\tcounter drop\n\t}\n")
	return nil
}

// protocolMatch is the nftables match for a protocol and its destination ports,
// with a space at its end; "" matches everything.
func protocolMatch(protocol string, from, to int) (string, error) {
	switch protocol {
	case "-1":
		return "", nil
	case "icmp":
		return "ip protocol icmp ", nil
	case "tcp", "udp":
		if from < 0 || to > 65535 || from > to {
			return "", fmt.Errorf("%s ports %d to %d: not a range of ports", protocol, from, to)
		}
		if from == to {
			return fmt.Sprintf("%s dport %d ", protocol, from), nil
		}
		return fmt.Sprintf("%s dport %d-%d ", protocol, from, to), nil
	default:
		return "", fmt.Errorf("protocol %q is none that the lab knows: tcp, udp, icmp or -1", protocol)
	}
}
