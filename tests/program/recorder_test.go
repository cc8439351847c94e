// Package program_test runs the program against Pulumi's mocks and looks at
// what it registers: names, parents, dependencies and options, not only inputs.
package program_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"kraftstack/program"
)

// recorder keeps every registration. It answers with what AWS and tls would
// compute, and with nothing that the program does not ask for.
type recorder struct {
	mu        sync.Mutex
	resources []registration
}

type registration struct {
	Type, Name string
	Inputs     resource.PropertyMap
	RPC        *pulumirpc.RegisterResourceRequest
}

func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resources = append(r.resources, registration{args.TypeToken, args.Name, args.Inputs, args.RegisterRPC})
	outputs := args.Inputs.Copy()
	computed := map[string]map[resource.PropertyKey]string{
		"tls:index/privateKey:PrivateKey": {
			"publicKeyOpenssh": "ssh-ed25519 public-" + args.Name, "privateKeyOpenssh": "private-" + args.Name,
			"privateKeyPem": made().key, "privateKeyPemPkcs8": made().key, "publicKeyPem": made().public,
		},
		"tls:index/selfSignedCert:SelfSignedCert": {
			"certPem": made().certificate, "validityStartTime": "2026-01-01T00:00:00Z", "validityEndTime": "2027-01-01T00:00:00Z",
		},
		"command:remote:Command":                {"stdout": "prepare: done\n" + made().request},
		"aws:ec2/instance:Instance":             {"privateIp": "ip-" + args.Name},
		"aws:ec2/eip:Eip":                       {"allocationId": "eipalloc-" + args.Name, "publicIp": "public-" + args.Name},
		"aws:ec2/eipAssociation:EipAssociation": {"publicIp": "public-" + args.Name},
		"aws:lb/loadBalancer:LoadBalancer":      {"arn": "arn-" + args.Name, "dnsName": "dns-" + args.Name, "zoneId": "lb-zone"},
		"aws:lb/targetGroup:TargetGroup":        {"arn": "arn-" + args.Name},
		"aws:ec2/vpc:Vpc":                       {"ownerId": "123456789012"},
		"aws:cloudwatch/logGroup:LogGroup":      {"arn": "arn:aws:logs:us-east-1:123456789012:log-group:" + args.Name},
		"aws:iam/role:Role":                     {"arn": "arn:aws:iam::123456789012:role/" + args.Name},
		"aws:route53/zone:Zone":                 {"zoneId": "zone-" + args.Name},
	}
	for key, value := range computed[args.TypeToken] {
		outputs[key] = resource.NewProperty(value)
	}
	if args.TypeToken == "pulumi:index:Stash" {
		outputs["output"] = args.Inputs["input"]
	}
	if args.TypeToken == "aws:ec2/launchTemplate:LaunchTemplate" {
		outputs["latestVersion"] = resource.NewProperty(1.0)
	}
	return args.Name + "-id", outputs, nil
}

// instanceTypes is what EC2 says of the types in these tests. Others do not
// exist.
var instanceTypes = map[string]map[string]any{
	"t3.micro":   instanceType("x86_64", 1024, 11800, 260.57),
	"t3.medium":  instanceType("x86_64", 4096, 11800, 260.57),
	"m7i.large":  instanceType("x86_64", 8192, 40000, 1250),
	"m7i.xlarge": instanceType("x86_64", 16384, 40000, 1250),
	"t3.small":   instanceType("x86_64", 2048, 11800, 260.57),
	"m7g.medium": instanceType("arm64", 4096, 40000, 1250),
	"m7g.xlarge": instanceType("arm64", 16384, 40000, 1250),
	"m7g.large":  instanceType("arm64", 8192, 40000, 1250),
	"t4g.micro":  instanceType("arm64", 1024, 11800, 260.57),
	"t2.medium":  {"supportedArchitectures": []any{"x86_64"}, "memorySize": 4096, "ebsNvmeSupport": "unsupported"},
	"mac2.metal": {"supportedArchitectures": []any{"arm64_mac"}, "memorySize": 16384, "ebsNvmeSupport": "required"},
}

func instanceType(architecture string, memory, iops int, throughput float64) map[string]any {
	return map[string]any{
		"supportedArchitectures": []any{architecture}, "memorySize": memory, "ebsNvmeSupport": "required",
		"ebsPerformanceMaximumIops": iops, "ebsPerformanceMaximumThroughput": throughput,
	}
}

