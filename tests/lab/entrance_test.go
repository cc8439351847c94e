//go:build long

package lab_test

import (
	"strings"
	"testing"
)

// TestBastionGoesAndComesBack: a stack that runs changes its way in, from a bastion to
// Session Manager and back. No host is replaced and none
// restarts Kafka, and what is not the way in any more is gone.
func TestBastionGoesAndComesBack(t *testing.T) {
	s := shared
	const stack = "entrance"
	common := []string{"    heap: 384m\n", "    heap: 384m\n  kraftstack:users: [{name: shop, acls: [{operations: [read], resource: \"topic:orders\"}]}]\n"}
	bastion := append([]string{"    hostTimeoutSeconds: 10\n", "    hostTimeoutSeconds: 60\n"}, common...)
	sessions := append([]string{
		"    adminCidrs: [203.0.113.0/24]\n    hostTimeoutSeconds: 10\n    bastion:\n      instanceType: t3.micro\n",
		"    hostTimeoutSeconds: 60\n    bastion: {count: 0}\n",
	}, common...)
	s.soloFile(t, stack, bastion...)
	before := s.everything(t)
	s.up(t, stack)
	process := "cat /etc/machine-id; systemctl show --value -p InvocationID kafka"
	was := s.ssh(t, stack, "broker-1001", process)
	same := func(t *testing.T) {
		t.Helper()
		if now := s.ssh(t, stack, "broker-1001", process); now != was {
			t.Errorf("the broker was %q and is %q: its host or its Kafka is another one", was, now)
		}
		s.must(t, "smoke", "--stack", stack)
		s.must(t, "audit", "--stack", stack)
		if users := s.must(t, "users", "--stack", stack); !strings.Contains(users, "shop") {
			t.Errorf("the cluster's users are %s", users)
		}
		nothing(t, "the up after it", s.up(t, stack))
	}

	t.Run("the bastion goes", func(t *testing.T) {
		// The lab has no amazon-ssm-agent that would have to be started anew: see
		// lab/hypervisor/agents.go. A unit of its name shows that it is.
		agent := "systemctl show --value -p InvocationID amazon-ssm-agent"
		first := s.ssh(t, stack, "broker-1001", "printf '[Service]\\nExecStart=/bin/sleep infinity\\n' | sudo tee /etc/systemd/system/amazon-ssm-agent.service >/dev/null; "+
			"sudo systemctl daemon-reload; sudo systemctl start amazon-ssm-agent; "+agent)
		s.soloFile(t, stack, sessions...)
		if preview := s.must(t, "preview", "--stack", stack); !strings.Contains(preview, "bastion") {
			t.Errorf("the preview does not say that the bastion goes:\n%s", preview)
		}
		s.up(t, stack)
		if again := s.ssh(t, stack, "broker-1001", agent); again == first || strings.TrimSpace(again) == "" {
			t.Errorf("the agent was %q and is %q: it was not started anew", first, again)
		}
		s.view(t, stack)
		same(t)
		s.refused(t, 3, []string{`"bastion"`, "broker-1001"}, "ssh", "bastion", "--stack", stack)
		if open := s.wayIn(t, stack); open != "0 bastions, 0 addresses, 3 endpoints, open to []" {
			t.Errorf("the way in: %s", open)
		}
	})
	t.Run("the bastion comes back", func(t *testing.T) {
		s.soloFile(t, stack, bastion...)
		s.up(t, stack)
		s.view(t, stack)
		same(t)
		if name := strings.TrimSpace(s.ssh(t, stack, "bastion", "hostname")); name != "bastion" {
			t.Errorf("the shell is on %q", name)
		}
		if open := s.wayIn(t, stack); open != "1 bastions, 1 addresses, 0 endpoints, open to ['203.0.113.0/24']" {
			t.Errorf("the way in: %s", open)
		}
	})
	s.must(t, "destroy", "--stack", stack, "--yes")
	if after := s.everything(t); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("the cloud is not what it was before the stack:\n%s\nbut\n%s", before, after)
	}
}

// wayIn says how a stack's hosts can be reached from outside of its network.
func (s story) wayIn(t *testing.T, stack string) string {
	t.Helper()
	return s.aws(t, `mine={'Filters':[{'Name':'tag:kraftstack:stack','Values':['`+stack+`']}]}
hosts=[t['Value'] for r in ec2.describe_instances(**mine)['Reservations'] for i in r['Instances'] if i['State']['Name']=='running' for t in i['Tags'] if t['Key']=='Name']
addresses=[a for a in ec2.describe_addresses(**mine)['Addresses'] if '-bastion' in str(a['Tags'])]
ends=[e for e in ec2.describe_vpc_endpoints()['VpcEndpoints'] if e['VpcEndpointType']=='Interface' and e['VpcId']=='`+s.vpc(t, stack)+`']
print(f"{sum('bastion' in h for h in hosts)} bastions, {len(addresses)} addresses, {len(ends)} endpoints, open to",
  sorted({r['CidrIp'] for g in ec2.describe_security_groups(**mine)['SecurityGroups'] for p in g['IpPermissions'] for r in p['IpRanges']}))`)
}
