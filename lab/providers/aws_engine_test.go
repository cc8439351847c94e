package providers

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	sdk "github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ebs"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	r53 "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// settings are what the tests change between two runs of network.
type netSettings struct {
	vpcName      string
	instanceType string
	size         int
	userData     string
}

// someAMI is one of the images that the lab's AWS has.
const someAMI = "ami-0123456789abcdef0"

// network is one of each resource that the program uses.
func network(s *netSettings) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		zones, err := sdk.GetAvailabilityZones(ctx, &sdk.GetAvailabilityZonesArgs{State: pulumi.StringRef("available")})
		if err != nil {
			return err
		}
		net, err := ec2.NewVpc(ctx, "net", &ec2.VpcArgs{CidrBlock: pulumi.String("10.20.0.0/24"),
			EnableDnsHostnames: pulumi.Bool(true), EnableDnsSupport: pulumi.Bool(true),
			Tags: pulumi.StringMap{"Name": pulumi.String(s.vpcName)}})
		if err != nil {
			return err
		}
		igw, err := ec2.NewInternetGateway(ctx, "igw", &ec2.InternetGatewayArgs{VpcId: net.ID()})
		if err != nil {
			return err
		}
		subnet, err := ec2.NewSubnet(ctx, "subnet", &ec2.SubnetArgs{VpcId: net.ID(), CidrBlock: pulumi.String("10.20.0.0/26"),
			AvailabilityZone: pulumi.String(zones.Names[0])})
		if err != nil {
			return err
		}
		if err := routes(ctx, net, igw, subnet); err != nil {
			return err
		}
		group, err := groups(ctx, net)
		if err != nil {
			return err
		}
		return host(ctx, s, zones.Names[0], net, igw, subnet, group)
	}
}

func routes(ctx *pulumi.Context, net *ec2.Vpc, igw *ec2.InternetGateway, subnet *ec2.Subnet) error {
	table, err := ec2.NewRouteTable(ctx, "table", &ec2.RouteTableArgs{VpcId: net.ID()})
	if err != nil {
		return err
	}
	if _, err := ec2.NewRouteTableAssociation(ctx, "association", &ec2.RouteTableAssociationArgs{
		RouteTableId: table.ID(), SubnetId: subnet.ID()}); err != nil {
		return err
	}
	if _, err := ec2.NewRoute(ctx, "out", &ec2.RouteArgs{RouteTableId: table.ID(),
		DestinationCidrBlock: pulumi.String("0.0.0.0/0"), GatewayId: igw.ID()}); err != nil {
		return err
	}
	address, err := ec2.NewEip(ctx, "nat-address", &ec2.EipArgs{Domain: pulumi.String("vpc")})
	if err != nil {
		return err
	}
	nat, err := ec2.NewNatGateway(ctx, "nat", &ec2.NatGatewayArgs{SubnetId: subnet.ID(), AllocationId: address.ID()},
		pulumi.DependsOn([]pulumi.Resource{igw}))
	if err != nil {
		return err
	}
	private, err := ec2.NewRouteTable(ctx, "private", &ec2.RouteTableArgs{VpcId: net.ID()})
	if err != nil {
		return err
	}
	_, err = ec2.NewRoute(ctx, "private-out", &ec2.RouteArgs{RouteTableId: private.ID(),
		DestinationCidrBlock: pulumi.String("0.0.0.0/0"), NatGatewayId: nat.ID()})
	return err
}

func groups(ctx *pulumi.Context, net *ec2.Vpc) (*ec2.SecurityGroup, error) {
	group, err := ec2.NewSecurityGroup(ctx, "group", &ec2.SecurityGroupArgs{VpcId: net.ID(), Description: pulumi.String("hosts")})
	if err != nil {
		return nil, err
	}
	if _, err := vpc.NewSecurityGroupIngressRule(ctx, "ssh", &vpc.SecurityGroupIngressRuleArgs{SecurityGroupId: group.ID(),
		IpProtocol: pulumi.String("tcp"), FromPort: pulumi.Int(22), ToPort: pulumi.Int(22),
		CidrIpv4: pulumi.String("203.0.113.0/24"), Description: pulumi.String("operators")}); err != nil {
		return nil, err
	}
	if _, err := vpc.NewSecurityGroupIngressRule(ctx, "peers", &vpc.SecurityGroupIngressRuleArgs{SecurityGroupId: group.ID(),
		IpProtocol: pulumi.String("tcp"), FromPort: pulumi.Int(9092), ToPort: pulumi.Int(9093),
		ReferencedSecurityGroupId: group.ID()}); err != nil {
		return nil, err
	}
	_, err = vpc.NewSecurityGroupEgressRule(ctx, "all", &vpc.SecurityGroupEgressRuleArgs{SecurityGroupId: group.ID(),
		IpProtocol: pulumi.String("-1"), CidrIpv4: pulumi.String("0.0.0.0/0")})
	return group, err
}

