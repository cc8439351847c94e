package providers

import (
	"context"

	sdk "github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// unknownIsRefused holds the rule that no argument is ignored, and
// that no refusal shows a secret.
func (w *world) unknownIsRefused() {
	t := w.t
	var program pulumi.RunFunc
	stack := w.stack("refused", lab("us-east-1"), func(ctx *pulumi.Context) error { return program(ctx) })
	for _, c := range refusals {
		program = c.program
		_, err := stack.Preview(context.Background())
		mustSay(t, err, c.says...)
		mustNotSay(t, err.Error(), "SECRET")
	}
}

var refusals = []struct {
	says    []string
	program pulumi.RunFunc
}{
	{[]string{`does not have the argument "instanceTenancy"`}, func(ctx *pulumi.Context) error {
		_, err := ec2.NewVpc(ctx, "net", &ec2.VpcArgs{CidrBlock: pulumi.String("10.0.0.0/24"), InstanceTenancy: pulumi.String("dedicated")})
		return err
	}},
	{[]string{`does not have the argument "ingress"; use aws:vpc:SecurityGroupIngressRule`}, func(ctx *pulumi.Context) error {
		_, err := ec2.NewSecurityGroup(ctx, "group", &ec2.SecurityGroupArgs{
			Ingress: ec2.SecurityGroupIngressArray{&ec2.SecurityGroupIngressArgs{Protocol: pulumi.String("tcp"),
				FromPort: pulumi.Int(1), ToPort: pulumi.Int(2)}}})
		return err
	}},
	{[]string{"rootBlockDevice", "deviceName"}, func(ctx *pulumi.Context) error {
		_, err := ec2.NewInstance(ctx, "host", &ec2.InstanceArgs{Ami: pulumi.String("ami-1"), InstanceType: pulumi.String("t3.micro"),
			SubnetId: pulumi.String("subnet-1"), RootBlockDevice: &ec2.InstanceRootBlockDeviceArgs{DeviceName: pulumi.String("/dev/sda1")}})
		return err
	}},
	{[]string{"does not have the resource type aws:ec2/vpcDhcpOptions"}, func(ctx *pulumi.Context) error {
		_, err := ec2.NewVpcDhcpOptions(ctx, "dhcp", &ec2.VpcDhcpOptionsArgs{DomainName: pulumi.String("x")})
		return err
	}},
	{[]string{`algorithm is "DSA"`}, func(ctx *pulumi.Context) error {
		_, err := tls.NewPrivateKey(ctx, "key", &tls.PrivateKeyArgs{Algorithm: pulumi.String("DSA")})
		return err
	}},
	{[]string{"connection.hostKey: no host key is given", `does not have the argument "connection.agentSocketPath"`}, func(ctx *pulumi.Context) error {
		_, err := remote.NewCommand(ctx, "open", &remote.CommandArgs{Create: pulumi.String("true"),
			Connection: remote.ConnectionArgs{Host: pulumi.String("127.0.0.1"), PrivateKey: pulumi.String("SECRET"),
				AgentSocketPath: pulumi.String("/x")}})
		return err
	}},
}

// foreignStackIsRefused keeps stacks of Amazon out of the lab: a
// refresh of one would empty its state.
func (w *world) foreignStackIsRefused() {
	t := w.t
	program := func(ctx *pulumi.Context) error {
		_, err := ec2.NewVpc(ctx, "net", &ec2.VpcArgs{CidrBlock: pulumi.String("10.0.0.0/24")})
		return err
	}
	stack := w.stack("foreign", map[string]string{"aws:region": "us-east-1", "aws:maxRetries": "3"}, program)
	_, err := stack.Preview(context.Background())
	mustSay(t, err, "kraftstack-lab", "aws:maxRetries")
}

// twoRegions gives one engine two explicit providers and the
// default one: each works in its own region with its own default tags.
func (w *world) twoRegions() {
	t := w.t
	stack := w.stack("regions", lab("us-east-1"), func(ctx *pulumi.Context) error {
		for _, region := range []string{"eu-west-1", "us-west-2"} {
			p, err := sdk.NewProvider(ctx, region, &sdk.ProviderArgs{Region: pulumi.String(region), Profile: pulumi.String("kraftstack-lab"),
				DefaultTags: &sdk.ProviderDefaultTagsArgs{Tags: pulumi.StringMap{"from": pulumi.String(region)}}})
			if err != nil {
				return err
			}
			zones, err := sdk.GetAvailabilityZones(ctx, nil, pulumi.Provider(p))
			if err != nil {
				return err
			}
			net, err := ec2.NewVpc(ctx, region, &ec2.VpcArgs{CidrBlock: pulumi.String("10.0.0.0/24")}, pulumi.Provider(p))
			if err != nil {
				return err
			}
			ctx.Export(region, net.Arn)
			ctx.Export(region+"-tags", net.TagsAll) //nolint:staticcheck // default tags show in it alone
			ctx.Export(region+"-zone", pulumi.String(zones.Names[0]))
		}
		here, err := ec2.NewVpc(ctx, "default", &ec2.VpcArgs{CidrBlock: pulumi.String("10.0.0.0/24")})
		if err != nil {
			return err
		}
		ctx.Export("us-east-1", here.Arn)
		return nil
	})
	w.up(stack)
	if got := w.up(stack); changed(got) != 0 {
		t.Errorf("the second up changed something: %v", got)
	}
	if got := w.refresh(stack); changed(got) != 0 {
		t.Errorf("refresh found a change where there is none: %v", got)
	}
	out, err := stack.Outputs(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range []string{"eu-west-1", "us-west-2", "us-east-1"} {
		if arn, _ := out[region].Value.(string); !contains(arn, ":"+region+":") {
			t.Errorf("the VPC of %s is %s", region, arn)
		}
	}
	for _, region := range []string{"eu-west-1", "us-west-2"} {
		if zone := out[region+"-zone"].Value; zone != region+"a" {
			t.Errorf("the first zone of %s is %v", region, zone)
		}
		if tags, _ := out[region+"-tags"].Value.(map[string]any); tags["from"] != region {
			t.Errorf("the tags in %s are %v", region, out[region+"-tags"].Value)
		}
	}
	w.destroy(stack)
}
