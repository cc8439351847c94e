package awsprovider

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type vpcArgs struct {
	CidrBlock          string            `pulumi:"cidrBlock" provider:"replaceOnChanges"`
	EnableDnsHostnames *bool             `pulumi:"enableDnsHostnames,optional"`
	EnableDnsSupport   *bool             `pulumi:"enableDnsSupport,optional"`
	Tags               map[string]string `pulumi:"tags,optional"`
}

type vpcState struct {
	vpcArgs
	Arn                    string            `pulumi:"arn"`
	DefaultNetworkAclId    string            `pulumi:"defaultNetworkAclId"`
	DefaultRouteTableId    string            `pulumi:"defaultRouteTableId"`
	DefaultSecurityGroupId string            `pulumi:"defaultSecurityGroupId"`
	DhcpOptionsId          string            `pulumi:"dhcpOptionsId"`
	MainRouteTableId       string            `pulumi:"mainRouteTableId"`
	OwnerId                string            `pulumi:"ownerId"`
	TagsAll                map[string]string `pulumi:"tagsAll"`
}

func (s *vpcState) made() bool { return s.Arn != "" }

type vpc struct{}

func (vpc) token() (string, string) { return "ec2/vpc", "Vpc" }

func (vpc) plan(c *cloud, old vpcState, in vpcArgs) vpcState {
	old.vpcArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d vpc) create(ctx context.Context, c *cloud, in vpcArgs, st *vpcState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.CreateVpc(req, &ec2.CreateVpcInput{
		CidrBlock:         aws.String(in.CidrBlock),
		TagSpecifications: ec2TagSpec(types.ResourceTypeVpc, st.TagsAll),
	})
	if err != nil {
		return "", failed("CreateVpc", in.CidrBlock, err)
	}
	id := aws.ToString(out.Vpc.VpcId)
	err = await(ctx, id+" to be available", time.Minute, func(ctx context.Context) (bool, string, error) {
		v, err := describeVpc(ctx, c, id)
		if err != nil {
			return false, "", err
		}
		return v.State == types.VpcStateAvailable, string(v.State), nil
	})
	if err == nil {
		err = d.attributes(ctx, c, id, vpcArgs{}, in)
	}
	if err == nil {
		err = d.fill(ctx, c, id, st)
	}
	return id, err
}

// attributes sets DNS support before host names, which need it, as AWS wants:
// one attribute a call.
func (vpc) attributes(ctx context.Context, c *cloud, id string, old, in vpcArgs) error {
	// AWS's defaults of a new VPC: support on, host names off.
	wasSupport, wasNames := orTrue(old.EnableDnsSupport), orFalse(old.EnableDnsHostnames)
	support, names := orTrue(in.EnableDnsSupport), orFalse(in.EnableDnsHostnames)
	if support != wasSupport {
		_, err := c.ec2.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{
			VpcId: aws.String(id), EnableDnsSupport: &types.AttributeBooleanValue{Value: aws.Bool(support)}})
		if err != nil {
			return failed("ModifyVpcAttribute enableDnsSupport", id, err)
		}
	}
	if names != wasNames {
		_, err := c.ec2.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{
			VpcId: aws.String(id), EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(names)}})
		if err != nil {
			return failed("ModifyVpcAttribute enableDnsHostnames", id, err)
		}
	}
	return nil
}

func describeVpc(ctx context.Context, c *cloud, id string) (types.Vpc, error) {
	out, err := c.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{id}})
	if notFound(err) || err == nil && len(out.Vpcs) == 0 {
		return types.Vpc{}, errGone
	}
	if err != nil {
		return types.Vpc{}, failed("DescribeVpcs", id, err)
	}
	return out.Vpcs[0], nil
}

// fill completes the computed part of the state.
func (vpc) fill(ctx context.Context, c *cloud, id string, st *vpcState) error {
	v, err := describeVpc(ctx, c, id)
	if err != nil {
		return err
	}
	st.OwnerId = aws.ToString(v.OwnerId)
	st.DhcpOptionsId = aws.ToString(v.DhcpOptionsId)
	st.Arn = c.ec2ARN(st.OwnerId, "vpc/"+id)
	tables, err := c.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{
		filter("vpc-id", id), filter("association.main", "true")}})
	if err != nil {
		return failed("DescribeRouteTables", id, err)
	}
	for _, t := range tables.RouteTables {
		st.MainRouteTableId = aws.ToString(t.RouteTableId)
		st.DefaultRouteTableId = st.MainRouteTableId
	}
	groups, err := c.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{
		filter("vpc-id", id), filter("group-name", "default")}})
	if err != nil {
		return failed("DescribeSecurityGroups", id, err)
	}
	for _, g := range groups.SecurityGroups {
		st.DefaultSecurityGroupId = aws.ToString(g.GroupId)
	}
	acls, err := c.ec2.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{
		filter("vpc-id", id), filter("default", "true")}})
	if err != nil {
		return failed("DescribeNetworkAcls", id, err)
	}
	for _, a := range acls.NetworkAcls {
		st.DefaultNetworkAclId = aws.ToString(a.NetworkAclId)
	}
	return nil
}

func (d vpc) read(ctx context.Context, c *cloud, id string, in *vpcArgs, st *vpcState) error {
	v, err := describeVpc(ctx, c, id)
	if err != nil {
		return err
	}
	in.CidrBlock = aws.ToString(v.CidrBlock)
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(v.Tags), in.Tags)
	support, err := c.ec2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{
		VpcId: aws.String(id), Attribute: types.VpcAttributeNameEnableDnsSupport})
	if err != nil {
		return failed("DescribeVpcAttribute enableDnsSupport", id, err)
	}
	names, err := c.ec2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{
		VpcId: aws.String(id), Attribute: types.VpcAttributeNameEnableDnsHostnames})
	if err != nil {
		return failed("DescribeVpcAttribute enableDnsHostnames", id, err)
	}
	drift(&in.EnableDnsSupport, support.EnableDnsSupport.Value, true)
	drift(&in.EnableDnsHostnames, names.EnableDnsHostnames.Value, false)
	st.vpcArgs = *in
	return d.fill(ctx, c, id, st)
}

func (d vpc) update(ctx context.Context, c *cloud, id string, old vpcState, in vpcArgs, st *vpcState) error {
	if err := d.attributes(ctx, c, id, old.vpcArgs, in); err != nil {
		return err
	}
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (vpc) remove(ctx context.Context, c *cloud, id string, _ vpcState) error {
	return deleting(ctx, "DeleteVpc", id, func(ctx context.Context) error {
		_, err := c.ec2.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: aws.String(id)})
		return err
	})
}