func host(ctx *pulumi.Context, s *netSettings, zone string, net *ec2.Vpc, igw *ec2.InternetGateway, subnet *ec2.Subnet, group *ec2.SecurityGroup) error {
	key, err := tls.NewPrivateKey(ctx, "login", &tls.PrivateKeyArgs{Algorithm: pulumi.String("ED25519")})
	if err != nil {
		return err
	}
	pair, err := ec2.NewKeyPair(ctx, "pair", &ec2.KeyPairArgs{PublicKey: key.PublicKeyOpenssh})
	if err != nil {
		return err
	}
	machine, err := ec2.NewInstance(ctx, "machine", &ec2.InstanceArgs{
		Ami: pulumi.String(someAMI), InstanceType: pulumi.String(s.instanceType), SubnetId: subnet.ID(),
		VpcSecurityGroupIds: pulumi.StringArray{group.ID()}, KeyName: pair.KeyName,
		UserData:        pulumi.ToSecret(pulumi.String(s.userData)).(pulumi.StringOutput),
		MetadataOptions: &ec2.InstanceMetadataOptionsArgs{HttpTokens: pulumi.String("required"), HttpPutResponseHopLimit: pulumi.Int(1)},
		PrivateIp:       pulumi.String("10.20.0.10"), Tags: pulumi.StringMap{"Name": pulumi.String("machine")},
	})
	if err != nil {
		return err
	}
	disk, err := ebs.NewVolume(ctx, "disk", &ebs.VolumeArgs{AvailabilityZone: pulumi.String(zone), Size: pulumi.Int(s.size),
		Type: pulumi.String("gp3"), Encrypted: pulumi.Bool(true)})
	if err != nil {
		return err
	}
	if _, err := ec2.NewVolumeAttachment(ctx, "attachment", &ec2.VolumeAttachmentArgs{DeviceName: pulumi.String("/dev/sdf"),
		InstanceId: machine.ID(), VolumeId: disk.ID(), StopInstanceBeforeDetaching: pulumi.Bool(true)},
		pulumi.DeleteBeforeReplace(true)); err != nil {
		return err
	}
	address, err := ec2.NewEip(ctx, "address", &ec2.EipArgs{Domain: pulumi.String("vpc")}, pulumi.DependsOn([]pulumi.Resource{igw}))
	if err != nil {
		return err
	}
	if _, err := ec2.NewEipAssociation(ctx, "public", &ec2.EipAssociationArgs{
		AllocationId: address.ID(), InstanceId: machine.ID()}); err != nil {
		return err
	}
	names, err := r53.NewZone(ctx, "names", &r53.ZoneArgs{Name: pulumi.String("test.kafka.internal"),
		Vpcs: r53.ZoneVpcArray{&r53.ZoneVpcArgs{VpcId: net.ID()}}})
	if err != nil {
		return err
	}
	_, err = r53.NewRecord(ctx, "name", &r53.RecordArgs{ZoneId: names.ID(), Name: pulumi.String("machine"), Type: pulumi.String("A"),
		Ttl: pulumi.Int(10), Records: pulumi.StringArray{machine.PrivateIp}})
	ctx.Export("machine", machine.ID())
	ctx.Export("disk", disk.ID())
	ctx.Export("private", machine.PrivateIp)
	return err
}

func (w *world) lifeOfANetwork() {
	t := w.t
	ctx := context.Background()
	s := &netSettings{vpcName: "first", instanceType: "t3.medium", size: 8, userData: "#cloud-config\n"}
	stack := w.stack("life", lab("us-east-1"), network(s))
	if got := w.up(stack)["create"]; got != 24 {
		t.Errorf("up made %d resources, want 24", got)
	}
	if got := w.up(stack); changed(got) != 0 {
		t.Errorf("the second up changed something: %v", got)
	}
	w.refresh(stack) // takes over the address that was associated after the instance was made
	if got := w.refresh(stack); changed(got) != 0 {
		t.Errorf("refresh found a change where there is none: %v", got)
	}
	if got := w.up(stack); changed(got) != 0 {
		t.Errorf("up after refresh changed something: %v", got)
	}

	s.vpcName = "second"
	if got := w.up(stack); got["update"] != 1 || changed(got) != 1 {
		t.Errorf("another tag gave %v, want one update", got)
	}
	s.instanceType, s.size = "t3.large", 16
	if got := w.up(stack); got["update"] != 2 || changed(got) != 2 {
		t.Errorf("another type and size gave %v, want two updates", got)
	}
	s.size = 8
	_, err := stack.Up(ctx)
	mustSay(t, err, "cannot shrink from 16 to 8 GiB")
	s.size = 16

	w.driftIsRepaired(stack)
	w.terminatedComesBack(stack)

	w.destroy(stack)
	w.nothingLeft()
}

