package program_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"kraftstack/tests/golden"
)

// TestGraph holds the identity of every resource: a changed line is a resource
// that existing stacks would lose and make anew.
func TestGraph(t *testing.T) {
	stacks := map[string]map[string]any{
		"combined": small(nil),
		"dedicated": small(map[string]any{
			"kraftstack:controllers": map[string]any{"mode": "dedicated"},
			"kraftstack:network":     map[string]any{"natGateways": "perZone", "zones": []string{"us-east-1b", "us-east-1c"}},
		}),
	}
	for name, values := range stacks {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for _, res := range mustDeploy(t, values).resources {
				lines = append(lines, fmt.Sprintf("%s %s (in %s)", res.Type, res.Name, res.parent()))
			}
			slices.Sort(lines)
			golden.Compare(t, name+".graph", strings.Join(lines, "\n")+"\n")
		})
	}
}

func TestEveryResourceHasAComponent(t *testing.T) {
	for _, res := range mustDeploy(t, small(nil)).resources {
		if res.Type == "pulumi:pulumi:Stack" {
			continue
		}
		parent := resource.URN(res.RPC.GetParent())
		if strings.HasPrefix(res.Type, "kraftstack:") {
			if strings.Count(res.Type, ":") != 2 {
				t.Errorf("%s: the type token %s does not have three parts", res.Name, res.Type)
			}
			continue
		}
		if !strings.HasPrefix(string(parent.Type()), "kraftstack:") && !strings.Contains(string(parent.QualifiedType()), "kraftstack:") {
			t.Errorf("%s %s has no component as its parent but %q", res.Type, res.Name, parent)
		}
		if !strings.HasPrefix(res.Name, parent.Name()+"-") {
			t.Errorf("%s does not begin with its component's name %s", res.Name, parent.Name())
		}
	}
}

func TestNodesAreRolledOneAfterAnother(t *testing.T) {
	r := mustDeploy(t, small(map[string]any{"kraftstack:controllers": map[string]any{"mode": "dedicated"}}))
	order := []string{"controller-1", "controller-2", "controller-3", "broker-1001", "broker-1002", "broker-1003"}
	rolls := []string{
		"controller-1-roll", "controller-2-roll", "controller-3-roll",
		"controller-1-roll-leader", "controller-2-roll-leader", "controller-3-roll-leader",
		"broker-1001-roll", "broker-1002-roll", "broker-1003-roll",
	}
	if !r.get(t, "fleet-live").dependsOn("quorum-stands") {
		t.Error("settings are brought about before the quorum stands")
	}
	previous := "fleet-live"
	for _, name := range rolls {
		roll := r.get(t, name)
		if !roll.dependsOn(previous) {
			t.Errorf("%s does not wait for %s but for %v", name, previous, roll.RPC.GetDependencies())
		}
		spares := strings.Contains(roll.text("create"), "--spare-leader")
		if want := strings.HasPrefix(name, "controller") && strings.HasSuffix(name, "-roll"); spares != want {
			t.Errorf("%s: leaves the quorum's leader for the end: %v, want %v", name, spares, want)
		}
		previous = name
	}
	for _, node := range order {
		stands := r.get(t, "quorum-stands")
		if !stands.dependsOn(node + "-configure") {
			t.Errorf("the quorum is not waited for after %s is configured", node)
		}
		if !r.get(t, "fleet-names").dependsOn(node+"-record") || !r.get(t, node+"-configure").dependsOn("fleet-names") {
			t.Errorf("some node may ask for the name of %s before it exists", node)
		}
		for _, other := range order {
			if other != node && r.get(t, node+"-configure").dependsOn(other+"-configure") {
				t.Errorf("%s is born after %s, not beside it", node, other)
			}
		}
	}
}

func TestZonesAreRolledOneAfterAnother(t *testing.T) {
	r := mustDeploy(t, small(map[string]any{
		"kraftstack:brokers": map[string]any{"count": 6}, "kraftstack:rolling": map[string]any{"by": "zone"},
		"kraftstack:controllers": map[string]any{"mode": "dedicated", "count": 1},
	}))
	zones := [][]string{{"broker-1001", "broker-1004"}, {"broker-1002", "broker-1005"}, {"broker-1003", "broker-1006"}}
	before := []string{"controller-1"}
	for i, zone := range zones {
		together := fmt.Sprintf("--together=%d,%d", 1001+i, 1004+i)
		for _, node := range zone {
			roll := r.get(t, node+"-roll")
			if !strings.Contains(roll.text("create"), together) {
				t.Errorf("%s does not ask for all of its zone: %s", node, roll.text("create"))
			}
			for _, other := range before {
				if !roll.dependsOn(other + "-roll") {
					t.Errorf("%s does not wait for %s", node, other)
				}
			}
			for _, other := range zone {
				if roll.dependsOn(other + "-roll") {
					t.Errorf("%s waits for %s of its own zone", node, other)
				}
			}
		}
		before = zone
	}
}

