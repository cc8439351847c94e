package program_test

import (
	"strings"
	"testing"

	"kraftstack/tests/golden"
)

// TestWithoutBastion: nothing of the stack can be reached from outside, hosts are
// there only after what their agents need, and every step goes through the one
// jump to an instance by its id.
func TestWithoutBastion(t *testing.T) {
	r := mustDeploy(t, withoutBastion(small(nil)))
	golden.Compare(t, "rules-without-bastion", rules(r))
	golden.Compare(t, "acls-without-bastion", acls(r))
	for _, res := range r.resources {
		if strings.Contains(res.Name, "bastion") || res.Type == "aws:ec2/eipAssociation:EipAssociation" {
			t.Errorf("there is a %s %s", res.Type, res.Name)
		}
	}
	for _, service := range []string{"ssm", "ssmmessages", "ec2messages"} {
		endpoint := r.get(t, "access-"+service+"-endpoint")
		if !endpoint.Inputs["privateDnsEnabled"].BoolValue() || len(endpoint.Inputs["subnetIds"].ArrayValue()) != 3 {
			t.Errorf("the endpoint of %s is %v", service, endpoint.Inputs)
		}
		if !r.get(t, "broker-1001-instance").dependsOn(endpoint.Name) {
			t.Errorf("a host may be there before the endpoint of %s", service)
		}
	}
	if !r.get(t, "broker-1001-instance").dependsOn("access-session-policy") {
		t.Error("a host may be there before its agent may connect")
	}
	for _, step := range r.ofType("command:remote:Command") {
		connection := step.Inputs["connection"]
		for connection.IsSecret() {
			connection = connection.SecretValue().Element
		}
		to, proxy := connection.ObjectValue()["host"].StringValue(), connection.ObjectValue()["proxy"]
		for proxy.IsSecret() {
			proxy = proxy.SecretValue().Element
		}
		if !strings.HasSuffix(to, "-instance-id") || proxy.ObjectValue()["host"].StringValue() != "127.0.0.1" {
			t.Errorf("%s connects to %s through %v", step.Name, to, proxy)
		}
	}
}
