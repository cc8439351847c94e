//go:build long

package lab_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"
)

// TestSessionsFromAnotherZone: where the endpoints have no interface in a host's zone,
// its agent connects to those of another one, by the network ACL's rule for that and by
// no other.
func TestSessionsFromAnotherZone(t *testing.T) {
	s := shared
	const stack = "zonal"
	s.soloFile(t, stack,
		"zones: [us-east-1a]", "zones: [us-east-1a, us-east-1b]",
		"  kraftstack:brokers:\n    count: 1\n", "  kraftstack:brokers:\n    count: 2\n",
		"    adminCidrs: [203.0.113.0/24]\n    hostTimeoutSeconds: 10\n    bastion:\n      instanceType: t3.micro\n", "    hostTimeoutSeconds: 60\n    bastion: {count: 0}\n")
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	mine := `import json
mine=[{'Name':'vpc-id','Values':['` + s.vpc(t, stack) + `']}]
home=[i['SubnetId'] for r in ec2.describe_instances(Filters=mine)['Reservations'] for i in r['Instances'] for t in i['Tags'] if t=={'Key':'Name','Value':'` + stack + `-broker-1001'}][0]
ends=[e['VpcEndpointId'] for e in ec2.describe_vpc_endpoints(Filters=mine)['VpcEndpoints'] if e['VpcEndpointType']=='Interface']
`
	saved := filepath.Join(t.TempDir(), "rule")
	var addresses []string
	if err := json.Unmarshal([]byte(s.aws(t, mine+`
near=[n['PrivateIpAddress'] for n in ec2.describe_network_interfaces(Filters=mine)['NetworkInterfaces'] if n['SubnetId']==home and n['Description'].startswith('VPC Endpoint')]
for e in ends: ec2.modify_vpc_endpoint(VpcEndpointId=e,RemoveSubnetIds=[home])
print(json.dumps(near))`)), &addresses); err != nil || len(addresses) != 3 {
		t.Fatalf("the endpoints have the addresses %v in the host's zone, %v", addresses, err)
	}
	host := s.namespaces(t)[stack+"-broker-1001"]
	eventually(t, "the interfaces in the host's zone to be gone", 20*time.Second, func() (bool, string) {
		for _, address := range addresses {
			if (flow{from: host, to: address, port: 443}).open() {
				return false, address
			}
		}
		return true, ""
	})
	login := []string{"ssh", "broker-1001", "--stack", stack, "--", "true"}
	s.loginEnds(t, "the host to be reached through another zone", 0, login)
	s.aws(t, mine+`
acl,rule=[(a['NetworkAclId'],e) for a in ec2.describe_network_acls(Filters=mine)['NetworkAcls'] for e in a['Entries']
  if home in [s['SubnetId'] for s in a['Associations']] and not e['Egress'] and e.get('PortRange')=={'From':443,'To':443}][0]
json.dump({**rule,'NetworkAclId':acl},open('`+saved+`','w'))
ec2.delete_network_acl_entry(NetworkAclId=acl,Egress=False,RuleNumber=rule['RuleNumber'])`)
	s.loginEnds(t, "the host to be out of reach", 5, login)
	s.refused(t, 5, []string{"broker-1001", "not connected to Session Manager", "next:"}, login...)
	s.aws(t, "import json\nec2.create_network_acl_entry(**json.load(open('"+saved+"')))")
	s.loginEnds(t, "the host to be back", 0, login)
	s.must(t, "refresh", "--stack", stack)
	s.up(t, stack)
	for _, address := range addresses {
		if !(flow{from: host, to: address, port: 443}).open() {
			t.Errorf("up did not bring back the interface at %s", address)
		}
	}
	nothing(t, "the up after it", s.up(t, stack))
}

// loginEnds waits until a login ends with an exit code; until then it works or finds no
// way.
func (s story) loginEnds(t *testing.T, what string, code int, login []string) {
	t.Helper()
	eventually(t, what, time.Minute, func() (bool, string) {
		r := s.run(t, login...)
		if r.code != 0 && r.code != 5 {
			t.Errorf("exit code %d\n%s", r.code, r.stderr)
		}
		return r.code == code, r.stderr
	})
}