func TestStepsOnAHost(t *testing.T) {
	r := mustDeploy(t, small(nil))
	for _, step := range []string{"toolkit", "prepare", "install", "roll"} {
		triggers := r.get(t, "broker-1002-"+step).Inputs["triggers"].ArrayValue()
		if len(triggers) != 1 || triggers[0].StringValue() != "broker-1002-instance-id" {
			t.Errorf("%s: triggers are %v, want the instance's id alone", step, triggers)
		}
	}
	configure := r.get(t, "broker-1002-configure")
	triggers := configure.Inputs["triggers"].ArrayValue()
	if len(triggers) != 1 || !triggers[0].IsNumber() || triggers[0].NumberValue() != 0 {
		t.Errorf("configure: triggers are %v, want the number of lost disks alone: nothing else may format a known node's disk", triggers)
	}
	if !strings.Contains(configure.text("create"), "--new") || strings.Contains(configure.text("update"), "--new") {
		t.Errorf("only the create of configure may format\ncreate: %s\nupdate: %s", configure.text("create"), configure.text("update"))
	}
	for _, id := range []string{"--instance=broker-1002-instance-id", "--volume-id=broker-1002-data-id"} {
		if !strings.Contains(configure.text("update"), id) {
			t.Errorf("a replaced host or disk would not be configured again: %s", configure.text("update"))
		}
	}
	if !r.get(t, "broker-1002-install").dependsOn("network-nat-us-east-1a") &&
		!r.get(t, "broker-1002-install").dependsOn("network-private-us-east-1b-default-route") {
		t.Error("install does not wait for the way out to the internet")
	}
}

// TestLostDisk: what was said to be lost may be formatted, once, and not as the disk
// of a first voter.
func TestLostDisk(t *testing.T) {
	born := mustDeploy(t, small(nil)).get(t, "broker-1002-configure")
	r := mustDeploy(t, small(map[string]any{"kraftstack:hosts": map[string]any{"lostDisks": map[string]any{"broker-1002": 2}}}))
	if trigger := r.get(t, "broker-1002-configure").Inputs["triggers"].ArrayValue()[0].NumberValue(); trigger != 2 {
		t.Errorf("configure is triggered by %v", trigger)
	}
	if triggers := r.get(t, "broker-1002-roll").Inputs["triggers"].ArrayValue(); len(triggers) != 2 || triggers[1].NumberValue() != 2 {
		t.Errorf("nobody waits for the refilled broker: the triggers of its roll are %v", triggers)
	}
	// To these mocks the stack is new: what it had lost before its birth is no loss.
	configure := r.get(t, "broker-1002-configure")
	if !strings.Contains(configure.text("create"), " --new ") || !strings.Contains(configure.text("create"), "--initial-controllers=1001@") {
		t.Errorf("a new cluster's node is configured with %s", configure.text("create"))
	}
	if !strings.Contains(born.text("update"), "--lost-disks=0") || !strings.Contains(configure.text("update"), "--lost-disks=2") {
		t.Errorf("update: %s; and %s", born.text("update"), configure.text("update"))
	}
}

func TestEveryConnectionIsPinned(t *testing.T) {
	for _, command := range mustDeployUsers(t).ofType("command:remote:Command") {
		object := bare(command.Inputs["connection"]).ObjectValue()
		if object["hostKey"].IsNull() {
			t.Errorf("%s accepts any host key", command.Name)
		}
		// Three kinds of steps run on the bastion itself.
		proxied := !strings.HasPrefix(command.Name, "bastion-") && !strings.HasPrefix(command.Name, "users-") && command.Name != "fleet-names"
		if proxied && object["proxy"].ObjectValue()["hostKey"].IsNull() {
			t.Errorf("%s accepts any host key of the bastion", command.Name)
		}
	}
}

