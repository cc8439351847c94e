package program_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"kraftstack/config"
)

// guardRail is a rule that every resource of every example stack keeps. The
// controls are those of CIS AWS Foundations 5.0 and of AWS Foundational Security
// Best Practices.
type guardRail struct {
	rule     string
	controls string
	// breaks says how a resource breaks the rule, "" if it does not.
	breaks func(r registration, stack config.Stack) string
}

var guardRails = []guardRail{
	{"nothing is open to the world but what the stack file says", "CIS 5.2, 5.3; EC2.13, EC2.18, EC2.19", openToWorld},
	{"network ACLs let nobody reach SSH or RDP from everywhere", "CIS 5.2; EC2.21", openACL},
	{"the default security group is empty", "CIS 5.5; EC2.2", defaultGroup},
	{"disks are encrypted", "CIS 5.1.1; EC2.3", unencrypted},
	{"instances take metadata requests of version 2 alone, over one hop", "CIS 5.7; EC2.8, AutoScaling.4", metadata},
	{"no instance gets a public address by itself", "EC2.9, EC2.15, EC2.25", publicAddress},
	{"every instance is launched from a template with an instance profile", "CIS 1.17", launched},
	{"no policy has a wildcard as action or resource", "CIS 1.15; IAM.1, IAM.21", wildcards},
	{"only EC2 can take the hosts' role, and only this account's flow logs theirs", "IAM.1", trusted},
	{"logs are kept for as long as somebody said", "CloudWatch.16", forgetful},
	{"user data holds no secret but the host's own key, and fits", "EC2 secrets in user data", userData},
	{"all that can carry tags says whose it is", "tagging", tags},
	{"names and tags are within AWS's limits", "limits", limits},
}

func TestGuardRails(t *testing.T) {
	for name, values := range examples(t) {
		t.Run(name, func(t *testing.T) {
			// The longest name that a stack can have: names must fit with it.
			stackName := strings.Repeat("a", 30)
			stack, err := config.Load(stackName, asConfig(t, values))
			if err != nil {
				t.Fatal(err)
			}
			r, err := deploy(t, stackName, values)
			if err != nil {
				t.Fatal(err)
			}
			for _, res := range r.resources {
				for _, rail := range guardRails {
					if how := rail.breaks(res, stack); how != "" {
						t.Errorf("%s %s: %s\n  rule: %s (%s)", res.Type, res.Name, how, rail.rule, rail.controls)
					}
				}
			}
		})
	}
}

// TestGuardRailsCatch breaks each rule on purpose: a rule that nothing can break
// guards nothing.
func TestGuardRailsCatch(t *testing.T) {
	bad := map[string]registration{
		"nothing is open":      broken("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", map[string]any{"cidrIpv4": "0.0.0.0/0"}),
		"network ACLs":         broken("aws:ec2/networkAcl:NetworkAcl", map[string]any{"ingress": []any{map[string]any{"action": "allow", "cidrBlock": "0.0.0.0/0", "fromPort": 0, "toPort": 65535, "protocol": "tcp"}}}),
		"the default security": broken("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", map[string]any{"ingress": []any{map[string]any{}}}),
		"disks are encrypted":  broken("aws:ebs/volume:Volume", map[string]any{"encrypted": false}),
		"instances take":       broken("aws:ec2/launchTemplate:LaunchTemplate", map[string]any{"metadataOptions": map[string]any{"httpTokens": "optional"}}),
		"no instance gets":     broken("aws:ec2/subnet:Subnet", map[string]any{"mapPublicIpOnLaunch": true}),
		"every instance is":    broken("aws:ec2/instance:Instance", map[string]any{"ami": "ami-1"}),
		"no policy has":        broken("aws:iam/rolePolicy:RolePolicy", map[string]any{"policy": `{"Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":"*"}]}`}),
		"logs are kept":        broken("aws:cloudwatch/logGroup:LogGroup", map[string]any{"name": "/logs"}),
		"only EC2 can":         broken("aws:iam/role:Role", map[string]any{"assumeRolePolicy": `{"Statement":[{"Principal":{"AWS":"*"}}]}`}),
		"user data holds":      broken("aws:ec2/instance:Instance", map[string]any{"userData": "private-access-key"}),
		"all that can carry":   broken("aws:ec2/vpc:Vpc", map[string]any{"tags": map[string]any{}}),
		"names and tags are":   broken("aws:iam/role:Role", map[string]any{"name": strings.Repeat("a", 65)}),
	}
	for _, rail := range guardRails {
		caught := false
		for prefix, res := range bad {
			if strings.HasPrefix(rail.rule, prefix) {
				caught = rail.breaks(res, config.Stack{}) != ""
			}
		}
		if !caught {
			t.Errorf("nothing is caught by: %s", rail.rule)
		}
	}
}

func broken(kind string, inputs map[string]any) registration {
	return registration{Type: kind, Name: "broken-by-intent", Inputs: resource.NewPropertyMapFromMap(inputs)}
}

// examples are the stack files of the repository.
func examples(t *testing.T) map[string]map[string]any {
	t.Helper()
	paths, err := filepath.Glob("../../Pulumi.*.yaml")
	if err != nil || len(paths) < 3 {
		t.Fatalf("the repository has the stack files %v (%v), want three at least", paths, err)
	}
	found := map[string]map[string]any{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		values, err := config.Values(text)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]any{}
		for key, value := range values {
			all[key] = value
		}
		found[filepath.Base(path)] = all
	}
	found["the lab's without a bastion"] = withoutBastion(found["Pulumi.lab.yaml"])
	return found
}

// withoutBastion is a stack file with Session Manager as the way in.
func withoutBastion(values map[string]any) map[string]any {
	other := maps.Clone(values)
	other["kraftstack:access"] = map[string]any{"bastion": map[string]any{"count": 0}}
	return other
}
