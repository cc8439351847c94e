package config

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func plan(t *testing.T, cidr string, zones int) []string {
	t.Helper()
	subnets, err := Network{CIDR: netip.MustParsePrefix(cidr)}.Subnets([]string{"a", "b", "c", "d", "e", "f"}[:zones])
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range subnets {
		out = append(out, fmt.Sprintf("%s %s %s", s.Zone, s.Private, s.Public))
	}
	return out
}

func TestSubnets(t *testing.T) {
	cases := []struct {
		cidr  string
		zones int
		want  []string // zone, private, public
	}{
		{"10.0.0.0/16", 3, []string{
			"a 10.0.0.0/19 10.0.224.0/22", "b 10.0.32.0/19 10.0.228.0/22", "c 10.0.64.0/19 10.0.232.0/22",
		}},
		{"10.1.0.0/22", 1, []string{"a 10.1.0.0/25 10.1.3.128/28"}},
		{"10.1.0.0/23", 3, []string{
			"a 10.1.0.0/26 10.1.1.0/26", "b 10.1.0.64/26 10.1.1.64/26", "c 10.1.0.128/26 10.1.1.128/26",
		}},
		{"10.1.0.0/26", 2, []string{"a 10.1.0.0/28 10.1.0.32/28", "b 10.1.0.16/28 10.1.0.48/28"}},
		{"10.1.0.192/26", 1, []string{"a 10.1.0.192/27 10.1.0.224/27"}},
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s over %d", c.cidr, c.zones), func(t *testing.T) {
			if diff := cmp.Diff(c.want, plan(t, c.cidr, c.zones)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSubnetsAreSound(t *testing.T) {
	for length := 16; length <= 26; length++ {
		vpc := netip.PrefixFrom(netip.MustParseAddr("10.64.0.0"), length)
		for zones := 1; zones <= MaxZones; zones++ {
			subnets, err := Network{CIDR: vpc}.Subnets(make([]string, zones))
			if err != nil {
				continue
			}
			var all []netip.Prefix
			for _, s := range subnets {
				all = append(all, s.Private, s.Public)
				if s.Private.Bits() > s.Public.Bits() {
					t.Errorf("%s over %d: private %s is smaller than public %s", vpc, zones, s.Private, s.Public)
				}
			}
			for i, p := range all {
				if p != p.Masked() || p.Bits() > 28 || !vpc.Overlaps(p) || p.Bits() <= length {
					t.Errorf("%s over %d: %s is no subnet of it", vpc, zones, p)
				}
				if slices.ContainsFunc(all[i+1:], p.Overlaps) {
					t.Errorf("%s over %d: %s overlaps another", vpc, zones, p)
				}
			}
		}
	}
}

// A wide network keeps its subnets when zones are added at the end.
func TestSubnetsStay(t *testing.T) {
	for _, cidr := range []string{"10.0.0.0/16", "10.0.0.0/22"} {
		all := plan(t, cidr, MaxZones)
		for zones := 1; zones < MaxZones; zones++ {
			if diff := cmp.Diff(all[:zones], plan(t, cidr, zones)); diff != "" {
				t.Errorf("%s over %d (-six zones +got):\n%s", cidr, zones, diff)
			}
		}
	}
}

func TestSubnetsRefuse(t *testing.T) {
	for _, c := range []struct {
		cidr  string
		zones int
	}{{"10.0.0.0/26", 3}, {"10.0.0.0/25", 5}, {"10.0.0.0/16", 0}, {"10.0.0.0/16", 7}} {
		if got, err := (Network{CIDR: netip.MustParsePrefix(c.cidr)}).Subnets(make([]string, c.zones)); err == nil {
			t.Errorf("%s over %d: got %v, want an error", c.cidr, c.zones, got)
		}
	}
	if _, err := (Network{}).Subnets([]string{"a"}); err == nil {
		t.Error("no network at all: want an error")
	}
}

func TestZones(t *testing.T) {
	region := []string{"us-east-1c", "us-east-1a", "us-east-1b"}
	counted := Stack{Name: "lab", Region: "us-east-1", Network: Network{ZoneCount: 2}}
	if err := counted.CheckZones(region); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"us-east-1a", "us-east-1b"}, counted.WithZones(region).Network.Zones); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(counted.Network.Zones) != 0 || region[0] != "us-east-1c" {
		t.Error("WithZones changed what it was given")
	}
	named := Stack{Name: "lab", Region: "us-east-1", Network: Network{Zones: []string{"us-east-1c", "us-east-1f"}}}
	if diff := cmp.Diff(named.Network.Zones, named.WithZones(region).Network.Zones); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		stack Stack
		want  string
	}{
		{named, "the configuration of stack \"lab\" has 1 problem:\n  kraftstack:network.zones[1] = \"us-east-1f\": does not exist in us-east-1 for this account; write zones out of us-east-1a, us-east-1b, us-east-1c"},
		{Stack{Name: "lab", Region: "us-east-1", Network: Network{ZoneCount: 4}}, "the configuration of stack \"lab\" has 1 problem:\n  kraftstack:network.zones = 4: is more than the 3 zones that us-east-1 has for this account; write a number from 1 to 3"},
	} {
		if err := c.stack.CheckZones(region); err == nil || err.Error() != c.want {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
	}
}

func TestNodes(t *testing.T) {
	s := Stack{
		Name: "lab", Network: Network{ZoneCount: 2},
		Controllers: Controllers{Mode: ModeDedicated, Count: 3, InstanceType: "t3.medium"},
		Brokers:     Brokers{Count: 3, InstanceType: "m7i.large"},
	}
	var got []string
	for _, n := range s.Nodes() {
		got = append(got, fmt.Sprintf("%d %s %d %t %t", n.ID, s.Host(n), n.Zone, n.Controller, n.Broker))
	}
	want := []string{
		"1 controller-1.lab.kafka.internal 0 true false",
		"2 controller-2.lab.kafka.internal 1 true false",
		"3 controller-3.lab.kafka.internal 0 true false",
		"1001 broker-1001.lab.kafka.internal 0 false true",
		"1002 broker-1002.lab.kafka.internal 1 false true",
		"1003 broker-1003.lab.kafka.internal 0 false true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestArchitecture(t *testing.T) {
	for instance, want := range map[string]string{
		"m7i.large": "amd64", "t3.micro": "amd64", "g4dn.xlarge": "amd64", "g6e.xlarge": "amd64", "m7i-flex.large": "amd64", "r5d.24xlarge": "amd64",
		"m7g.large": "arm64", "t4g.small": "arm64", "c7gn.metal": "arm64", "im4gn.large": "arm64", "is4gen.medium": "arm64", "a1.large": "arm64", "g5g.xlarge": "arm64",
	} {
		if got := Architecture(instance); got != want {
			t.Errorf("%s: got %s, want %s", instance, got, want)
		}
		if wrong := instanceForm(instance); wrong != "" {
			t.Errorf("%s: %s", instance, wrong)
		}
	}
}
