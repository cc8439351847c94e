package providers

import (
	sdk "github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ebs"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	r53 "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// netSettings are what the tests change between two runs of network.
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
		zones, err := sdk.GetAvailabilityZones(ctx, &sdk.GetAvailabilityZonesArgs{State: new("available")})
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
	if err != nil {
		return err
	}
	return borders(ctx, net, subnet, private)
}

// borders are what guards the VPC's borders and leads past its gateways.
func borders(ctx *pulumi.Context, net *ec2.Vpc, subnet *ec2.Subnet, table *ec2.RouteTable) error {
	if _, err := ec2.NewDefaultSecurityGroup(ctx, "emptied", &ec2.DefaultSecurityGroupArgs{VpcId: net.ID()}); err != nil {
		return err
	}
	if _, err := ec2.NewNetworkAcl(ctx, "acl", &ec2.NetworkAclArgs{VpcId: net.ID(), SubnetIds: pulumi.StringArray{subnet.ID()},
		Ingress: ec2.NetworkAclIngressArray{ec2.NetworkAclIngressArgs{RuleNo: pulumi.Int(200), Action: pulumi.String("allow"),
			Protocol: pulumi.String("6"), CidrBlock: pulumi.String("203.0.113.0/24"), FromPort: pulumi.Int(22), ToPort: pulumi.Int(22)},
			ec2.NetworkAclIngressArgs{RuleNo: pulumi.Int(100), Action: pulumi.String("allow"),
				Protocol: pulumi.String("-1"), CidrBlock: pulumi.String("10.20.0.0/24"), FromPort: pulumi.Int(0), ToPort: pulumi.Int(0)}},
		Egress: ec2.NetworkAclEgressArray{ec2.NetworkAclEgressArgs{RuleNo: pulumi.Int(100), Action: pulumi.String("allow"),
			Protocol: pulumi.String("6"), CidrBlock: pulumi.String("0.0.0.0/0"), FromPort: pulumi.Int(1024), ToPort: pulumi.Int(65535)}},
	}); err != nil {
		return err
	}
	if err := peer(ctx, net, table); err != nil {
		return err
	}
	if err := flowLogs(ctx, net); err != nil {
		return err
	}
	_, err := ec2.NewVpcEndpoint(ctx, "s3", &ec2.VpcEndpointArgs{VpcId: net.ID(), VpcEndpointType: pulumi.String("Gateway"),
		ServiceName: pulumi.String("com.amazonaws.us-east-1.s3"), RouteTableIds: pulumi.StringArray{table.ID()}})
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
	if err != nil {
		return err
	}
	err = entry(ctx, net, subnet, group, names, machine)
	ctx.Export("machine", machine.ID())
	ctx.Export("disk", disk.ID())
	ctx.Export("private", machine.PrivateIp)
	return err
}

// entry is a load balancer before the machine, with a name.
func entry(ctx *pulumi.Context, net *ec2.Vpc, subnet *ec2.Subnet, group *ec2.SecurityGroup, names *r53.Zone, machine *ec2.Instance) error {
	balancer, err := lb.NewLoadBalancer(ctx, "balancer", &lb.LoadBalancerArgs{LoadBalancerType: pulumi.String("network"),
		Internal: pulumi.Bool(true), Subnets: pulumi.StringArray{subnet.ID()}, SecurityGroups: pulumi.StringArray{group.ID()},
		EnableCrossZoneLoadBalancing: pulumi.Bool(true), Tags: pulumi.StringMap{"Name": pulumi.String("balancer")}})
	if err != nil {
		return err
	}
	targets, err := lb.NewTargetGroup(ctx, "targets", &lb.TargetGroupArgs{Port: pulumi.Int(9092), Protocol: pulumi.String("TCP"),
		VpcId: net.ID(), PreserveClientIp: pulumi.String("true"), HealthCheck: lb.TargetGroupHealthCheckArgs{
			Protocol: pulumi.String("TCP"), Interval: pulumi.Int(10), HealthyThreshold: pulumi.Int(2), UnhealthyThreshold: pulumi.Int(2)}})
	if err != nil {
		return err
	}
	if _, err := lb.NewTargetGroupAttachment(ctx, "target", &lb.TargetGroupAttachmentArgs{TargetGroupArn: targets.Arn, TargetId: machine.ID()}); err != nil {
		return err
	}
	if _, err := lb.NewListener(ctx, "listener", &lb.ListenerArgs{LoadBalancerArn: balancer.Arn, Port: pulumi.Int(9092), Protocol: pulumi.String("TCP"),
		DefaultActions: lb.ListenerDefaultActionArray{lb.ListenerDefaultActionArgs{Type: pulumi.String("forward"), TargetGroupArn: targets.Arn}}}); err != nil {
		return err
	}
	_, err = r53.NewRecord(ctx, "alias", &r53.RecordArgs{ZoneId: names.ID(), Name: pulumi.String("bootstrap"), Type: pulumi.String("A"),
		Aliases: r53.RecordAliasArray{r53.RecordAliasArgs{Name: balancer.DnsName, ZoneId: balancer.ZoneId, EvaluateTargetHealth: pulumi.Bool(false)}}})
	return err
}

// flowLogs go to a group of their own, by a role that may write there.
func flowLogs(ctx *pulumi.Context, net *ec2.Vpc) error {
	logs, err := cloudwatch.NewLogGroup(ctx, "logs", &cloudwatch.LogGroupArgs{RetentionInDays: pulumi.Int(7), Tags: pulumi.StringMap{"Name": pulumi.String("logs")}})
	if err != nil {
		return err
	}
	writer, err := iam.NewRole(ctx, "writer", &iam.RoleArgs{AssumeRolePolicy: pulumi.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"vpc-flow-logs.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		return err
	}
	if _, err := iam.NewRolePolicy(ctx, "may-write", &iam.RolePolicyArgs{Role: writer.Name, Policy: pulumi.Sprintf(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:PutLogEvents","Resource":"%s:*"}]}`, logs.Arn)}); err != nil {
		return err
	}
	_, err = ec2.NewFlowLog(ctx, "flow", &ec2.FlowLogArgs{VpcId: net.ID(), TrafficType: pulumi.String("ALL"), LogDestinationType: pulumi.String("cloud-watch-logs"),
		LogDestination: logs.Arn, IamRoleArn: writer.Arn, MaxAggregationInterval: pulumi.Int(60)})
	return err
}

// peer joins the VPC with another one.
func peer(ctx *pulumi.Context, net *ec2.Vpc, table *ec2.RouteTable) error {
	far, err := ec2.NewVpc(ctx, "far", &ec2.VpcArgs{CidrBlock: pulumi.String("10.21.0.0/24")})
	if err != nil {
		return err
	}
	peering, err := ec2.NewVpcPeeringConnection(ctx, "peering", &ec2.VpcPeeringConnectionArgs{VpcId: net.ID(), PeerVpcId: far.ID(),
		AutoAccept: pulumi.Bool(true), Requester: ec2.VpcPeeringConnectionRequesterArgs{AllowRemoteVpcDnsResolution: pulumi.Bool(true)}})
	if err != nil {
		return err
	}
	_, err = ec2.NewRoute(ctx, "to-far", &ec2.RouteArgs{RouteTableId: table.ID(),
		DestinationCidrBlock: pulumi.String("10.21.0.0/24"), VpcPeeringConnectionId: peering.ID()})
	return err
}
