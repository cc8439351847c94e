package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

var (
	vpcID   = regexp.MustCompile(`^vpc-([0-9a-f]{8}|[0-9a-f]{17})$`)
	groupID = regexp.MustCompile(`^sg-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

func peerForm(s string) string {
	if s == PeerDefault || vpcID.MatchString(s) {
		return ""
	}
	if near := nearest(s, []string{PeerDefault}); near != "" {
		return "does not have the form of a VPC's id (did you mean " + near + "?)"
	}
	return "does not have the form of a VPC's id"
}

func setPeerCIDR(s *Stack, v any) []flaw {
	given, _ := v.(string)
	p, wrong := network(given)
	if wrong == "" && (p.Bits() < 16 || p.Bits() > smallestSubnet) {
		wrong = fmt.Sprintf("is out of range: no VPC is a /%d", p.Bits())
	}
	if wrong != "" {
		return flawed(wrong)
	}
	s.Network.PeerVPC.CIDR = p
	return nil
}

// mostClients leaves room for kraftstack's own rules in the private subnets'
// network ACL: each network takes a rule for each of the ports for clients.
const mostClients = 7

func setClients(s *Stack, v any) []flaw {
	given, _ := v.([]string)
	s.Access.ClientCIDRs, s.Access.ClientGroups = nil, nil
	if len(given) > mostClients {
		return flawed(fmt.Sprintf("has %d entries, and a network ACL has no rules for more than %d", len(given), mostClients))
	}
	var flaws []flaw
	wrong := func(i int, text, allowed string) {
		flaws = append(flaws, flaw{at: fmt.Sprintf("[%d]", i), value: given[i], wrong: text, allowed: allowed})
	}
	for i, item := range given {
		if strings.HasPrefix(item, "sg-") {
			switch {
			case !groupID.MatchString(item):
				wrong(i, "does not have the form of a security group's id", "an id such as sg-0123456789abcdef0")
			case slices.Contains(s.Access.ClientGroups, item):
				wrong(i, "is there twice", "it once")
			default:
				s.Access.ClientGroups = append(s.Access.ClientGroups, item)
			}
			continue
		}
		p, bad := network(item)
		overlapped := slices.IndexFunc(s.Access.ClientCIDRs, func(other netip.Prefix) bool { return bad == "" && p.Overlaps(other) })
		switch {
		case bad != "":
			wrong(i, bad, "an IPv4 network such as 10.9.0.0/16, or a security group")
		case p.Bits() == 0:
			wrong(i, "opens Kafka to everybody who finds a way in", "the clients' own networks")
		case overlapped >= 0:
			wrong(i, "overlaps "+s.Access.ClientCIDRs[overlapped].String(), "only the wider of the two")
		default:
			s.Access.ClientCIDRs = append(s.Access.ClientCIDRs, p)
		}
	}
	return flaws
}

// peering checks what the file says of the peer VPC.
func (r *reader) peering() {
	key, peer, own := Namespace+":network.peerVpc", r.stack.Network.PeerVPC, r.stack.Network.CIDR
	if r.has("network.peerVpc.cidr") && !r.has("network.peerVpc.id") {
		r.problem(key+".id", nil, "is missing", "default or a VPC's id; or remove peerVpc")
	}
	if !r.sound("network.cidr", "network.peerVpc.cidr") || !peer.CIDR.IsValid() {
		return
	}
	if peer.CIDR.Overlaps(own) {
		r.problem(key+".cidr", peer.CIDR.String(), "overlaps network.cidr "+own.String()+": AWS cannot route between the two", "another network.cidr")
	}
	for i, p := range r.stack.Access.ClientCIDRs {
		if p.Overlaps(peer.CIDR) && r.sound("access.clients") {
			r.problem(fmt.Sprintf("%s:access.clients[%d]", Namespace, i), p.String(), "overlaps network.peerVpc.cidr "+peer.CIDR.String()+", which is let in already", "nothing: remove it")
		}
	}
}

// CheckPeer compares what AWS says of the peer VPC with the stack: all of its
// networks, the first of which is where it is routed to. The error is an *Error,
// as from Load.
func (s Stack) CheckPeer(cidrs []netip.Prefix) error {
	key := Namespace + ":network.peerVpc"
	var problems []Problem
	for _, cidr := range cidrs {
		if cidr.Overlaps(s.Network.CIDR) {
			problems = append(problems, Problem{
				Key: key + ".id", Value: show(s.Network.PeerVPC.ID),
				Wrong:   fmt.Sprintf("has the addresses %s, which overlap network.cidr %s: AWS cannot route between the two", cidr, s.Network.CIDR),
				Allowed: "another network.cidr, or another VPC",
			})
		}
	}
	if given := s.Network.PeerVPC.CIDR; given.IsValid() && !slices.Contains(cidrs, given) {
		problems = append(problems, Problem{
			Key: key + ".cidr", Value: show(given.String()),
			Wrong: fmt.Sprintf("is no network of %s, which has %s", s.Network.PeerVPC.ID, joined(cidrs)), Allowed: "what it has, or remove the line",
		})
	}
	return newError(s.Name, problems)
}

// WithPeer is the stack with its peer VPC by id and addresses.
func (s Stack) WithPeer(id string, cidr netip.Prefix) Stack {
	s.Network.PeerVPC = PeerVPC{ID: id, CIDR: cidr}
	return s
}

func joined(cidrs []netip.Prefix) string {
	var texts []string
	for _, cidr := range cidrs {
		texts = append(texts, cidr.String())
	}
	return strings.Join(texts, ", ")
}
