//go:build long

package lab_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func init() { networkRules = everyRuleIsNeeded } //nolint:gochecknoinits // a file with a tag can add to a variable, and not declare it again

// flows are what the stack needs, each by itself.
func (n networkStory) flows(t *testing.T, s story) []flow {
	t.Helper()
	ns, at, internet := s.namespaces(t), s.addresses(t), s.lab(t).Internet
	bastion, one, two := n.host("bastion"), n.host("broker-1001"), n.host("broker-1002")
	return []flow{
		{"administrator to bastion", internet, s.alias(t), 22, operator},
		{"bastion to node, SSH", ns[bastion], at[two], 22, ""},
		{"bastion to node, Kafka", ns[bastion], at[two], 9092, ""},
		{"bastion to web", ns[bastion], "198.51.100.80", 80, ""},
		{"bastion to web, TLS", ns[bastion], "198.51.100.80", 443, ""},
		{"node to node, Kafka", ns[one], at[two], 9091, ""},
		{"node to quorum", ns[two], at[one], 9093, ""},
		{"node to web", ns[two], "198.51.100.80", 80, ""},
		{"node to web, TLS", ns[two], "198.51.100.80", 443, ""},
		{"client in the peer VPC", ns["client"], at[one], 9092, ""},
		{"client to the load balancer", ns["client"], s.balancer(t, n.stack), 9092, ""},
		{"bastion to the load balancer", ns[bastion], s.balancer(t, n.stack), 9092, ""},
		{"load balancer's probe", s.routerOf(t, n.stack), at[two], 9092, s.balancer(t, n.stack)},
	}
}

// routerOf is the namespace of a stack's VPC, where its load balancer is.
func (s story) routerOf(t *testing.T, stack string) string {
	t.Helper()
	return s.lab(t).Routers[s.vpc(t, stack)]
}

// ruleLimit bounds the time until a changed rule is in force. It takes the lab
// less than a second; a machine that does much else takes longer.
const ruleLimit = time.Minute

// everyRuleIsNeeded removes each rule through the AWS API, sees a flow fail, and
// puts it back.
func everyRuleIsNeeded(t *testing.T, s story, n networkStory) {
	serve(t, s.lab(t).Internet, "198.51.100.80", 443)
	flows := n.flows(t, s)
	if failed := shut(flows); len(failed) > 0 {
		t.Fatalf("before any rule is removed, these fail: %v", failed)
	}
	rules := s.rules(t, n.stack)
	if len(rules) < 25 {
		t.Fatalf("the stack has %d rules; not all were found", len(rules))
	}
	var missed []string
	for _, f := range flows {
		missed = append(missed, f.name)
	}
	call := s.caller(t)
	for _, r := range rules {
		call(t, r.Remove, r.Args)
		var failed []string
		eventually(t, "a flow to fail without "+r.Name, ruleLimit, func() (bool, string) {
			failed = shut(flows)
			return len(failed) > 0, "all flows come about"
		})
		t.Logf("%s: needed by %s", r.Name, strings.Join(failed, ", "))
		missed = slices.DeleteFunc(missed, func(name string) bool { return slices.Contains(failed, name) })
		call(t, r.Add, r.Back)
		// Those that failed, and no others: each rule tries all of them once.
		back := slices.DeleteFunc(slices.Clone(flows), func(f flow) bool { return !slices.Contains(failed, f.name) })
		eventually(t, "its flows to come about again with "+r.Name, ruleLimit, func() (bool, string) {
			still := shut(back)
			return len(still) == 0, fmt.Sprint(still)
		})
	}
	if len(missed) > 0 {
		t.Errorf("no rule is needed by %v: what lets them through?", missed)
	}
	// A rule of a group that was put back by hand is another rule to AWS.
	for _, r := range rules {
		if strings.HasPrefix(r.Remove, "revoke_") {
			call(t, r.Remove, r.Args)
		}
	}
	s.must(t, "refresh", "--stack", n.stack)
	s.up(t, n.stack)
	if failed := shut(flows); len(failed) > 0 {
		t.Errorf("after refresh and up these fail: %v", failed)
	}
	nothing(t, "the up after it", s.up(t, n.stack))
}

// shut names the flows that do not come about, all tried side by side, and each
// three times: a busy machine may be late, and what fails for that would be taken
// for a flow that needs a rule.
func shut(flows []flow) []string {
	failed := make([]bool, len(flows))
	var wait sync.WaitGroup
	for i, f := range flows {
		wait.Go(func() {
			for range 3 {
				if f.open() {
					return
				}
			}
			failed[i] = true
		})
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
