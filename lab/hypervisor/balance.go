package hypervisor

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"kraftstack/lab/cloud"
)

// balancerView is one network load balancer as the router of its VPC sees it.
//
// Its addresses are the router's own. A connection to one of them is checked
// against the balancer's security groups and its subnet's ACL, and then led on
// to a healthy target, from which it comes with the client's own address. The
// target's groups see the client, and the balancer's group where a rule names it.
type balancerView struct {
	Name      string // in the names of chains
	Mark      int    // of the connections that it has let in
	Nodes     []balancerNode
	Groups    []string
	Listeners []listenerView
	// Served is the port that the router itself answers: that of an interface
	// endpoint, which is like a balancer in all else. 0: none.
	Served int
}

type balancerNode struct {
	Addr   netip.Addr
	Subnet netip.Prefix
	ACL    string
}

type listenerView struct {
	Port    int
	Targets []netip.Addr // those that get connections, sorted
}

// balancers lists a VPC's load balancers. healthy says what probes have seen of
// a target: where none is healthy all get connections, as AWS does it.
func (t *topology) balancers(vpc cloud.VPC, healthy func(group, instance string) bool) []balancerView {
	var views []balancerView
	for i, balancer := range t.snapshot.Balancers {
		if balancer.VPC != vpc.ID {
			continue
		}
		view := balancerView{Name: fmt.Sprintf("balancer%d", i), Mark: i + 1, Groups: balancer.Groups}
		for _, node := range balancer.Nodes {
			subnet := t.subnets[node.Subnet]
			view.Nodes = append(view.Nodes, balancerNode{Addr: node.Addr, Subnet: subnet.CIDR, ACL: subnet.ACL})
		}
		for _, listener := range balancer.Listeners {
			view.Listeners = append(view.Listeners, listenerView{Port: listener.Port, Targets: t.targets(listener, healthy)})
		}
		views = append(views, view)
	}
	return append(views, t.endpoints(vpc)...)
}

func (t *topology) targets(listener cloud.Listener, healthy func(group, instance string) bool) []netip.Addr {
	var all, well []netip.Addr
	for _, instance := range t.snapshot.Instances {
		if !slices.Contains(listener.Targets, instance.ID) {
			continue
		}
		all = append(all, instance.PrivateIP)
		if healthy(listener.TargetGroup, instance.ID) {
			well = append(well, instance.PrivateIP)
		}
	}
	if len(well) == 0 {
		well = all
	}
	slices.SortFunc(well, netip.Addr.Compare)
	return well
}

// checkBalancers lists what the lab's load balancers cannot do.
func (t *topology) checkBalancers() []error {
	var errs []error
	for _, balancer := range t.snapshot.Balancers {
		for _, listener := range balancer.Listeners {
			if listener.Port != listener.TargetPort {
				errs = append(errs, fmt.Errorf("%s: listener %d passes on to port %d: the lab keeps the port", balancer.ID, listener.Port, listener.TargetPort))
			}
		}
	}
	return errs
}

// marks are the marks of the balancers that wear a group.
func (v routerView) marks(group string) []string {
	var marks []string
	for _, balancer := range v.Balancers {
		if slices.Contains(balancer.Groups, group) {
			marks = append(marks, strconv.Itoa(balancer.Mark))
		}
	}
	return marks
}

// asHosts are the balancers' addresses as members of their groups.
func (v routerView) balancerHosts() []hostView {
	var hosts []hostView
	for _, balancer := range v.Balancers {
		for _, node := range balancer.Nodes {
			hosts = append(hosts, hostView{Addr: node.Addr, Groups: balancer.Groups})
		}
	}
	return hosts
}

// writeBalancers checks what goes to a balancer before it is led on, and what
// the balancer itself sends, which is its probes.
func writeBalancers(b *strings.Builder, view routerView) {
	if len(view.Balancers) == 0 {
		return
	}
	b.WriteString("\tchain balance {\n\t\ttype filter hook prerouting priority dstnat - 10; policy accept;\n")
	fmt.Fprintf(b, "\t\tip daddr != { %s } accept\n", addresses(view.balancerHosts()))
	for _, balancer := range view.Balancers {
		for _, node := range balancer.Nodes {
			writeNodeACLs(b, view, node)
		}
	}
	b.WriteString("\t\tct state established,related accept\n")
	if len(view.Hosts) > 0 {
		fmt.Fprintf(b, "\t\tiifname != %s ip saddr vmap { %s }\n", view.edges(), view.jumps("out"))
	}
	for _, balancer := range view.Balancers {
		fmt.Fprintf(b, "\t\tip daddr { %s } jump in-%s\n", balancer.addresses(), balancer.Name)
		fmt.Fprintf(b, "\t\tip daddr { %s } ct mark set %d\n", balancer.addresses(), balancer.Mark)
	}
	b.WriteString("\t}\n\tchain probe {\n\t\ttype filter hook output priority filter; policy accept;\n")
	fmt.Fprintf(b, "\t\tip saddr != { %s } accept\n\t\tct state established,related accept\n", addresses(view.balancerHosts()))
	for _, balancer := range view.Balancers {
		fmt.Fprintf(b, "\t\tip saddr { %s } jump out-%s\n", balancer.addresses(), balancer.Name)
	}
	if len(view.Hosts) > 0 {
		fmt.Fprintf(b, "\t\tip daddr vmap { %s }\n", view.jumps("in"))
	}
	b.WriteString("\t}\n")
}

// writeNodeACLs leads packets to a balancer's node through the ACL of the
// subnet that they leave, where it is one of this VPC, and that of the node's.
func writeNodeACLs(b *strings.Builder, view routerView, node balancerNode) {
	for _, subnet := range view.Subnets {
		if subnet.CIDR != node.Subnet && subnet.ACL != "" {
			fmt.Fprintf(b, "\t\tip saddr %s ip daddr %s jump acl-out-%s\n", subnet.CIDR, node.Addr, subnet.ACL)
		}
	}
	if node.ACL != "" {
		fmt.Fprintf(b, "\t\tip saddr != %s ip daddr %s jump acl-in-%s\n", node.Subnet, node.Addr, node.ACL)
	}
}

// balanceLines lead connections on, each to a target by chance.
func balanceLines(view routerView) []string {
	var lines []string
	for _, balancer := range view.Balancers {
		for _, listener := range balancer.Listeners {
			var choices []string
			for i, target := range listener.Targets {
				choices = append(choices, fmt.Sprintf("%d : %s", i, target))
			}
			if len(choices) > 0 {
				lines = append(lines, fmt.Sprintf("ip daddr { %s } tcp dport %d dnat ip to numgen random mod %d map { %s }",
					balancer.addresses(), listener.Port, len(choices), strings.Join(choices, ", ")))
			}
		}
	}
	return lines
}

func (v balancerView) addresses() string {
	var list []string
	for _, node := range v.Nodes {
		list = append(list, node.Addr.String())
	}
	return strings.Join(list, ", ")
}

// jumps is the verdict map of all hosts' chains of a direction.
func (v routerView) jumps(direction string) string {
	var list []string
	for _, host := range v.Hosts {
		list = append(list, fmt.Sprintf("%s : jump %s-%s", host.Addr, direction, host.Instance))
	}
	return strings.Join(list, ", ")
}
