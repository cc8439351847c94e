package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kraftstack/config"
	"kraftstack/internal/automation"
	"kraftstack/internal/report"
)

type inputs = map[string]any

// resource is one of a sound stack; change makes of it what a case is about.
func resource(component, step, kind string, in inputs, change ...func(*report.Resource)) report.Resource {
	r := report.Resource{Place: automation.Place{Component: component, Step: step, Type: kind}, Op: "same", Inputs: in}
	for _, f := range change {
		f(&r)
	}
	return r
}

var zones = []string{"us-east-1a", "us-east-1b", "us-east-1c"}

const ingress = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"

func document(properties map[string]string) string {
	lines := []string{"# kraftstack document 1", "=== /etc/kafka/server.properties 0640 root:kafka"}
	for name, value := range properties {
		lines = append(lines, name+"="+value)
	}
	return strings.Join(lines, "\n") + "\n"
}

// stack is a sound one of some voters, in production: no rule finds anything.
type stack struct {
	config     config.Stack
	voters     int
	properties map[string]string
	zone       func(i int) string
	change     func([]report.Resource) []report.Resource
}

func sound() stack {
	return stack{
		config: config.Stack{Name: "prod", Policy: config.Policy{Production: true}},
		voters: 3, zone: func(i int) string { return zones[i%3] },
		properties: map[string]string{
			"default.replication.factor": "3", "min.insync.replicas": "2", "auto.create.topics.enable": "false",
			"unclean.leader.election.enable": "false",
			"listener.security.protocol.map": "NODES:SSL,CLIENTS:SASL_SSL,CONTROLLER:SSL",
		},
		change: func(all []report.Resource) []report.Resource { return all },
	}
}

func (s stack) resources() []report.Resource {
	all := []report.Resource{
		resource("network", "private-us-east-1a", "aws:ec2/subnet:Subnet", inputs{"mapPublicIpOnLaunch": false}),
		resource("network", "nat-us-east-1a-address", "aws:ec2/eip:Eip", inputs{}),
		resource("access", "bastion-ssh-from-203.0.113.0/24", ingress, inputs{"cidrIpv4": "203.0.113.0/24", "fromPort": 22.0, "toPort": 22.0, "ipProtocol": "tcp"}),
		resource("access", "node-9092-from-nodes", ingress, inputs{"referencedSecurityGroupId": "sg-1", "fromPort": 9092.0, "toPort": 9092.0, "ipProtocol": "tcp"}),
		resource("access", "role-policy", "aws:iam/rolePolicy:RolePolicy", inputs{"policy": `{"Statement":[{"Effect":"Allow","Action":["ssm:GetParameter"],"Resource":"*"}]}`}),
		resource("bastion", "address", "aws:ec2/eip:Eip", inputs{}),
		resource("entry", "balancer", "aws:lb/loadBalancer:LoadBalancer", inputs{"internal": true}),
		resource("fleet", "template", typeTemplate, inputs{
			"metadataOptions":     inputs{"httpTokens": "required", "httpPutResponseHopLimit": 1.0},
			"blockDeviceMappings": []any{inputs{"deviceName": "/dev/xvda", "ebs": inputs{"encrypted": "true"}}},
		}),
	}
	for i := range s.voters {
		name := fmt.Sprintf("broker-%d", 1001+i)
		all = append(all,
			resource(name, "", typeNode, inputs{"roles": []any{"controller", "broker"}, "zone": s.zone(i)}),
			resource(name, "instance", typeInstance, inputs{
				"metadataOptions": inputs{"httpTokens": "required", "httpPutResponseHopLimit": 1.0},
				"rootBlockDevice": inputs{"encrypted": true}, "instanceType": "m7i.large",
			}, func(r *report.Resource) { r.Old = r.Inputs }),
			resource(name, "data", typeVolume, inputs{"encrypted": true}),
			resource(name, "configure", "command:remote:Command", inputs{"stdin": document(s.properties)}),
		)
	}
	return s.change(all)
}

