package hypervisor

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kraftstack/lab/cloud"
)

// wayOut is a cloud with a public subnet, one behind a NAT gateway, and one
// without any way out.
func wayOut() cloud.Snapshot {
	anywhere := prefixes("0.0.0.0/0")[0]
	return cloud.Snapshot{
		VPCs: []cloud.VPC{{ID: "vpc-1", CIDR: prefixes("10.0.0.0/16")[0]}},
		Subnets: []cloud.Subnet{
			{ID: "public", VPC: "vpc-1", RouteTable: "rtb-public"},
			{ID: "private", VPC: "vpc-1", RouteTable: "rtb-private"},
			{ID: "isolated", VPC: "vpc-1", RouteTable: "rtb-none"},
		},
		RouteTables: []cloud.RouteTable{
			{ID: "rtb-public", Routes: []cloud.Route{{Destination: anywhere, Target: "igw-1"}}},
			{ID: "rtb-private", Routes: []cloud.Route{{Destination: anywhere, Target: "nat-1"}}},
			{ID: "rtb-none"},
		},
		NATGateways: []cloud.NATGateway{{ID: "nat-1", Subnet: "public", PublicIP: addr("127.0.0.9")}},
		Addresses: []cloud.Address{
			{PublicIP: addr("127.0.0.8"), Instance: "i-public"},
			{PublicIP: addr("127.0.0.9")},
			{PublicIP: addr("127.0.0.7"), Instance: "i-isolated"},
		},
		SecurityGroups: []cloud.SecurityGroup{{ID: "sg-1", VPC: "vpc-1", Ingress: []cloud.Rule{
			{Protocol: "tcp", FromPort: 22, ToPort: 22, CIDRs: prefixes("203.0.113.0/24")},
			{Protocol: "tcp", FromPort: 30, ToPort: 31, CIDRs: prefixes("203.0.113.0/24")},
			{Protocol: "tcp", FromPort: 1000, ToPort: 2000, CIDRs: prefixes("203.0.113.0/24")},
			{Protocol: "tcp", FromPort: 80, ToPort: 80, Groups: []string{"sg-1"}},
			{Protocol: "udp", FromPort: 53, ToPort: 53, CIDRs: prefixes("203.0.113.0/24")},
		}}},
	}
}

func TestPublicAddresses(t *testing.T) {
	topology := newTopology(wayOut())
	for _, test := range []struct {
		id, subnet string
		out, in    netip.Addr
	}{
		{"i-public", "public", addr("127.0.0.8"), addr("127.0.0.8")},
		{"i-bare", "public", netip.Addr{}, netip.Addr{}},
		{"i-private", "private", addr("127.0.0.9"), netip.Addr{}},
		{"i-isolated", "isolated", netip.Addr{}, netip.Addr{}},
	} {
		out, in := topology.publicAddrs(cloud.Instance{ID: test.id, Subnet: test.subnet})
		if out != test.out || in != test.in {
			t.Errorf("%s: out %v in %v, want %v and %v", test.id, out, in, test.out, test.in)
		}
	}
}

func TestForwardsOpenPublicPortsOnly(t *testing.T) {
	topology := newTopology(wayOut())
	instances := []cloud.Instance{
		{ID: "i-public", State: "running", Subnet: "public", SecurityGroups: []string{"sg-1"}},
		{ID: "i-private", State: "running", Subnet: "private", SecurityGroups: []string{"sg-1"}},
	}
	var got []string
	for _, f := range topology.forwards(instances, func(netip.Addr) netip.Addr { return addr("198.18.0.1") }) {
		got = append(got, fmt.Sprintf("%s>%s", f.Public, f.Target))
	}
	want := []string{"127.0.0.8:22>198.18.0.1:22", "127.0.0.8:30>198.18.0.1:30", "127.0.0.8:31>198.18.0.1:31"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("forwards (-want +got):\n%s", diff)
	}
}

func TestCheckNamesWhatTheLabCannotDo(t *testing.T) {
	snapshot := wayOut()
	snapshot.VPCs = append(snapshot.VPCs, cloud.VPC{ID: "vpc-2", CIDR: prefixes("198.18.4.0/24")[0]})
	snapshot.RouteTables[2].Routes = []cloud.Route{
		{Destination: prefixes("10.9.0.0/16")[0], Target: "tgw-1"},
		{Destination: prefixes("10.9.0.0/16")[0], Target: "pcx-1"},
		{Destination: prefixes("10.9.0.0/16")[0], Target: "igw-1"},
	}
	err := newTopology(snapshot).check()
	for _, want := range []string{"vpc-2: 198.18.4.0/24 overlaps", "rtb-none: route 10.9.0.0/16 to tgw-1", "rtb-none: route 10.9.0.0/16 to igw-1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if err := newTopology(wayOut()).check(); err != nil {
		t.Errorf("a plain cloud is refused: %v", err)
	}
}

func TestSuccessorGetsTheAddress(t *testing.T) {
	old := &hostRecord{Index: 0, Gone: true, Instance: cloud.Instance{ID: "i-old", VPC: "vpc-1", PrivateIP: addr("10.0.1.9")}}
	next := &hostRecord{Index: 1, Instance: cloud.Instance{ID: "i-new", VPC: "vpc-1", PrivateIP: addr("10.0.1.9")}}
	topology := newTopology(wayOut())
	for _, records := range [][]*hostRecord{{old, next}, {next, old}} {
		view := topology.view(topology.snapshot.VPCs[0], records, func(a netip.Addr) netip.Addr { return a })
		if len(view.Hosts) != 1 || view.Hosts[0].Instance != "i-new" {
			t.Errorf("hosts %+v, want i-new alone", view.Hosts)
		}
	}
}
