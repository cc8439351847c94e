package hypervisor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"kraftstack/lab/cloud"
)

// routerView is what the packet filter of one VPC's router depends on.
type routerView struct {
	Uplink    string // the interface towards the internet
	CIDR      netip.Prefix
	Resolvers []netip.Addr
	Hosts     []hostView            // sorted by address
	PeerHosts []hostView            // of peered VPCs: members of groups that rules may name
	Groups    []cloud.SecurityGroup // of this VPC and of peered ones
	Peers     []peerView
	Balancers []balancerView
	Subnets   []subnetView
	ACLs      []cloud.NetworkACL
	// Transit is the router's own address towards the internet, which packets
	// through a gateway endpoint leave with.
	Transit netip.Addr
}

// hostView is one host as its router sees it.
type hostView struct {
	Instance string
	Addr     netip.Addr
	Link     string // the router's end of the host's link
	Groups   []string
	Out      netip.Addr // the public alias that its traffic leaves with; zero: no way out
	In       netip.Addr // the public alias that leads to it; zero: none
	S3       bool       // a gateway endpoint leads to S3
}

// ruleset generates the nftables text for one router. It replaces the whole
// table in one transaction, so there is no moment without rules. As with
// security groups on EC2, a packet that opens a connection needs the sender's
// egress and the receiver's ingress; replies need neither. Network ACLs look at
// replies too: see writeACLs. Whatever is not allowed is dropped without an
// answer.
func ruleset(view routerView) (string, error) {
	var b strings.Builder
	b.WriteString("table inet ks\ndelete table inet ks\ntable inet ks {\n")
	groups := make(map[string]cloud.SecurityGroup, len(view.Groups))
	for _, group := range view.Groups {
		groups[group.ID] = group
		writeMembers(&b, group.ID, slices.Concat(view.Hosts, view.PeerHosts, view.balancerHosts()))
	}
	guarded := slices.Clone(view.Hosts)
	for _, balancer := range view.Balancers {
		guarded = append(guarded, hostView{Instance: balancer.Name, Groups: balancer.Groups})
	}
	for _, host := range guarded {
		for _, direction := range []string{"out", "in"} {
			if err := writeHostChain(&b, direction, host, groups, view); err != nil {
				return "", err
			}
		}
	}
	if err := writeACLs(&b, view); err != nil {
		return "", err
	}
	writeBalancers(&b, view)
	writeForward(&b, view)
	writeInput(&b, view)
	writeNAT(&b, view)
	b.WriteString("}\n")
	return b.String(), nil
}

// writeMembers writes the set of a group's members, for rules that name it.
func writeMembers(b *strings.Builder, group string, hosts []hostView) {
	var members []string
	for _, host := range hosts {
		if slices.Contains(host.Groups, group) {
			members = append(members, host.Addr.String())
		}
	}
	fmt.Fprintf(b, "\tset %s {\n\t\ttype ipv4_addr\n", group)
	if len(members) > 0 {
		fmt.Fprintf(b, "\t\telements = { %s }\n", strings.Join(members, ", "))
	}
	b.WriteString("\t}\n")
}

// writeHostChain writes one direction of a host's security groups. A rule that
// allows the packet returns to the forward chain; the end of the chain drops.
func writeHostChain(b *strings.Builder, direction string, host hostView, groups map[string]cloud.SecurityGroup, view routerView) error {
	fmt.Fprintf(b, "\tchain %s-%s {\n", direction, host.Instance)
	for _, id := range host.Groups {
		group := groups[id]
		rules, farSide := group.Ingress, "saddr"
		if direction == "out" {
			rules, farSide = group.Egress, "daddr"
		}
		for _, rule := range rules {
			for _, far := range rule.Groups {
				if _, ok := groups[far]; !ok {
					return fmt.Errorf("security group %s: refers to %s, which this VPC does not have", id, far)
				}
			}
			lines, err := ruleLines(rule, farSide, view)
			if err != nil {
				return fmt.Errorf("security group %s: %w", id, err)
			}
			for _, line := range lines {
				fmt.Fprintf(b, "\t\t%s\n", line)
			}
		}
	}
	b.WriteString("\t\tcounter drop\n\t}\n")
	return nil
}

// ruleLines are the nftables rules for one security group rule: one for each
// CIDR and each group. A group that a load balancer wears lets in what comes
// through it, whose address is the client's. IPv6 ranges match nothing, because hosts have no IPv6.
func ruleLines(rule cloud.Rule, farSide string, view routerView) ([]string, error) {
	match, err := protocolMatch(rule.Protocol, rule.FromPort, rule.ToPort)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, cidr := range rule.CIDRs {
		switch {
		case !cidr.Addr().Is4():
		case cidr.Bits() == 0:
			lines = append(lines, match+"return")
		default:
			lines = append(lines, fmt.Sprintf("ip %s %s %sreturn", farSide, cidr.Masked(), match))
		}
	}
	for _, group := range rule.Groups {
		lines = append(lines, fmt.Sprintf("ip %s @%s %sreturn", farSide, group, match))
		if marks := view.marks(group); farSide == "saddr" && len(marks) > 0 {
			lines = append(lines, fmt.Sprintf("ct mark { %s } %sreturn", strings.Join(marks, ", "), match))
		}
	}
	return lines, nil
}