// at changes one resource.
func at(place string, change func(*report.Resource)) func(*stack) {
	return func(s *stack) {
		s.change = func(all []report.Resource) []report.Resource {
			for i := range all {
				if strings.TrimSpace(all[i].Component+" "+all[i].Step) == place {
					change(&all[i])
				}
			}
			return all
		}
	}
}

func set(name string, value any) func(*report.Resource) {
	return func(r *report.Resource) { r.Inputs[name] = value }
}

func op(op string) func(*report.Resource) { return func(r *report.Resource) { r.Op = op } }

func property(name, value string) func(*stack) { return func(s *stack) { s.properties[name] = value } }

// cases has, for each rule, what breaks it.
var cases = map[string][]func(*stack){
	"volume-unencrypted": {
		at("broker-1001 data", set("encrypted", false)), at("broker-1001 instance", set("rootBlockDevice", inputs{})),
		at("fleet template", set("blockDeviceMappings", []any{inputs{"deviceName": "/dev/xvda", "ebs": inputs{}}})),
	},
	"imdsv1": {
		at("broker-1001 instance", set("metadataOptions", inputs{"httpTokens": "optional"})), at("broker-1002 instance", set("metadataOptions", nil)),
		at("fleet template", set("metadataOptions", inputs{"httpTokens": "optional"})),
	},
	"metadata-hops":   {at("broker-1001 instance", set("metadataOptions", inputs{"httpTokens": "required", "httpPutResponseHopLimit": 2.0}))},
	"secret-in-clear": {at("broker-1001 configure", set("connection", inputs{"privateKey": "k"})), at("entry balancer", set("masterPassword", "p"))},
	"role-allows-all": {at("access role-policy", set("policy", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))},
	"world-open": {
		at("access node-9092-from-nodes", set("cidrIpv4", "0.0.0.0/0")), at("access bastion-ssh-from-203.0.113.0/24", set("cidrIpv6", "::/0")),
	},
	"world-open-ssh": {func(s *stack) {
		s.config.Access.OpenToWorld = true
		at("access bastion-ssh-from-203.0.113.0/24", set("cidrIpv4", "0.0.0.0/0"))(s)
	}},
	"public-node": {
		at("broker-1001 instance", set("associatePublicIpAddress", true)), at("network private-us-east-1a", set("mapPublicIpOnLaunch", true)),
	},
	"public-load-balancer": {at("entry balancer", set("internal", false))},
	"plaintext-clients":    {property("listener.security.protocol.map", "NODES:SSL,CLIENTS:SASL_PLAINTEXT")},
	"replication-low":      {property("transaction.state.log.replication.factor", "2"), property("offsets.topic.replication.factor", "1")},
	"min-isr-low":          {property("min.insync.replicas", "1"), property("transaction.state.log.min.isr", "1")},
	"min-isr-high":         {property("min.insync.replicas", "3")},
	"unclean-election":     {property("unclean.leader.election.enable", "true")},
	"auto-create-topics":   {func(s *stack) { delete(s.properties, "auto.create.topics.enable") }},
	"quorum-even":          {func(s *stack) { s.voters = 4 }},
	"quorum-of-one":        {func(s *stack) { s.voters = 1 }},
	"quorum-in-one-zone":   {func(s *stack) { s.zone = func(i int) string { return zones[i/2] } }},
	"volume-replaced":      {at("broker-1001 data", op("replace"))},
	"volume-deleted":       {at("broker-1001 data", op("delete"))},
	"protection-removed":   {at("broker-1001 data", func(r *report.Resource) { r.Op, r.Unprotected = "update", true })},
	"voters-together": {func(s *stack) {
		s.change = func(all []report.Resource) []report.Resource {
			for i := range all {
				if all[i].Step == "instance" && all[i].Component != "broker-1003" {
					all[i].Op = "replace"
				}
			}
			return all
		}
	}},
}

func judged(changes ...func(*stack)) []report.Finding {
	s := sound()
	for _, change := range changes {
		change(&s)
	}
	return Judge(s.config, s.resources())
}

