package program_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"kraftstack/tests/golden"
)

// peered is a stack whose clients live in another VPC, and elsewhere.
func peered(id string) map[string]any {
	return small(map[string]any{
		"kraftstack:network": map[string]any{"peerVpc": map[string]any{"id": id}},
		"kraftstack:access": map[string]any{
			"adminCidrs": []string{"203.0.113.0/24"}, "clients": []string{"10.0.200.0/24", "192.168.7.0/24", "sg-0123456789abcdef0"},
		},
	})
}

// TestNetworkACLs lists every rule, as TestSecurityGroups does.
func TestNetworkACLs(t *testing.T) {
	golden.Compare(t, "acls", acls(mustDeploy(t, small(nil))))
	golden.Compare(t, "acls-peered", acls(mustDeploy(t, peered("default"))))
	golden.Compare(t, "rules-peered", rules(mustDeploy(t, peered("default"))))
}

func acls(r *recorder) string {
	var list []string
	for _, acl := range r.ofType("aws:ec2/networkAcl:NetworkAcl") {
		for _, direction := range []string{"ingress", "egress"} {
			for _, entry := range acl.Inputs[resource.PropertyKey(direction)].ArrayValue() {
				e := entry.ObjectValue()
				list = append(list, fmt.Sprintf("%s %s %v: %s %s %s %v-%v", acl.Name, direction, e["ruleNo"].NumberValue(),
					e["action"].StringValue(), e["protocol"].StringValue(), e["cidrBlock"].StringValue(), e["fromPort"].NumberValue(), e["toPort"].NumberValue()))
			}
		}
	}
	return strings.Join(list, "\n") + "\n"
}

// TestPeering: routes in both directions, and the names in both VPCs.
func TestPeering(t *testing.T) {
	r := mustDeploy(t, peered("vpc-0123456789abcdef0"))
	peering := r.get(t, "network-peering")
	if peering.text("peerVpcId") != "vpc-0123456789abcdef0" || !peering.Inputs["autoAccept"].BoolValue() {
		t.Errorf("the connection is %v", peering.Inputs)
	}
	routes := map[string]string{}
	for _, route := range r.ofType("aws:ec2/route:Route") {
		if route.text("vpcPeeringConnectionId") != "" {
			routes[route.text("routeTableId")] = route.text("destinationCidrBlock")
		}
	}
	want := map[string]string{
		"network-public-routes-id": "10.9.0.0/16", "network-private-us-east-1a-routes-id": "10.9.0.0/16",
		"network-private-us-east-1b-routes-id": "10.9.0.0/16", "network-private-us-east-1c-routes-id": "10.9.0.0/16",
		"rtb-of-vpc-0123456789abcdef0": "10.0.0.0/16",
	}
	if diff := cmp.Diff(want, routes); diff != "" {
		t.Errorf("routes over the connection (-want +got):\n%s", diff)
	}
	if vpcs := r.get(t, "network-dns-zone").Inputs["vpcs"].ArrayValue(); len(vpcs) != 2 {
		t.Errorf("the names are in %d VPCs, not in both", len(vpcs))
	}
}

// TestFlowLogs: to CloudWatch with a role that can write there and nowhere else,
// to a bucket with none.
func TestFlowLogs(t *testing.T) {
	with := func(logs map[string]any) *recorder {
		return mustDeploy(t, small(map[string]any{"kraftstack:network": map[string]any{"flowLogs": logs}}))
	}
	r := with(map[string]any{"to": "cloudwatch", "traffic": "reject", "retentionDays": 7})
	log, group := r.get(t, "network-flow-logs"), "arn:aws:logs:us-east-1:123456789012:log-group:network-flow-log-group"
	if log.text("logDestination") != group || log.text("trafficType") != "REJECT" || !log.dependsOn("network-flow-logs-policy") {
		t.Errorf("the flow log is %v", log.Inputs)
	}
	if policy := r.get(t, "network-flow-logs-policy").text("policy"); !strings.Contains(policy, `"Resource":"`+group+`:*"`) {
		t.Errorf("the role may: %s", policy)
	}
	r = with(map[string]any{"to": "s3", "bucket": "example-log-archive"})
	log = r.get(t, "network-flow-logs")
	if log.text("logDestination") != "arn:aws:s3:::example-log-archive" || log.text("iamRoleArn") != "" || log.text("trafficType") != "ALL" {
		t.Errorf("the flow log is %v", log.Inputs)
	}
	if roles := len(r.ofType("aws:iam/role:Role")); roles != 1 {
		t.Errorf("there are %d roles, want the hosts' alone", roles)
	}
	if logs := mustDeploy(t, small(nil)).ofType("aws:ec2/flowLog:FlowLog"); len(logs) > 0 {
		t.Error("flow logs that nobody asked for")
	}
}

// TestEntry: all brokers and no controller behind the balancer, which has a
// group of its own from its creation on.
func TestEntry(t *testing.T) {
	r := mustDeploy(t, small(map[string]any{
		"kraftstack:entry": map[string]any{"loadBalancer": "internal"}, "kraftstack:controllers": map[string]any{"mode": "dedicated"},
	}))
	var targets []string
	for _, attachment := range r.ofType("aws:lb/targetGroupAttachment:TargetGroupAttachment") {
		targets = append(targets, attachment.text("targetId"))
	}
	if diff := cmp.Diff([]string{"broker-1001-instance-id", "broker-1002-instance-id", "broker-1003-instance-id"}, targets); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	balancer := r.get(t, "entry-balancer")
	if !balancer.Inputs["internal"].BoolValue() || !balancer.Inputs["enableCrossZoneLoadBalancing"].BoolValue() || len(balancer.Inputs["securityGroups"].ArrayValue()) != 1 {
		t.Errorf("the balancer is %v", balancer.Inputs)
	}
	if name := r.get(t, "entry-record").text("name"); name != "bootstrap.test.kafka.internal" {
		t.Errorf("its name is %s", name)
	}
	golden.Compare(t, "acls-entry", acls(r))
	golden.Compare(t, "rules-entry", rules(r))
	if r := mustDeploy(t, small(nil)); len(r.ofType("aws:lb/loadBalancer:LoadBalancer")) > 0 {
		t.Error("a stack has a load balancer without asking for one")
	}
}

// What only AWS knows of the peer is refused before anything is registered.
func TestPeerIsCheckedFirst(t *testing.T) {
	for want, network := range map[string]map[string]any{
		"overlap network.cidr 172.31.0.0/20":  {"cidr": "172.31.0.0/20", "peerVpc": map[string]any{"id": "default"}},
		"is no network of default, which has": {"peerVpc": map[string]any{"id": "default", "cidr": "172.30.0.0/16"}},
	} {
		r, err := deploy(t, "test", small(map[string]any{"kraftstack:network": network}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
		if len(r.ofType("aws:ec2/vpc:Vpc")) > 0 {
			t.Error("a VPC was registered before the refusal")
		}
	}
}
