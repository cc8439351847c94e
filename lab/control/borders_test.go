package control

import (
	"context"
	"net/netip"
	"testing"

	"kraftstack/lab/cloud"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
)

// borders is a fidelity test of what guards and leads around a VPC's borders.
type borders struct {
	*fidelity
	acl, endpoint string
	far, peering  string // the peer VPC, and the connection with it
}

// peerWith makes a VPC and asks for a connection of ours with it.
func (b *borders) peerWith(cidr string) call {
	return func(ctx context.Context, f *fidelity) error {
		made, err := f.api.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: &cidr})
		if err != nil {
			return err
		}
		b.far = *made.Vpc.VpcId
		return b.peer(ctx, f)
	}
}

func (b *borders) peer(ctx context.Context, f *fidelity) error {
	got, err := f.api.CreateVpcPeeringConnection(ctx, &ec2.CreateVpcPeeringConnectionInput{VpcId: &f.vpc, PeerVpcId: &b.far})
	if err == nil {
		b.peering = *got.VpcPeeringConnection.VpcPeeringConnectionId
	}
	return err
}

func (b *borders) accept(ctx context.Context, f *fidelity) error {
	return errOf(f.api.AcceptVpcPeeringConnection(ctx, &ec2.AcceptVpcPeeringConnectionInput{VpcPeeringConnectionId: &b.peering}))
}

func (b *borders) unpeer(ctx context.Context, f *fidelity) error {
	return errOf(f.api.DeleteVpcPeeringConnection(ctx, &ec2.DeleteVpcPeeringConnectionInput{VpcPeeringConnectionId: &b.peering}))
}

func (b *borders) routeToPeer(table func() string) call {
	return func(ctx context.Context, f *fidelity) error {
		return errOf(f.api.CreateRoute(ctx, &ec2.CreateRouteInput{RouteTableId: aws.String(table()),
			DestinationCidrBlock: aws.String("10.9.0.0/16"), VpcPeeringConnectionId: &b.peering}))
	}
}

// letGroupIn names a group of the peer's in a rule of ours.
func (b *borders) letGroupIn(ctx context.Context, f *fidelity) error {
	made, err := f.api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: aws.String("c" + b.peering), Description: aws.String("clients"), VpcId: &b.far})
	if err != nil {
		return err
	}
	return errOf(f.api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &f.group,
		IpPermissions: []types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(9092), ToPort: aws.Int32(9092),
			UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: made.GroupId}}}}}))
}

func (b *borders) entry(number int32, egress bool, protocol string, from, to int32) error {
	return errOf(b.api.CreateNetworkAclEntry(b.t.Context(), &ec2.CreateNetworkAclEntryInput{
		NetworkAclId: &b.acl, RuleNumber: &number, Egress: &egress, Protocol: &protocol, RuleAction: types.RuleActionAllow,
		CidrBlock: aws.String("10.9.8.7/16"), PortRange: &types.PortRange{From: &from, To: &to}}))
}

func (b *borders) endpointOf(service string, tables ...string) call {
	return func(ctx context.Context, f *fidelity) error {
		got, err := f.api.CreateVpcEndpoint(ctx, &ec2.CreateVpcEndpointInput{
			VpcId: &f.vpc, ServiceName: &service, RouteTableIds: tables})
		if err == nil {
			b.endpoint = *got.VpcEndpoint.VpcEndpointId
		}
		return err
	}
}

func TestSnapshotOfBorders(t *testing.T) {
	t.Parallel()
	c := start(t, t.TempDir())
	f := &fidelity{world: build(t, c), t: t, api: ec2.NewFromConfig(c.awsConfig(Region))}
	b := &borders{fidelity: f}
	play(t, f, b.rows())
	got := snapshot(t, c)
	anywhere, listed := netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("10.9.0.0/16")
	last := cloud.ACLEntry{Number: 32767, Protocol: "-1", CIDR: anywhere}
	want := cloud.NetworkACL{ID: b.acl, VPC: f.vpc,
		Ingress: []cloud.ACLEntry{
			{Number: 90, Allow: true, Protocol: "udp", FromPort: 53, ToPort: 53, CIDR: listed},
			{Number: 100, Allow: true, Protocol: "tcp", FromPort: 1024, ToPort: 65535, CIDR: listed}, last},
		Egress: []cloud.ACLEntry{last}}
	for _, acl := range got.NetworkACLs {
		if acl.ID == b.acl {
			if diff := cmp.Diff(want, acl, addresses); diff != "" {
				t.Errorf("the ACL (-want +got):\n%s", diff)
			}
		}
	}
	for _, subnet := range got.Subnets {
		if own := subnet.ACL == b.acl; own != (subnet.ID == f.private) || subnet.ACL == "" {
			t.Errorf("subnet %s has ACL %q", subnet.ID, subnet.ACL)
		}
	}
	endpoint := []cloud.S3Endpoint{{ID: b.endpoint, VPC: f.vpc, RouteTables: []string{f.table}}}
	if diff := cmp.Diff(endpoint, got.S3Endpoints); diff != "" {
		t.Errorf("endpoints (-want +got):\n%s", diff)
	}
	peering := []cloud.Peering{{ID: b.peering, VPCs: [2]string{f.vpc, b.far}}}
	if diff := cmp.Diff(peering, got.Peerings); diff != "" {
		t.Errorf("peerings (-want +got):\n%s", diff)
	}
	play(t, f, b.teardown())
	if left := snapshot(t, c); len(left.Peerings) > 0 {
		t.Errorf("peerings are left: %v", left.Peerings)
	}
}