// What each rule finds, and that it finds it alone: what is sound but for one
// thing breaks one rule.
func TestRules(t *testing.T) {
	if findings := judged(); len(findings) > 0 {
		t.Fatalf("a sound stack breaks %+v", findings)
	}
	for _, rule := range Rules() {
		if len(cases[rule.ID]) == 0 {
			t.Errorf("nothing shows that rule %s fires", rule.ID)
		}
		if rule.Text == "" || rule.Severity == "" && rule.Production == "" {
			t.Errorf("rule %s says neither what it wants nor how much", rule.ID)
		}
	}
	for id, broken := range cases {
		for i, change := range broken {
			findings := judged(change)
			if len(findings) == 0 {
				t.Errorf("case %d: rule %s does not fire", i, id)
			}
			for _, f := range findings {
				if f.Rule != id || f.Message == "" || f.Severity == "" || f.Waived != "" {
					t.Errorf("case %d of %s: %+v", i, id, f)
				}
			}
		}
	}
}

// In another stack than a production one some rules are silent, and some only
// warn.
func TestProduction(t *testing.T) {
	apart := func(s *stack) { s.config.Policy.Production = false }
	if findings := judged(apart, cases["replication-low"][0]); len(findings) > 0 {
		t.Errorf("a development stack breaks %+v", findings)
	}
	if findings := judged(apart, cases["plaintext-clients"][0]); len(findings) != 3 || findings[0].Blocks() {
		t.Errorf("a development stack in the clear: %+v", findings)
	}
	if findings := judged(apart, cases["volume-replaced"][0]); len(findings) != 1 || !findings[0].Blocks() {
		t.Errorf("a development stack that loses a disk: %+v", findings)
	}
}

func TestWaivers(t *testing.T) {
	waived := func(w config.Waiver) func(*stack) {
		return func(s *stack) { s.config.Policy.Waivers = append(s.config.Policy.Waivers, w) }
	}
	for name, c := range map[string]struct {
		waiver config.Waiver
		blocks bool
	}{
		"the rule":         {config.Waiver{Rule: "volume-deleted", Reason: "the fourth broker goes", Until: "2027-01-31"}, false},
		"the resource":     {config.Waiver{Rule: "volume-deleted", Resource: "broker-1001 data", Reason: "it goes", Until: "2027-01-31"}, false},
		"another resource": {config.Waiver{Rule: "volume-deleted", Resource: "broker-1002 data", Reason: "it goes", Until: "2027-01-31"}, true},
		"another rule":     {config.Waiver{Rule: "imdsv1", Reason: "old image", Until: "2027-01-31"}, true},
	} {
		findings := judged(cases["volume-deleted"][0], waived(c.waiver))
		if len(findings) != 1 || findings[0].Blocks() != c.blocks {
			t.Errorf("%s: %+v", name, findings)
		}
		if !c.blocks && findings[0].Waived != "until 2027-01-31: "+c.waiver.Reason {
			t.Errorf("%s: waived %q", name, findings[0].Waived)
		}
	}
}

func TestCheckWaivers(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		rule, until string
		wrong       string
	}{
		"good":           {"imdsv1", "2027-01-31", ""},
		"its last day":   {"imdsv1", "2026-11-28", ""},
		"over":           {"imdsv1", "2026-11-26", "is over"},
		"without an end": {"imdsv1", "2099-01-01", "more than a year ahead"},
		"no such rule":   {"imdsv2", "2027-01-31", "no such rule"},
	} {
		s := config.Stack{Name: "lab", Policy: config.Policy{Waivers: []config.Waiver{{Rule: c.rule, Reason: "moved later", Until: c.until}}}}
		err := CheckWaivers(s, now)
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v, want %q", name, err, c.wrong)
		}
	}
}

func TestRuleIDsAreUnique(t *testing.T) {
	var ids []string
	for _, r := range Rules() {
		ids = append(ids, r.ID)
	}
	if unique := slices.Compact(slices.Clone(ids)); len(unique) != len(ids) {
		t.Errorf("ids twice: %v", ids)
	}
}
