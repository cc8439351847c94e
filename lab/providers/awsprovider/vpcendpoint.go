package awsprovider

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type vpcEndpointArgs struct {
	VpcId             string            `pulumi:"vpcId" provider:"replaceOnChanges"`
	ServiceName       string            `pulumi:"serviceName" provider:"replaceOnChanges"`
	VpcEndpointType   *string           `pulumi:"vpcEndpointType,optional" provider:"replaceOnChanges"`
	PrivateDnsEnabled *bool             `pulumi:"privateDnsEnabled,optional" provider:"replaceOnChanges"`
	RouteTableIds     []string          `pulumi:"routeTableIds,optional"`
	SubnetIds         []string          `pulumi:"subnetIds,optional"`
	SecurityGroupIds  []string          `pulumi:"securityGroupIds,optional"`
	Tags              map[string]string `pulumi:"tags,optional"`
}

type vpcEndpointState struct {
	vpcEndpointArgs
	Arn                 string            `pulumi:"arn"`
	OwnerId             string            `pulumi:"ownerId"`
	State               string            `pulumi:"state"`
	NetworkInterfaceIds []string          `pulumi:"networkInterfaceIds"`
	TagsAll             map[string]string `pulumi:"tagsAll"`
}

func (s *vpcEndpointState) made() bool { return s.Arn != "" }

type vpcEndpoint struct{}

func (vpcEndpoint) token() (string, string) { return "ec2/vpcEndpoint", "VpcEndpoint" }

func (vpcEndpoint) plan(c *cloud, old vpcEndpointState, in vpcEndpointArgs) vpcEndpointState {
	old.vpcEndpointArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d vpcEndpoint) create(ctx context.Context, c *cloud, in vpcEndpointArgs, st *vpcEndpointState) (string, error) {
	req, done := once(ctx)
	defer done()
	kind := types.VpcEndpointTypeGateway
	if in.VpcEndpointType != nil {
		kind = types.VpcEndpointType(*in.VpcEndpointType)
	}
	ask := &ec2.CreateVpcEndpointInput{
		VpcId: aws.String(in.VpcId), ServiceName: aws.String(in.ServiceName), VpcEndpointType: kind,
		RouteTableIds: in.RouteTableIds, SubnetIds: in.SubnetIds, SecurityGroupIds: in.SecurityGroupIds,
		TagSpecifications: ec2TagSpec(types.ResourceTypeVpcEndpoint, st.TagsAll),
	}
	if kind == types.VpcEndpointTypeInterface {
		ask.PrivateDnsEnabled = aws.Bool(orFalse(in.PrivateDnsEnabled)) // the real provider's default
	}
	out, err := c.ec2.CreateVpcEndpoint(req, ask)
	if err != nil {
		return "", failed("CreateVpcEndpoint "+in.ServiceName, in.VpcId, err)
	}
	id := aws.ToString(out.VpcEndpoint.VpcEndpointId)
	err = await(ctx, id+" to be available", 10*time.Minute, func(ctx context.Context) (bool, string, error) {
		e, err := describeEndpoint(ctx, c, id)
		if err != nil {
			return false, "", err
		}
		d.fill(c, e, st)
		return st.State == "available", st.State, nil
	})
	return id, err
}

func (vpcEndpoint) fill(c *cloud, e types.VpcEndpoint, st *vpcEndpointState) {
	st.OwnerId, st.State = aws.ToString(e.OwnerId), string(e.State)
	st.NetworkInterfaceIds = e.NetworkInterfaceIds
	st.Arn = c.ec2ARN(st.OwnerId, "vpc-endpoint/"+aws.ToString(e.VpcEndpointId))
}

func describeEndpoint(ctx context.Context, c *cloud, id string) (types.VpcEndpoint, error) {
	out, err := c.ec2.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
	if notFound(err) || err == nil && (len(out.VpcEndpoints) == 0 || out.VpcEndpoints[0].State == types.StateDeleted) {
		return types.VpcEndpoint{}, errGone
	}
	if err != nil {
		return types.VpcEndpoint{}, failed("DescribeVpcEndpoints", id, err)
	}
	return out.VpcEndpoints[0], nil
}

func (d vpcEndpoint) read(ctx context.Context, c *cloud, id string, in *vpcEndpointArgs, st *vpcEndpointState) error {
	e, err := describeEndpoint(ctx, c, id)
	if err != nil {
		return err
	}
	var groups []string
	for _, g := range e.Groups {
		groups = append(groups, aws.ToString(g.GroupId))
	}
	in.VpcId, in.ServiceName = aws.ToString(e.VpcId), aws.ToString(e.ServiceName)
	in.RouteTableIds, in.SubnetIds, in.SecurityGroupIds = asGiven(in.RouteTableIds, e.RouteTableIds), asGiven(in.SubnetIds, e.SubnetIds), asGiven(in.SecurityGroupIds, groups)
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(e.Tags), in.Tags)
	st.vpcEndpointArgs = *in
	d.fill(c, e, st)
	return nil
}

func (vpcEndpoint) update(ctx context.Context, c *cloud, id string, old vpcEndpointState, in vpcEndpointArgs, st *vpcEndpointState) error {
	ask := &ec2.ModifyVpcEndpointInput{
		VpcEndpointId:    aws.String(id),
		AddRouteTableIds: lacking(in.RouteTableIds, old.RouteTableIds), RemoveRouteTableIds: lacking(old.RouteTableIds, in.RouteTableIds),
		AddSubnetIds: lacking(in.SubnetIds, old.SubnetIds), RemoveSubnetIds: lacking(old.SubnetIds, in.SubnetIds),
		AddSecurityGroupIds: lacking(in.SecurityGroupIds, old.SecurityGroupIds), RemoveSecurityGroupIds: lacking(old.SecurityGroupIds, in.SecurityGroupIds),
	}
	changes := 0
	for _, list := range [][]string{ask.AddRouteTableIds, ask.RemoveRouteTableIds, ask.AddSubnetIds, ask.RemoveSubnetIds, ask.AddSecurityGroupIds, ask.RemoveSecurityGroupIds} {
		changes += len(list)
	}
	if changes > 0 {
		if _, err := c.ec2.ModifyVpcEndpoint(ctx, ask); err != nil {
			return failed("ModifyVpcEndpoint", id, err)
		}
	}
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (vpcEndpoint) remove(ctx context.Context, c *cloud, id string, _ vpcEndpointState) error {
	_, err := c.ec2.DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id}})
	if err != nil && !notFound(err) {
		return failed("DeleteVpcEndpoints", id, err)
	}
	return await(ctx, id+" to be deleted", 10*time.Minute, func(ctx context.Context) (bool, string, error) {
		e, err := describeEndpoint(ctx, c, id)
		if errors.Is(err, errGone) {
			return true, "", nil
		}
		return false, string(e.State), err
	})
}
