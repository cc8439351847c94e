package hypervisor

import (
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"kraftstack/lab/cloud"
	"kraftstack/tests/golden"
)

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func allow(number int, protocol string, from, to int, cidr string) cloud.ACLEntry {
	return cloud.ACLEntry{Number: number, Allow: true, Protocol: protocol, FromPort: from, ToPort: to, CIDR: prefixes(cidr)[0]}
}

func deny() cloud.ACLEntry {
	return cloud.ACLEntry{Number: 32767, Protocol: "-1", CIDR: prefixes("0.0.0.0/0")[0]}
}

func TestRuleset(t *testing.T) {
	bastion := cloud.SecurityGroup{
		ID: "sg-bastion", VPC: "vpc-1",
		Ingress: []cloud.Rule{{Protocol: "tcp", FromPort: 22, ToPort: 22, CIDRs: prefixes("203.0.113.0/24", "2001:db8::/32")}},
		Egress:  []cloud.Rule{{Protocol: "-1", CIDRs: prefixes("0.0.0.0/0")}},
	}
	node := cloud.SecurityGroup{
		ID: "sg-node", VPC: "vpc-1",
		Ingress: []cloud.Rule{
			{Protocol: "tcp", FromPort: 9092, ToPort: 9093, Groups: []string{"sg-node"}},
			{Protocol: "tcp", FromPort: 22, ToPort: 22, Groups: []string{"sg-bastion"}},
			{Protocol: "tcp", FromPort: 9092, ToPort: 9092, Groups: []string{"sg-unused"}},
			{Protocol: "udp", FromPort: 53, ToPort: 53, CIDRs: prefixes("10.7.0.0/16")},
			{Protocol: "icmp", CIDRs: prefixes("10.7.0.0/16")},
		},
		Egress: []cloud.Rule{{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDRs: prefixes("0.0.0.0/0")}, {Protocol: "-1", Groups: []string{"sg-node"}}},
	}
	for name, view := range map[string]routerView{
		"empty": {Uplink: "uplink"},
		"full": {
			Uplink: "uplink", CIDR: prefixes("10.7.0.0/16")[0], Resolvers: []netip.Addr{addr("10.7.0.2"), linkLocalDNS},
			Peers: []peerView{{Link: "p0", CIDR: prefixes("10.9.0.0/16")[0], Routes: []peerRoute{{prefixes("10.7.2.0/24")[0], prefixes("10.9.0.0/16")[0]}}}},
			Balancers: []balancerView{{Name: "balancer0", Mark: 1, Groups: []string{"sg-unused"},
				Nodes:     []balancerNode{{addr("10.7.2.9"), prefixes("10.7.2.0/24")[0], "acl-private"}},
				Listeners: []listenerView{{9092, []netip.Addr{addr("10.7.2.20"), addr("10.7.2.21")}}, {9094, nil}}}},
			PeerHosts: []hostView{{Addr: addr("10.9.0.5"), Groups: []string{"sg-unused"}}},
			Groups:    []cloud.SecurityGroup{bastion, node, {ID: "sg-unused", VPC: "vpc-1"}}, Transit: addr("169.254.0.2"),
			Subnets: []subnetView{
				{CIDR: prefixes("10.7.1.0/24")[0], ACL: "acl-public"},
				{CIDR: prefixes("10.7.2.0/24")[0], ACL: "acl-private", NATACL: "acl-public"},
			},
			ACLs: []cloud.NetworkACL{
				{ID: "acl-private", VPC: "vpc-1", Ingress: []cloud.ACLEntry{allow(100, "tcp", 32768, 60999, "0.0.0.0/0"), deny()}, Egress: []cloud.ACLEntry{deny()}},
				{ID: "acl-public", VPC: "vpc-1", Ingress: []cloud.ACLEntry{deny()}, Egress: []cloud.ACLEntry{
					allow(90, "icmp", 0, 0, "10.7.0.0/16"), {Number: 95, Protocol: "udp", FromPort: 53, ToPort: 53, CIDR: prefixes("192.0.2.0/24")[0]},
					allow(100, "-1", 0, 0, "0.0.0.0/0"), deny()}},
			},
			Hosts: []hostView{
				{Instance: "i-a", Addr: addr("10.7.1.10"), Link: "h0", Groups: []string{"sg-bastion"}, Out: addr("198.18.0.1"), In: addr("198.18.0.1")},
				{Instance: "i-b", Addr: addr("10.7.2.20"), Link: "h1", Groups: []string{"sg-node"}, Out: addr("198.18.0.2"), S3: true},
				{Instance: "i-c", Addr: addr("10.7.2.21"), Link: "h2", Groups: []string{"sg-bastion", "sg-node"}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ruleset(view)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "ruleset-"+name+".nft", got)
			if os.Geteuid() != 0 {
				return // only root may ask nft
			}
			check := exec.Command("unshare", "--net", "nft", "--check", "-f", "-")
			check.Stdin = strings.NewReader(got)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("nft refuses it: %v: %s", err, out)
			}
		})
	}
}

func TestRulesetRefusesWhatItDoesNotKnow(t *testing.T) {
	for want, rule := range map[string]cloud.Rule{
		`security group sg-1: protocol "gre"`:       {Protocol: "gre", CIDRs: prefixes("0.0.0.0/0")},
		"security group sg-1: tcp ports -1 to -1":   {Protocol: "tcp", FromPort: -1, ToPort: -1, CIDRs: prefixes("0.0.0.0/0")},
		"security group sg-1: udp ports 9 to 8":     {Protocol: "udp", FromPort: 9, ToPort: 8, CIDRs: prefixes("0.0.0.0/0")},
		"security group sg-1: refers to sg-missing": {Protocol: "tcp", FromPort: 22, ToPort: 22, Groups: []string{"sg-missing"}},
	} {
		_, err := ruleset(routerView{
			Uplink: "uplink", Groups: []cloud.SecurityGroup{{ID: "sg-1", Ingress: []cloud.Rule{rule}}},
			Hosts: []hostView{{Instance: "i-a", Addr: addr("10.0.0.9"), Link: "h0", Groups: []string{"sg-1"}}},
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
