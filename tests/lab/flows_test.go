package lab_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// flow is one thing that one place wants of another: a TCP connection.
type flow struct {
	name string
	from string // path of a network namespace
	to   string // address
	port int
	as   string // the address that it comes from; empty: the host's own
}

// operator is where the lab's administrators are.
const operator = "203.0.113.10"

// patience is how long, in seconds, a connection may take: a firewall's silence
// ends it.
const patience = 1

// open says whether the connection comes about.
func (f flow) open() bool {
	return exec.Command("nsenter", "--net="+f.from, "python3", "-c",
		fmt.Sprintf("import socket\nsocket.create_connection((%q,%d),%d,(%q,0))", f.to, f.port, patience, f.as)).Run() == nil
}

// shut names the flows that do not come about, all tried side by side.
func shut(flows []flow) []string {
	failed := make([]bool, len(flows))
	var wait sync.WaitGroup
	for i, f := range flows {
		wait.Go(func() { failed[i] = !f.open() })
	}
	wait.Wait()
	var names []string
	for i, f := range flows {
		if failed[i] {
			names = append(names, f.name)
		}
	}
	return names
}

// namespaces maps the names of all hosts to their network namespaces.
func (s story) namespaces(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, host := range s.lab(t).Hosts {
		found[host.Name] = host.Namespace
	}
	return found
}

// addresses maps the names of all hosts to their private addresses.
func (s story) addresses(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, host := range s.lab(t).Hosts {
		found[host.Name] = host.PrivateIP
	}
	return found
}

// root runs a shell command on a host as root, without SSH: on hosts that are
// no part of a stack.
func (s story) root(t *testing.T, host, command string) string {
	t.Helper()
	for _, h := range s.lab(t).Hosts {
		if h.Name != host {
			continue
		}
		c := exec.Command("nsenter", "--target", fmt.Sprint(h.Leader), "--all", "--", "bash", "-c", command)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("on %s: %s: %v\n%s", host, command, err, out)
		}
		return string(out)
	}
	t.Fatalf("there is no host %s", host)
	return ""
}

// aliases lists where Elastic IPs are in the lab's internet: it has a route to
// each.
func (s story) aliases(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("nsenter", "--net="+s.lab(t).Internet, "ip", "-4", "route").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 0 && strings.HasPrefix(fields[0], "198.18.") {
			found = append(found, fields[0])
		}
	}
	return found
}

// serve listens on a port of an address in a namespace until the test ends.
func serve(t *testing.T, namespace, address string, port int) {
	t.Helper()
	c := exec.Command("nsenter", "--net="+namespace, "python3", "-c", fmt.Sprintf(
		"import socket,time\nl=socket.create_server((%q,%d))\ntime.sleep(3600)", address, port))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
}

// clientVPC makes a VPC with one host of that name, made through the AWS API as
// somebody else would, and returns the VPC's id.
func (s story) clientVPC(t *testing.T, name, cidr string) string {
	t.Helper()
	subnet := strings.TrimSuffix(cidr, "0.0/16") + "1.0/24"
	return s.aws(t, fmt.Sprintf(`
name, cidr, subnet = %q, %q, %q
vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
net = ec2.create_subnet(VpcId=vpc, CidrBlock=subnet, AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]["RouteTableId"]
ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
host = ec2.run_instances(ImageId="ami-0123456789abcdef0", InstanceType="t3.small", MinCount=1, MaxCount=1, SubnetId=net,
  TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}])["Instances"][0]["InstanceId"]
address = ec2.allocate_address(Domain="vpc")["AllocationId"]
ec2.associate_address(AllocationId=address, InstanceId=host)
print(vpc)`, name, cidr, subnet))
}

// rule is one rule of a security group or a network ACL of a stack.
type rule struct {
	Name   string         // what it lets through, for people
	Remove string         // the API's call that removes it
	Add    string         // and the one that puts it back
	Args   map[string]any // of the removal
	Back   map[string]any // of the way back
}

// rules lists every rule that a stack's groups and ACLs have, but for the last
// one of each ACL, which is AWS's own.
func (s story) rules(t *testing.T, stack string) []rule {
	t.Helper()
	out := s.aws(t, fmt.Sprintf(`
import json
mine = [{"Name": "tag:kraftstack:stack", "Values": [%q]}]
rules = []
for acl in ec2.describe_network_acls(Filters=mine)["NetworkAcls"]:
  name = [t["Value"] for t in acl["Tags"] if t["Key"] == "Name"][0]
  for e in acl["Entries"]:
    if e["RuleNumber"] == 32767: continue
    key = {"NetworkAclId": acl["NetworkAclId"], "Egress": e["Egress"], "RuleNumber": e["RuleNumber"]}
    rules.append({"Name": "%%s %%s %%d: %%s %%s" %% (name, "out" if e["Egress"] else "in", e["RuleNumber"], e["CidrBlock"], e["PortRange"]),
      "Remove": "delete_network_acl_entry", "Args": key, "Add": "create_network_acl_entry", "Back": {**e, **key}})
for group in ec2.describe_security_groups(Filters=mine)["SecurityGroups"]:
  for direction, permissions in (("ingress", group["IpPermissions"]), ("egress", group["IpPermissionsEgress"])):
    for p in permissions:
      for field in ("IpRanges", "UserIdGroupPairs"):
        for far in p.get(field, []):
          far = {k: v for k, v in far.items() if k in ("CidrIp", "GroupId", "Description")}
          one = {"GroupId": group["GroupId"], "IpPermissions": [{"IpProtocol": p["IpProtocol"], "FromPort": p["FromPort"], "ToPort": p["ToPort"], field: [far]}]}
          rules.append({"Name": "%%s %%s %%d-%%d %%s" %% (group["GroupName"], direction, p["FromPort"], p["ToPort"], far.get("CidrIp") or far["GroupId"]),
            "Remove": "revoke_security_group_" + direction, "Add": "authorize_security_group_" + direction, "Args": one, "Back": one})
print(json.dumps(rules))`, stack))
	var list []rule
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// caller starts a client of the lab's API and returns what makes one call
// through it: starting one takes longer than a call.
func (s story) caller(t *testing.T) func(t *testing.T, method string, args map[string]any) {
	t.Helper()
	c := exec.Command(s.python(t), "-uc", fmt.Sprintf(`
import boto3, json, sys
ec2 = boto3.client("ec2", endpoint_url=%q, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
for line in sys.stdin:
  method, args = json.loads(line)
  try:
    getattr(ec2, method)(**args)
    print("done")
  except Exception as error:
    print(repr(error).replace(chr(10), " "))`, s.lab(t).Cloud.URL))
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // ends it
		_ = c.Wait()
	})
	answers := bufio.NewScanner(out)
	return func(t *testing.T, method string, args map[string]any) {
		t.Helper()
		if err := json.NewEncoder(in).Encode([]any{method, args}); err != nil {
			t.Fatal(err)
		}
		if !answers.Scan() || answers.Text() != "done" {
			t.Fatalf("%s: %s %v", method, answers.Text(), answers.Err())
		}
	}
}

// archive is the archive's path on the lab's download server.
var archive = filepath.Join("kafka", "4.3.0", "kafka_2.13-4.3.0.tgz")