// mainTableOf is the main route table of the VPC with these addresses.
func (b *borders) mainTableOf(cidr string) string {
	b.t.Helper()
	vpcs, err := b.api.DescribeVpcs(b.t.Context(), &ec2.DescribeVpcsInput{Filters: []types.Filter{{Name: aws.String("cidr"), Values: []string{cidr}}}})
	if err != nil || len(vpcs.Vpcs) == 0 {
		b.t.Fatal(err, len(vpcs.Vpcs))
	}
	tables, err := b.api.DescribeRouteTables(b.t.Context(), &ec2.DescribeRouteTablesInput{
		Filters: []types.Filter{{Name: aws.String("vpc-id"), Values: []string{*vpcs.Vpcs[0].VpcId}}}})
	if err != nil {
		b.t.Fatal(err)
	}
	return *tables.RouteTables[0].RouteTableId
}

func (b *borders) rows() []row {
	entry := func(number int32, protocol string, from, to int32) call {
		return func(context.Context, *fidelity) error { return b.entry(number, false, protocol, from, to) }
	}
	return []row{
		{"make an ACL", "", func(ctx context.Context, f *fidelity) error {
			got, err := f.api.CreateNetworkAcl(ctx, &ec2.CreateNetworkAclInput{VpcId: &f.vpc})
			if err == nil {
				b.acl = *got.NetworkAcl.NetworkAclId
			}
			return err
		}},
		{"an ACL rule", "", entry(100, "6", 1024, 65535)},
		{"its number again", "NetworkAclEntryAlreadyExists", entry(100, "6", 22, 22)},
		{"a number too high", "InvalidParameterValue", entry(32767, "6", 22, 22)},
		{"ports the wrong way round", "InvalidParameterValue", entry(101, "6", 23, 22)},
		{"a protocol that the lab has not", "kraftstack.NotEmulated", entry(101, "47", 0, 0)},
		{"a rule before it, by its protocol's name", "", entry(90, "udp", 53, 53)},
		{"more rules than the quota", "NetworkAclEntryLimitExceeded", func(context.Context, *fidelity) error {
			for number := range int32(21) {
				if err := b.entry(number+1, true, "6", 22, 22); err != nil {
					return err
				}
			}
			return nil
		}},
		{"delete them", "", func(ctx context.Context, f *fidelity) error {
			for number := range int32(20) {
				if err := b.deleteEntry(number+1, true); err != nil {
					return err
				}
			}
			return nil
		}},
		{"delete one that is not there", "InvalidNetworkAclEntry.NotFound", func(context.Context, *fidelity) error { return b.deleteEntry(7, true) }},
		{"give the private subnet the ACL", "", func(ctx context.Context, f *fidelity) error { return b.give(f.private, b.acl) }},
		{"delete an ACL in use", "DependencyViolation", b.deleteACL},
		{"a retry with its client token makes nothing new", "", func(ctx context.Context, f *fidelity) error {
			in := &ec2.CreateRouteTableInput{VpcId: &f.vpc, ClientToken: aws.String("retried")}
			first, err := f.api.CreateRouteTable(ctx, in)
			if err != nil {
				return err
			}
			second, err := f.api.CreateRouteTable(ctx, in)
			if err == nil && *first.RouteTable.RouteTableId != *second.RouteTable.RouteTableId {
				f.t.Error("two route tables for one token")
			}
			return err
		}},
		{"an endpoint for S3", "", b.endpointOf("com.amazonaws.us-east-1.s3", b.table)},
		{"another for the same table", "RouteAlreadyExists", b.endpointOf("com.amazonaws.us-east-1.s3", b.table)},
		{"peer with a VPC that overlaps", "", b.peerWith("10.1.0.0/16")},
		{"it has failed and cannot be accepted", "InvalidStateTransition", b.accept},
		{"a group of a VPC that is not peered", "InvalidGroup.NotFound", b.letGroupIn},
		{"peer with another", "", b.peerWith("10.9.0.0/16")},
		{"options before it is accepted", "OperationNotPermitted", func(ctx context.Context, f *fidelity) error {
			return errOf(f.api.ModifyVpcPeeringConnectionOptions(ctx, &ec2.ModifyVpcPeeringConnectionOptionsInput{VpcPeeringConnectionId: &b.peering,
				AccepterPeeringConnectionOptions: &types.PeeringConnectionOptionsRequest{AllowDnsResolutionFromRemoteVpc: aws.Bool(true)}}))
		}},
		{"accept it", "", b.accept},
		{"peer again", "VpcPeeringConnectionAlreadyExists", b.peer},
		{"a route of another VPC over it", "InvalidParameterValue", b.routeToPeer(func() string { return b.mainTableOf("172.31.0.0/16") })},
		{"a route over it", "", b.routeToPeer(func() string { return b.table })},
		{"a group of the peer's", "", b.letGroupIn},
		{"an endpoint for nothing", "InvalidServiceName", b.endpointOf("com.amazonaws.us-east-1.s4", b.table)},
		{"an endpoint in another region's name", "InvalidServiceName", b.endpointOf("com.amazonaws.us-west-2.s3", b.table)},
		{"a subnet for an endpoint that has no interfaces", "InvalidParameter", func(ctx context.Context, f *fidelity) error {
			return errOf(f.api.ModifyVpcEndpoint(ctx, &ec2.ModifyVpcEndpointInput{VpcEndpointId: &b.endpoint, AddSubnetIds: []string{f.private}}))
		}},
	}
}

