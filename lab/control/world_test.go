package control

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"net/netip"
	"testing"

	"kraftstack/lab/cloud"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	r53 "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

const ubuntu = "ami-0123456789abcdef0"

var addresses = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// world is a small cloud, made through the AWS API.
type world struct {
	vpc, public, private, main, table, igw, nat, group string
	natAllocation, allocation, instance, volume, zone  string
	natIP, ip, key                                     string
}

func build(t *testing.T, c *Control) world {
	t.Helper()
	ctx, api := t.Context(), ec2.NewFromConfig(c.awsConfig(Region))
	w := world{}
	vpc := must[*ec2.CreateVpcOutput](t)(api.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.1.0.7/24")}))
	w.vpc = *vpc.Vpc.VpcId
	must[*ec2.ModifyVpcAttributeOutput](t)(api.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{
		VpcId: &w.vpc, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(true)}}))
	subnet := func(cidr, zone string) string {
		return *must[*ec2.CreateSubnetOutput](t)(api.CreateSubnet(ctx, &ec2.CreateSubnetInput{
			VpcId: &w.vpc, CidrBlock: &cidr, AvailabilityZone: &zone})).Subnet.SubnetId
	}
	w.public, w.private = subnet("10.1.0.0/28", "us-east-1a"), subnet("10.1.0.16/28", "us-east-1b")
	w.igw = *must[*ec2.CreateInternetGatewayOutput](t)(api.CreateInternetGateway(ctx, nil)).InternetGateway.InternetGatewayId
	must[*ec2.AttachInternetGatewayOutput](t)(api.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{
		InternetGatewayId: &w.igw, VpcId: &w.vpc}))
	allocate := func() (string, string) {
		got := must[*ec2.AllocateAddressOutput](t)(api.AllocateAddress(ctx, &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc}))
		return *got.AllocationId, *got.PublicIp
	}
	w.natAllocation, w.natIP = allocate()
	w.allocation, w.ip = allocate()
	w.nat = *must[*ec2.CreateNatGatewayOutput](t)(api.CreateNatGateway(ctx, &ec2.CreateNatGatewayInput{
		SubnetId: &w.public, AllocationId: &w.natAllocation})).NatGateway.NatGatewayId
	w.table = *must[*ec2.CreateRouteTableOutput](t)(api.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: &w.vpc})).RouteTable.RouteTableId
	must[*ec2.CreateRouteOutput](t)(api.CreateRoute(ctx, &ec2.CreateRouteInput{
		RouteTableId: &w.table, DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: &w.igw}))
	must[*ec2.AssociateRouteTableOutput](t)(api.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{
		RouteTableId: &w.table, SubnetId: &w.public}))
	tables := must[*ec2.DescribeRouteTablesOutput](t)(api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{
		Filters: []types.Filter{{Name: aws.String("vpc-id"), Values: []string{w.vpc}}, {Name: aws.String("association.main"), Values: []string{"true"}}}}))
	w.main = *tables.RouteTables[0].RouteTableId
	must[*ec2.CreateRouteOutput](t)(api.CreateRoute(ctx, &ec2.CreateRouteInput{
		RouteTableId: &w.main, DestinationCidrBlock: aws.String("0.0.0.0/0"), NatGatewayId: &w.nat}))
	w.buildHost(t, c, api)
	return w
}

func (w *world) buildHost(t *testing.T, c *Control, api *ec2.Client) {
	t.Helper()
	ctx := t.Context()
	w.group = *must[*ec2.CreateSecurityGroupOutput](t)(api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: aws.String("nodes"), Description: aws.String("nodes"), VpcId: &w.vpc})).GroupId
	must[*ec2.AuthorizeSecurityGroupIngressOutput](t)(api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &w.group, IpPermissions: []types.IpPermission{
			{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22), IpRanges: []types.IpRange{{CidrIp: aws.String("203.0.113.0/24")}}},
			{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(9092), ToPort: aws.Int32(9093), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &w.group}}},
		}}))
	w.key = publicKey(t)
	must[*ec2.ImportKeyPairOutput](t)(api.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{KeyName: aws.String("operator"), PublicKeyMaterial: []byte(w.key)}))
	run := must[*ec2.RunInstancesOutput](t)(api.RunInstances(ctx, w.launch("broker-1001")))
	w.instance = *run.Instances[0].InstanceId
	w.volume = *must[*ec2.CreateVolumeOutput](t)(api.CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(10), VolumeType: types.VolumeTypeGp3, Encrypted: aws.Bool(true)})).VolumeId
	must[*ec2.AttachVolumeOutput](t)(api.AttachVolume(ctx, &ec2.AttachVolumeInput{
		VolumeId: &w.volume, InstanceId: &w.instance, Device: aws.String("/dev/sdf")}))
	must[*ec2.AssociateAddressOutput](t)(api.AssociateAddress(ctx, &ec2.AssociateAddressInput{
		AllocationId: &w.allocation, InstanceId: &w.instance}))
	dns := route53.NewFromConfig(c.awsConfig(Region))
	zone := must[*route53.CreateHostedZoneOutput](t)(dns.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{
		Name: aws.String("lab.kafka.internal"), CallerReference: aws.String("one"),
		VPC: &r53.VPC{VPCId: &w.vpc, VPCRegion: r53.VPCRegionUsEast1}}))
	w.zone = *zone.HostedZone.Id
	must[*route53.ChangeResourceRecordSetsOutput](t)(dns.ChangeResourceRecordSets(ctx, w.record(r53.ChangeActionCreate, "10.1.0.5")))
}