// image is what EC2 says of an image: these tests have the architecture in its
// id, and 64-bit Intel otherwise.
func image(id string) map[string]any {
	architecture, root := "x86_64", "/dev/sda1"
	if strings.Contains(id, "arm64") {
		architecture = "arm64"
	}
	if strings.Contains(id, "amazon") {
		root = "/dev/xvda"
	}
	return map[string]any{"id": id, "imageId": id, "architecture": architecture, "rootDeviceName": root}
}

func (r *recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	switch args.Token {
	case "aws:index/getAvailabilityZones:getAvailabilityZones":
		return resource.NewPropertyMapFromMap(map[string]any{
			"names": []any{"us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"},
		}), nil
	case "aws:ec2/getVpc:getVpc":
		id, cidr := "vpc-0aaaaaaaaaaaaaaaa", "172.31.0.0/16"
		if wanted := args.Args["id"]; wanted.IsString() {
			id, cidr = wanted.StringValue(), "10.9.0.0/16"
		}
		return resource.NewPropertyMapFromMap(map[string]any{"id": id, "cidrBlock": cidr}), nil
	case "aws:ec2/getRouteTables:getRouteTables":
		return resource.NewPropertyMapFromMap(map[string]any{"ids": []any{"rtb-of-" + args.Args["vpcId"].StringValue()}}), nil
	case "aws:ssm/getParameter:getParameter":
		return resource.NewPropertyMapFromMap(map[string]any{"insecureValue": "ami-of-" + args.Args["name"].StringValue()}), nil
	case "aws:ec2/getAmi:getAmi":
		filters := args.Args["filters"].ArrayValue()
		return resource.NewPropertyMapFromMap(image(filters[0].ObjectValue()["values"].ArrayValue()[0].StringValue())), nil
	case "aws:ec2/getInstanceType:getInstanceType":
		name := args.Args["instanceType"].StringValue()
		found, ok := instanceTypes[name]
		if !ok {
			return nil, fmt.Errorf("InvalidInstanceType: the instance type %s does not exist", name)
		}
		return resource.NewPropertyMapFromMap(found), nil
	}
	return nil, fmt.Errorf("the program calls %s, which these tests do not know", args.Token)
}

// asConfig writes a configuration as the engine does: values that are not
// strings as JSON.
func asConfig(t *testing.T, values map[string]any) map[string]string {
	t.Helper()
	config := map[string]string{}
	for key, value := range values {
		text, ok := value.(string)
		if !ok {
			encoded, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			text = string(encoded)
		}
		config[key] = text
	}
	return config
}

// deploy runs the program with a configuration.
func deploy(t *testing.T, stack string, values map[string]any) (*recorder, error) {
	t.Helper()
	r, config := &recorder{}, asConfig(t, values)
	err := pulumi.RunErr(program.Deploy, pulumi.WithMocks("kraftstack", stack, r),
		func(info *pulumi.RunInfo) { info.Config = config })
	return r, err
}

func mustDeploy(t *testing.T, values map[string]any) *recorder {
	t.Helper()
	r, err := deploy(t, "test", values)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// small is the least that a stack file must say.
func small(more map[string]any) map[string]any {
	values := map[string]any{
		"aws:region":        "us-east-1",
		"kraftstack:access": map[string]any{"adminCidrs": []string{"203.0.113.0/24"}},
	}
	maps.Copy(values, more)
	return values
}

func (r *recorder) get(t *testing.T, name string) registration {
	t.Helper()
	for _, res := range r.resources {
		if res.Name == name {
			return res
		}
	}
	t.Fatalf("nothing named %s was registered", name)
	return registration{}
}

// ofType lists the resources of a type by name.
func (r *recorder) ofType(kind string) []registration {
	var found []registration
	for _, res := range r.resources {
		if res.Type == kind {
			found = append(found, res)
		}
	}
	slices.SortFunc(found, func(a, b registration) int { return strings.Compare(a.Name, b.Name) })
	return found
}

func (r registration) text(key string) string {
	value := r.Inputs[resource.PropertyKey(key)]
	for value.IsSecret() {
		value = value.SecretValue().Element
	}
	if value.IsString() {
		return value.StringValue()
	}
	return ""
}

func (r registration) dependsOn(name string) bool {
	return slices.ContainsFunc(r.RPC.GetDependencies(), func(urn string) bool {
		return resource.URN(urn).Name() == name
	})
}

func (r registration) parent() string { return resource.URN(r.RPC.GetParent()).Name() }
