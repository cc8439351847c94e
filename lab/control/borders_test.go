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
	play(t, f, b.teardown())
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
		{"an endpoint for nothing", "InvalidServiceName", b.endpointOf("com.amazonaws.us-east-1.s4", b.table)},
		{"an endpoint in another region's name", "InvalidServiceName", b.endpointOf("com.amazonaws.us-west-2.s3", b.table)},
	}
}

func (b *borders) teardown() []row {
	return []row{
		{"delete the endpoint", "", b.deleteEndpoint},
		{"delete it again", "InvalidVpcEndpointId.NotFound", b.deleteEndpoint},
		{"its route is gone", "", func(ctx context.Context, f *fidelity) error {
			got, err := f.api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{f.table}})
			if err == nil && len(got.RouteTables[0].Routes) != 2 {
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