func (b *borders) teardown() []row {
	return []row{
		{"delete the endpoint", "", b.deleteEndpoint},
		{"delete it again", "InvalidVpcEndpointId.NotFound", b.deleteEndpoint},
		{"its route is gone", "", func(ctx context.Context, f *fidelity) error {
			got, err := f.api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{f.table}})
			if err == nil && len(got.RouteTables[0].Routes) != 3 { // local, out, to the peer
				f.t.Errorf("routes: %v", len(got.RouteTables[0].Routes))
			}
			return err
		}},
		{"move the subnet to the default ACL", "", func(ctx context.Context, f *fidelity) error {
			got, err := f.api.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{
				{Name: aws.String("vpc-id"), Values: []string{f.vpc}}, {Name: aws.String("default"), Values: []string{"true"}}}})
			if err != nil {
				return err
			}
			return b.give(f.private, *got.NetworkAcls[0].NetworkAclId)
		}},
		{"delete the ACL", "", b.deleteACL},
		{"end the peering", "", b.unpeer},
		{"end it again", "InvalidStateTransition", b.unpeer},
		{"its route leads nowhere", "", func(ctx context.Context, f *fidelity) error {
			got, err := f.api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{f.table}})
			if err != nil {
				return err
			}
			for _, route := range got.RouteTables[0].Routes {
				if lost := route.VpcPeeringConnectionId != nil; lost != (route.State == types.RouteStateBlackhole) {
					f.t.Errorf("route to %s is %s", aws.ToString(route.DestinationCidrBlock), route.State)
				}
			}
			return nil
		}},
	}
}

func (b *borders) deleteEntry(number int32, egress bool) error {
	return errOf(b.api.DeleteNetworkAclEntry(b.t.Context(), &ec2.DeleteNetworkAclEntryInput{
		NetworkAclId: &b.acl, RuleNumber: &number, Egress: &egress}))
}

func (b *borders) deleteACL(ctx context.Context, f *fidelity) error {
	return errOf(f.api.DeleteNetworkAcl(ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: &b.acl}))
}

func (b *borders) deleteEndpoint(ctx context.Context, f *fidelity) error {
	return errOf(f.api.DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{b.endpoint}}))
}

// give moves a subnet to an ACL.
func (b *borders) give(subnet, acl string) error {
	got, err := b.api.DescribeNetworkAcls(b.t.Context(), &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{
		{Name: aws.String("association.subnet-id"), Values: []string{subnet}}}})
	if err != nil {
		return err
	}
	for _, association := range got.NetworkAcls[0].Associations {
		if *association.SubnetId == subnet {
			return errOf(b.api.ReplaceNetworkAclAssociation(b.t.Context(), &ec2.ReplaceNetworkAclAssociationInput{
				AssociationId: association.NetworkAclAssociationId, NetworkAclId: &acl}))
		}
	}
	return nil
}