func writeForward(b *strings.Builder, view routerView) {
	var links, leaving, s3 []string
	for _, host := range view.Hosts {
		links = append(links, fmt.Sprintf("%q . %s", host.Link, host.Addr))
		if host.Out.IsValid() {
			leaving = append(leaving, host.Addr.String())
		}
		if host.S3 {
			s3 = append(s3, host.Addr.String())
		}
	}
	b.WriteString("\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n")
	b.WriteString("\t\tct state established,related accept\n\t\tct state invalid drop\n")
	if len(view.Hosts) > 0 {
		fmt.Fprintf(b, "\t\tiifname != %s iifname . ip saddr != { %s } counter drop\n", view.edges(), strings.Join(links, ", "))
		if len(view.Balancers) > 0 { // what a balancer leads on was checked on its way there
			fmt.Fprintf(b, "\t\tct mark != 0 ip daddr vmap { %s }\n\t\tct mark != 0 accept\n", view.jumps("in"))
		}
		fmt.Fprintf(b, "\t\tiifname != %s ip saddr vmap { %s }\n", view.edges(), view.jumps("out"))
		for _, peer := range view.Peers {
			fmt.Fprintf(b, "\t\toifname %q accept\n", peer.Link)
		}
		if len(s3) > 0 {
			fmt.Fprintf(b, "\t\toifname %q ip saddr { %s } ip daddr %s accept\n", view.Uplink, strings.Join(s3, ", "), s3Addr)
		}
		if len(leaving) > 0 {
			fmt.Fprintf(b, "\t\toifname %q ip saddr { %s } accept\n", view.Uplink, strings.Join(leaving, ", "))
		}
		fmt.Fprintf(b, "\t\toifname %q counter drop\n", view.Uplink)
		fmt.Fprintf(b, "\t\tip daddr != { %s } counter drop\n", addresses(view.Hosts))
		fmt.Fprintf(b, "\t\tip daddr vmap { %s }\n\t\taccept\n", view.jumps("in"))
	}
	b.WriteString("\t}\n")
}

// writeInput leaves the router itself answering nothing but DNS, which on AWS
// no security group can filter, and interface endpoints.
func writeInput(b *strings.Builder, view routerView) {
	b.WriteString("\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n")
	b.WriteString("\t\tiifname \"lo\" accept\n\t\tct state established,related accept\n")
	if len(view.Resolvers) > 0 {
		var addrs []string
		for _, addr := range view.Resolvers {
			addrs = append(addrs, addr.String())
		}
		fmt.Fprintf(b, "\t\tiifname != %s ip daddr { %s } meta l4proto { tcp, udp } th dport 53 accept\n",
			view.edges(), strings.Join(addrs, ", "))
	}
	for _, endpoint := range view.Balancers {
		if endpoint.Served > 0 { // its groups were asked before: see writeBalancers
			fmt.Fprintf(b, "\t\tct mark %d ip daddr { %s } tcp dport %d accept\n", endpoint.Mark, endpoint.addresses(), endpoint.Served)
		}
	}
	b.WriteString("\t}\n")
}

// writeNAT leads what goes to a load balancer to a target, and maps public
// aliases to private addresses, both ways, at the edge.
func writeNAT(b *strings.Builder, view routerView) {
	var in, out, s3 []string
	for _, host := range view.Hosts {
		if host.S3 {
			s3 = append(s3, host.Addr.String())
		}
		if host.In.IsValid() {
			in = append(in, fmt.Sprintf("%s : %s", host.In, host.Addr))
		}
		if host.Out.IsValid() {
			out = append(out, fmt.Sprintf("%s : %s", host.Addr, host.Out))
		}
	}
	lines := balanceLines(view)
	if len(in) > 0 {
		lines = append(lines, fmt.Sprintf("iifname %q dnat ip to ip daddr map { %s }", view.Uplink, strings.Join(in, ", ")))
	}
	if len(lines) > 0 {
		fmt.Fprintf(b, "\tchain prerouting {\n\t\ttype nat hook prerouting priority dstnat;\n\t\t%s\n\t}\n", strings.Join(lines, "\n\t\t"))
	}
	if len(out)+len(s3) == 0 {
		return
	}
	b.WriteString("\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat;\n")
	if len(s3) > 0 {
		fmt.Fprintf(b, "\t\toifname %q ip saddr { %s } ip daddr %s snat ip to %s\n", view.Uplink, strings.Join(s3, ", "), s3Addr, view.Transit)
	}
	if len(out) > 0 {
		fmt.Fprintf(b, "\t\toifname %q snat ip to ip saddr map { %s }\n", view.Uplink, strings.Join(out, ", "))
	}
	b.WriteString("\t}\n")
}

func addresses(hosts []hostView) string {
	var out []string
	for _, host := range hosts {
		out = append(out, host.Addr.String())
	}
	return strings.Join(out, ", ")
}