func TestOptions(t *testing.T) {
	r := mustDeploy(t, small(nil))
	instance := r.get(t, "broker-1001-instance").RPC
	if !instance.GetDeleteBeforeReplace() {
		t.Error("an instance is not deleted before its replacement, which needs its disk")
	}
	if diff := cmp.Diff([]string{"launchTemplate", "userData", "keyName"}, instance.GetIgnoreChanges()); diff != "" {
		t.Errorf("another template, a newer image in it for one, new user data or another key pair would replace the fleet: %s", diff)
	}
	attachment := r.get(t, "broker-1001-data-attachment").RPC
	if name := resource.URN(attachment.GetDeletedWith()).Name(); name != "broker-1001-instance" {
		t.Errorf("the attachment is deleted with %q", name)
	}
}

// Every host boots an image of its own processor's architecture.
func TestImages(t *testing.T) {
	const (
		ubuntu = "ami-of-/aws/service/canonical/ubuntu/server/24.04/stable/current/%s/hvm/ebs-gp3/ami-id"
		amazon = "ami-of-/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-%s"
	)
	for _, c := range []struct{ image, broker, bastionAMI, brokerAMI string }{
		{"ubuntu", "m7i.large", fmt.Sprintf(ubuntu, "amd64"), fmt.Sprintf(ubuntu, "amd64")},
		{"ubuntu", "m7g.large", fmt.Sprintf(ubuntu, "amd64"), fmt.Sprintf(ubuntu, "arm64")},
		{"amazonlinux", "m7g.large", fmt.Sprintf(amazon, "x86_64"), fmt.Sprintf(amazon, "arm64")},
		{"ami-0123456789abcdef0", "m7i.large", "ami-0123456789abcdef0", "ami-0123456789abcdef0"},
	} {
		r := mustDeploy(t, small(map[string]any{"kraftstack:brokers": map[string]any{"image": c.image, "instanceType": c.broker}}))
		got := []string{r.get(t, "launch-bastion").text("imageId"), r.get(t, "launch-broker").text("imageId")}
		if diff := cmp.Diff([]string{c.bastionAMI, c.brokerAMI}, got); diff != "" {
			t.Errorf("%s on %s (-want +got):\n%s", c.image, c.broker, diff)
		}
	}
}

// TestSecurityGroups lists every rule: a new way in must be read by a person.
func TestSecurityGroups(t *testing.T) { golden.Compare(t, "rules", rules(mustDeploy(t, small(nil)))) }

func rules(r *recorder) string {
	var rules []string
	for _, kind := range []string{"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"} {
		for _, rule := range r.ofType(kind) {
			ports := ""
			if from := rule.Inputs["fromPort"]; from.IsNumber() {
				ports = fmt.Sprintf(" %v-%v", from.NumberValue(), rule.Inputs["toPort"].NumberValue())
			}
			far := rule.text("cidrIpv4") + rule.text("referencedSecurityGroupId")
			rules = append(rules, fmt.Sprintf("%s: %s%s %s", rule.text("securityGroupId"), rule.text("ipProtocol"), ports, far))
		}
	}
	return strings.Join(rules, "\n") + "\n"
}

func TestBadStackRegistersNothing(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"no admins":    {"aws:region": "us-east-1"},
		"unknown key":  small(map[string]any{"kraftstack:brokers": map[string]any{"cuont": 3}}),
		"unknown zone": small(map[string]any{"kraftstack:network": map[string]any{"zones": []string{"us-east-1a", "us-east-1z"}}}),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := deploy(t, "test", values)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, res := range r.resources {
				if res.Type != "pulumi:pulumi:Stack" {
					t.Errorf("%s %s was registered before the refusal", res.Type, res.Name)
				}
			}
		})
	}
}

// Each way of clients to log in has its ports and nothing else has: a port that
// is open without need is one more to guard.
func TestClientPorts(t *testing.T) {
	for clients, want := range map[string]string{"scram": "9092", "mtls": "9094", "both": "9092 9094", "plaintext": "9092"} {
		r := mustDeploy(t, small(map[string]any{"kraftstack:security": map[string]any{"clients": clients}}))
		var open []string
		for _, rule := range r.ofType("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule") {
			if port, isKafka := strings.CutSuffix(strings.TrimPrefix(rule.Name, "access-node-"), "-from-bastion"); isKafka && port != "22" {
				open = append(open, port)
			}
		}
		if got := strings.Join(open, " "); got != want {
			t.Errorf("%s: the bastion reaches %q, want %q", clients, got, want)
		}
		if signs := len(r.ofType("tls:index/selfSignedCert:SelfSignedCert")); (signs == 4) != slices.Contains([]string{"mtls", "both"}, clients) {
			t.Errorf("%s: there are %d certificates in the state", clients, signs)
		}
	}
}