func (w *world) launch(name string) *ec2.RunInstancesInput {
	return &ec2.RunInstancesInput{
		ImageId: aws.String(ubuntu), InstanceType: types.InstanceTypeT3Medium, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		SubnetId: &w.public, SecurityGroupIds: []string{w.group}, KeyName: aws.String("operator"),
		UserData: aws.String(base64.StdEncoding.EncodeToString([]byte("#cloud-config\n"))),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance,
			Tags: []types.Tag{{Key: aws.String("Name"), Value: &name}}}},
	}
}

func (w *world) record(action r53.ChangeAction, value string) *route53.ChangeResourceRecordSetsInput {
	return &route53.ChangeResourceRecordSetsInput{HostedZoneId: &w.zone, ChangeBatch: &r53.ChangeBatch{Changes: []r53.Change{{
		Action: action, ResourceRecordSet: &r53.ResourceRecordSet{Name: aws.String("broker-1001.lab.kafka.internal"),
			Type: r53.RRTypeA, TTL: aws.Int64(60), ResourceRecords: []r53.ResourceRecord{{Value: &value}}}}}}}
}

func publicKey(t *testing.T) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(key)))
}

func (w *world) want() cloud.Snapshot {
	everywhere := netip.MustParsePrefix("0.0.0.0/0")
	zoneID := w.zone[len("/hostedzone/"):]
	return cloud.Snapshot{
		VPCs: []cloud.VPC{{ID: w.vpc, CIDR: netip.MustParsePrefix("10.1.0.0/24"), EnableDNSSupport: true, EnableDNSHostnames: true}},
		Subnets: []cloud.Subnet{
			{ID: w.public, VPC: w.vpc, CIDR: netip.MustParsePrefix("10.1.0.0/28"), Zone: "us-east-1a", RouteTable: w.table},
			{ID: w.private, VPC: w.vpc, CIDR: netip.MustParsePrefix("10.1.0.16/28"), Zone: "us-east-1b", RouteTable: w.main}},
		RouteTables: []cloud.RouteTable{
			{ID: w.table, VPC: w.vpc, Routes: []cloud.Route{{Destination: everywhere, Target: w.igw}}},
			{ID: w.main, VPC: w.vpc, Routes: []cloud.Route{{Destination: everywhere, Target: w.nat}}}},
		NATGateways: []cloud.NATGateway{{ID: w.nat, Subnet: w.public, PublicIP: netip.MustParseAddr(w.natIP)}},
		Instances: []cloud.Instance{{
			ID: w.instance, State: "running", Name: "broker-1001", Image: ubuntu, Type: "t3.medium", VPC: w.vpc, Subnet: w.public,
			// The first four addresses are AWS's, the next is the NAT gateway's.
			Zone: "us-east-1a", PrivateIP: netip.MustParseAddr("10.1.0.5"), SecurityGroups: []string{w.group},
			UserData: []byte("#cloud-config\n"), PublicKeys: []string{w.key},
			Volumes: []cloud.Attachment{{Volume: w.volume, Device: "/dev/sdf"}}}},
		SecurityGroups: []cloud.SecurityGroup{{
			ID: w.group, VPC: w.vpc, Egress: []cloud.Rule{{Protocol: "-1", CIDRs: []netip.Prefix{everywhere}}},
			Ingress: []cloud.Rule{
				{Protocol: "tcp", FromPort: 22, ToPort: 22, CIDRs: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}},
				{Protocol: "tcp", FromPort: 9092, ToPort: 9093, Groups: []string{w.group}}}}},
		Addresses: []cloud.Address{
			{AllocationID: w.allocation, PublicIP: netip.MustParseAddr(w.ip), Instance: w.instance},
			{AllocationID: w.natAllocation, PublicIP: netip.MustParseAddr(w.natIP)}},
		Zones: []cloud.Zone{{ID: zoneID, Name: "lab.kafka.internal", VPCs: []string{w.vpc},
			Records: []cloud.Record{{Name: "broker-1001.lab.kafka.internal", Type: "A", TTL: 60, Values: []string{"10.1.0.5"}}}}},
	}
}