// driftIsRepaired changes a tag and takes a rule away behind the engine's back.
func (w *world) driftIsRepaired(stack auto.Stack) {
	w.t.Helper()
	ctx := context.Background()
	rules, err := w.ec2.DescribeSecurityGroupRules(ctx, &awsec2.DescribeSecurityGroupRulesInput{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range rules.SecurityGroupRules {
		if aws.ToInt32(r.FromPort) == 22 {
			if _, err := w.ec2.RevokeSecurityGroupIngress(ctx, &awsec2.RevokeSecurityGroupIngressInput{
				GroupId: r.GroupId, SecurityGroupRuleIds: []string{*r.SecurityGroupRuleId}}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	out, err := stack.Outputs(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.ec2.CreateTags(ctx, &awsec2.CreateTagsInput{Resources: []string{out["disk"].Value.(string)},
		Tags: []types.Tag{{Key: aws.String("stray"), Value: aws.String("yes")}}}); err != nil {
		w.t.Fatal(err)
	}
	if got := w.refresh(stack); got["delete"] != 1 || got["update"] != 1 {
		w.t.Errorf("refresh found %v, want one delete (the rule) and one update (the tag)", got)
	}
	if got := w.up(stack); got["create"] != 1 || got["update"] != 1 {
		w.t.Errorf("up repaired %v, want one create and one update", got)
	}
}

// terminatedComesBack ends the instance behind the engine's back: the same
// address and the same disk come back.
func (w *world) terminatedComesBack(stack auto.Stack) {
	w.t.Helper()
	ctx := context.Background()
	before, err := stack.Outputs(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.ec2.TerminateInstances(ctx, &awsec2.TerminateInstancesInput{InstanceIds: []string{before["machine"].Value.(string)}}); err != nil {
		w.t.Fatal(err)
	}
	if got := w.refresh(stack); got["delete"] < 2 {
		w.t.Errorf("refresh found %v, want at least the instance and its attachment gone", got)
	}
	w.up(stack)
	after, err := stack.Outputs(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if before["machine"].Value == after["machine"].Value {
		w.t.Error("the terminated instance was not replaced")
	}
	if before["disk"].Value != after["disk"].Value || after["private"].Value != "10.20.0.10" {
		w.t.Errorf("disk and address are %v and %v, want %v and 10.20.0.10", after["disk"].Value, after["private"].Value, before["disk"].Value)
	}
	disk, err := w.ec2.DescribeVolumes(ctx, &awsec2.DescribeVolumesInput{VolumeIds: []string{after["disk"].Value.(string)}})
	if err != nil {
		w.t.Fatal(err)
	}
	if a := disk.Volumes[0].Attachments; len(a) != 1 || aws.ToString(a[0].InstanceId) != after["machine"].Value {
		w.t.Errorf("the disk hangs on %v, want the new instance %v", a, after["machine"].Value)
	}
	if got := w.up(stack); changed(got) != 0 {
		w.t.Errorf("up after the repair changed something: %v", got)
	}
}

// nothingLeft looks for what a destroy forgot.
func (w *world) nothingLeft() {
	w.t.Helper()
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	custom := []types.Filter{{Name: aws.String("cidr"), Values: []string{"10.20.0.0/24"}}}
	vpcs, err := w.ec2.DescribeVpcs(ctx, &awsec2.DescribeVpcsInput{Filters: custom})
	fail(err)
	volumes, err := w.ec2.DescribeVolumes(ctx, &awsec2.DescribeVolumesInput{})
	fail(err)
	addresses, err := w.ec2.DescribeAddresses(ctx, &awsec2.DescribeAddressesInput{})
	fail(err)
	keys, err := w.ec2.DescribeKeyPairs(ctx, &awsec2.DescribeKeyPairsInput{})
	fail(err)
	gateways, err := w.ec2.DescribeInternetGateways(ctx, &awsec2.DescribeInternetGatewaysInput{})
	fail(err)
	zones, err := route53.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(w.url),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}).ListHostedZones(ctx, &route53.ListHostedZonesInput{})
	fail(err)
	for name, n := range map[string]int{"VPCs": len(vpcs.Vpcs), "volumes": len(volumes.Volumes), "addresses": len(addresses.Addresses),
		"key pairs": len(keys.KeyPairs), "zones": len(zones.HostedZones), "gateways": len(gateways.InternetGateways)} {
		if n != 0 {
			w.t.Errorf("destroy left %d %s", n, name)
		}
	}
}
