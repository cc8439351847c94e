package engine_test

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"kraftstack/internal/automation"
)

// inventory is what the cloud holds, by kind, sorted. What AWS shows for a
// while after its end (instances, NAT gateways) is left out.
func (w *world) inventory(t *testing.T) map[string][]string {
	t.Helper()
	ctx, all := t.Context(), map[string][]string{}
	note := func(kind string, id *string) { all[kind] = append(all[kind], aws.ToString(id)) }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	vpcs, err := w.ec2.DescribeVpcs(ctx, nil)
	check(err)
	for _, v := range vpcs.Vpcs {
		note("vpc", v.VpcId)
	}
	subnets, err := w.ec2.DescribeSubnets(ctx, nil)
	check(err)
	for _, v := range subnets.Subnets {
		note("subnet", v.SubnetId)
	}
	gateways, err := w.ec2.DescribeInternetGateways(ctx, nil)
	check(err)
	for _, v := range gateways.InternetGateways {
		note("internet gateway", v.InternetGatewayId)
	}
	nats, err := w.ec2.DescribeNatGateways(ctx, nil)
	check(err)
	for _, v := range nats.NatGateways {
		if v.State != types.NatGatewayStateDeleted {
			note("nat gateway", v.NatGatewayId)
		}
	}
	tables, err := w.ec2.DescribeRouteTables(ctx, nil)
	check(err)
	for _, v := range tables.RouteTables {
		note("route table", v.RouteTableId)
	}
	groups, err := w.ec2.DescribeSecurityGroups(ctx, nil)
	check(err)
	for _, v := range groups.SecurityGroups {
		note("security group", v.GroupId)
	}
	rules, err := w.ec2.DescribeSecurityGroupRules(ctx, nil)
	check(err)
	for _, v := range rules.SecurityGroupRules {
		note("rule", v.SecurityGroupRuleId)
	}
	w.machinery(t, note)
	for _, ids := range all {
		slices.Sort(ids)
	}
	return all
}

// machinery notes what runs in the network, and its names.
func (w *world) machinery(t *testing.T, note func(string, *string)) {
	t.Helper()
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	instances, err := w.ec2.DescribeInstances(ctx, nil)
	check(err)
	for _, r := range instances.Reservations {
		for _, v := range r.Instances {
			if v.State.Name != types.InstanceStateNameTerminated {
				note("instance", v.InstanceId)
			}
		}
	}
	volumes, err := w.ec2.DescribeVolumes(ctx, nil)
	check(err)
	for _, v := range volumes.Volumes {
		note("volume", v.VolumeId)
	}
	interfaces, err := w.ec2.DescribeNetworkInterfaces(ctx, nil)
	check(err)
	for _, v := range interfaces.NetworkInterfaces {
		note("network interface", v.NetworkInterfaceId)
	}
	addresses, err := w.ec2.DescribeAddresses(ctx, nil)
	check(err)
	for _, v := range addresses.Addresses {
		note("address", v.AllocationId)
	}
	keys, err := w.ec2.DescribeKeyPairs(ctx, nil)
	check(err)
	for _, v := range keys.KeyPairs {
		note("key pair", v.KeyPairId)
	}
	zones, err := route53.NewFromConfig(w.aws).ListHostedZones(ctx, nil)
	check(err)
	for _, v := range zones.HostedZones {
		note("zone", v.Id)
	}
}

// noKeyInClear looks for the private keys that the stack made in all that its
// state backend keeps and in all that the engine told so far.
func noKeyInClear(t *testing.T, s *stack) {
	secrets := s.secrets(t)
	if len(secrets) < 10 {
		t.Fatalf("%d lines of private keys were found, and there are five keys", len(secrets))
	}
	look := func(where, text string) {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s has a line of a private key in clear", where)
				return
			}
		}
	}
	password := s.password(t)
	secrets = append(secrets, password)
	look("the engine's event stream", s.stream.String())
	files := 0
	err := filepath.WalkDir(s.state, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), `"ciphertext"`) {
			files++
		}
		look(path, string(text))
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files of the state hold encrypted values; %v", files, err)
	}
	for _, c := range s.hosts.calls {
		// The bastion's tools are the one place for the administrator's password.
		if c.Host == "bastion" && c.Verb == "client" {
			c.Stdin = strings.ReplaceAll(c.Stdin, password, "")
		}
		look("standard input of "+c.Host+" "+c.Verb, c.Stdin)
	}
}

func (s *stack) password(t *testing.T) string {
	t.Helper()
	outputs, err := automation.Outputs(t.Context(), s.dir, s.name)
	if err != nil || outputs.Access.Login == "" {
		t.Fatalf("the stack has no administrator: %v", err)
	}
	return outputs.Access.Login.Reveal()
}

// secrets are the lines of private keys that hold key material: those of every
// host, from its user data, and that of the stack's login. User data counts in
// the form in which it is sent, too.
func (s *stack) secrets(t *testing.T) []string {
	t.Helper()
	outputs, err := automation.Outputs(t.Context(), s.dir, s.name)
	if err != nil {
		t.Fatal(err)
	}
	lines := keyLines(string(outputs.PrivateKey))
	found, err := s.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range found.Reservations {
		id := aws.ToString(r.Instances[0].InstanceId)
		text, err := userData(t.Context(), s.ec2, id)
		if err != nil {
			t.Fatal(err)
		}
		key, err := hostKey(t.Context(), s.ec2, id)
		if err != nil {
			t.Fatal(err)
		}
		sent := base64.StdEncoding.EncodeToString([]byte(text))
		lines = append(append(lines, keyLines(key)...), sent[:len(sent)-4])
	}
	return lines
}

// keyLines drops the frame and the first two lines of an OpenSSH key: they are
// the same in every key, or hold its public half.
func keyLines(pem string) []string {
	lines := strings.Split(strings.TrimSpace(pem), "\n")
	if len(lines) < 5 {
		return nil
	}
	return lines[3 : len(lines)-1]
}
