package lab_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWithoutBastion: a stack that nobody outside can reach, and that has no way
// out but S3's endpoint: made, looked at and changed through Session Manager. Without
// what that takes it says that it cannot be reached.
func TestWithoutBastion(t *testing.T) {
	s := shared
	const stack = "inward"
	quiet := []string{
		"    natGateways: one\n", "    natGateways: none\n",
		"    adminCidrs: [203.0.113.0/24]\n    hostTimeoutSeconds: 10\n    bastion:\n      instanceType: t3.micro\n", "    hostTimeoutSeconds: 60\n    bastion: {count: 0}\n",
		"http://downloads.kraftstack.lab/kafka/", "http://kraftstack-mirror.s3.us-east-1.amazonaws.com/kafka/",
		"    heap: 384m\n", "    heap: 384m\n  kraftstack:users: [{name: shop, acls: [{operations: [read], resource: \"topic:orders\"}]}]\n",
	}
	s.soloFile(t, stack, quiet...)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	if open := s.aws(t, `mine={'Filters':[{'Name':'tag:kraftstack:stack','Values':['`+stack+`']}]}
print(ec2.describe_addresses(**mine)['Addresses'],ec2.describe_internet_gateways(**mine)['InternetGateways'],
[r for g in ec2.describe_security_groups(**mine)['SecurityGroups'] for p in g['IpPermissions'] for r in p['IpRanges']])`); open != "[] [] []" {
		t.Errorf("something can be reached from outside: %s", open)
	}
	s.view(t, stack)
	s.must(t, "smoke", "--stack", stack)
	if name := strings.TrimSpace(s.ssh(t, stack, "broker-1001", "hostname")); name != "broker-1001" {
		t.Errorf("the shell is on %q", name)
	}
	s.refused(t, 3, []string{`"bastion"`, "broker-1001"}, "ssh", "bastion", "--stack", stack)
	s.must(t, "audit", "--stack", stack)
	if users := s.must(t, "users", "--stack", stack); !strings.Contains(users, "shop") {
		t.Errorf("the cluster's users are %s", users)
	}
	nothing(t, "second up", s.up(t, stack))
	sshReadsTheInventory(t, s, stack)

	t.Run("what agents need", func(t *testing.T) { agentsNeed(t, s, stack) })

	// Removing a user is a step of its own, and runs after the program's last line.
	s.soloFile(t, stack, quiet[:len(quiet)-2]...)
	s.up(t, stack)
	if users := s.must(t, "users", "--stack", stack); strings.Contains(users, "shop") {
		t.Errorf("the cluster still has the user: %s", users)
	}
}

// agentsNeed takes away what lets the hosts' agents connect, one after another,
// and puts it back.
func agentsNeed(t *testing.T, s story, stack string) {
	iam := `iam=boto3.client('iam',endpoint_url=ec2.meta.endpoint_url,region_name='us-east-1',aws_access_key_id='x',aws_secret_access_key='x')
role='` + stack + `-kafka-host-us-east-1'
`
	group := `g=[g for g in ec2.describe_security_groups()['SecurityGroups'] if g['GroupName']=='` + stack + `-endpoint-group'][0]
`
	endpoint := `e=[e['VpcEndpointId'] for e in ec2.describe_vpc_endpoints()['VpcEndpoints'] if e['ServiceName'].endswith('.ssmmessages')]
`
	policy := filepath.Join(t.TempDir(), "policy")
	for _, c := range []struct{ name, remove, restore string }{
		{"the endpoint's group", group + "ec2.revoke_security_group_ingress(GroupId=g['GroupId'],IpPermissions=g['IpPermissions'])", ""},
		{"the role's policy",
			iam + "import json\nopen('" + policy + "','w').write(json.dumps(iam.get_role_policy(RoleName=role,PolicyName='session-manager')['PolicyDocument']))\niam.delete_role_policy(RoleName=role,PolicyName='session-manager')",
			iam + "iam.put_role_policy(RoleName=role,PolicyName='session-manager',PolicyDocument=open('" + policy + "').read())"},
		{"the endpoint", endpoint + "ec2.delete_vpc_endpoints(VpcEndpointIds=e)", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.aws(t, c.remove)
			s.outOfReach(t, stack)
			if c.restore != "" {
				s.aws(t, c.restore)
			} else {
				s.must(t, "refresh", "--stack", stack)
				s.up(t, stack)
			}
			s.within(t, stack)
		})
	}
}

// outOfReach waits until no host can be reached, and looks at what is said of it.
func (s story) outOfReach(t *testing.T, stack string) {
	t.Helper()
	eventually(t, "the hosts to be out of reach", 20*time.Second, func() (bool, string) {
		r := s.run(t, "status", "--stack", stack)
		if r.code != 0 && r.code != 5 && r.code != 6 { // healthy, out of reach, or some of it
			t.Errorf("exit code %d\n%s", r.code, r.stderr)
		}
		return r.code == 5, r.stderr
	})
	s.refused(t, 5, []string{"not connected to Session Manager", "next:", "kraftstack refresh --stack " + stack}, "status", "--stack", stack)
}

func (s story) within(t *testing.T, stack string) {
	t.Helper()
	eventually(t, "the hosts to be in reach", 20*time.Second, func() (bool, string) {
		r := s.run(t, "status", "--stack", stack)
		return r.code == 0, r.stderr
	})
}

// sshReadsTheInventory: OpenSSH takes what the inventory says of the hosts.
func sshReadsTheInventory(t *testing.T, s story, stack string) {
	keys := filepath.Join(t.TempDir(), "keys")
	s.must(t, "inventory", "--stack", stack, "--format", "ssh-config", "--keys", keys)
	out, err := exec.Command("ssh", "-F", filepath.Join(keys, "ssh_config"), "-G", "broker-1001").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "proxycommand aws ssm start-session --target") || !strings.Contains(string(out), "hostname i-") {
		t.Errorf("ssh reads %s, %v", out, err)
	}
}
