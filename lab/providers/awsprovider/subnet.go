package awsprovider

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type subnetArgs struct {
	VpcId               string            `pulumi:"vpcId" provider:"replaceOnChanges"`
	CidrBlock           string            `pulumi:"cidrBlock" provider:"replaceOnChanges"`
	AvailabilityZone    *string           `pulumi:"availabilityZone,optional" provider:"replaceOnChanges"`
	MapPublicIpOnLaunch *bool             `pulumi:"mapPublicIpOnLaunch,optional"`
	Tags                map[string]string `pulumi:"tags,optional"`
}

type subnetState struct {
	subnetArgs
	Arn                string            `pulumi:"arn"`
	AvailabilityZoneId string            `pulumi:"availabilityZoneId"`
	OwnerId            string            `pulumi:"ownerId"`
	TagsAll            map[string]string `pulumi:"tagsAll"`
}

func (s *subnetState) made() bool { return s.Arn != "" }

type subnet struct{}

func (subnet) token() (string, string) { return "ec2/subnet", "Subnet" }

func (subnet) plan(c *cloud, old subnetState, in subnetArgs) subnetState {
	zone := old.AvailabilityZone
	old.subnetArgs = in
	old.AvailabilityZone = keep(in.AvailabilityZone, zone)
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d subnet) create(ctx context.Context, c *cloud, in subnetArgs, st *subnetState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.CreateSubnet(req, &ec2.CreateSubnetInput{
		VpcId:             aws.String(in.VpcId),
		CidrBlock:         aws.String(in.CidrBlock),
		AvailabilityZone:  in.AvailabilityZone,
		TagSpecifications: ec2TagSpec(types.ResourceTypeSubnet, st.TagsAll),
	})
	if err != nil {
		return "", failed("CreateSubnet", in.CidrBlock+" in "+in.VpcId, err)
	}
	id := aws.ToString(out.Subnet.SubnetId)
	err = await(ctx, id+" to be available", time.Minute, func(ctx context.Context) (bool, string, error) {
		s, err := describeSubnet(ctx, c, id)
		if err != nil {
			return false, "", err
		}
		d.fill(c, s, st)
		return s.State == types.SubnetStateAvailable, string(s.State), nil
	})
	if err == nil && orFalse(in.MapPublicIpOnLaunch) {
		err = d.mapPublic(ctx, c, id, true)
	}
	return id, err
}

func (subnet) mapPublic(ctx context.Context, c *cloud, id string, on bool) error {
	_, err := c.ec2.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{
		SubnetId: aws.String(id), MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: aws.Bool(on)}})
	return failed("ModifySubnetAttribute mapPublicIpOnLaunch", id, err)
}

func describeSubnet(ctx context.Context, c *cloud, id string) (types.Subnet, error) {
	out, err := c.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{id}})
	if notFound(err) || err == nil && len(out.Subnets) == 0 {
		return types.Subnet{}, errGone
	}
	if err != nil {
		return types.Subnet{}, failed("DescribeSubnets", id, err)
	}
	return out.Subnets[0], nil
}

func (subnet) fill(c *cloud, s types.Subnet, st *subnetState) {
	st.AvailabilityZone = s.AvailabilityZone
	st.AvailabilityZoneId = aws.ToString(s.AvailabilityZoneId)
	st.OwnerId = aws.ToString(s.OwnerId)
	st.Arn = c.ec2ARN(st.OwnerId, "subnet/"+aws.ToString(s.SubnetId))
}

func (d subnet) read(ctx context.Context, c *cloud, id string, in *subnetArgs, st *subnetState) error {
	s, err := describeSubnet(ctx, c, id)
	if err != nil {
		return err
	}
	in.VpcId = aws.ToString(s.VpcId)
	in.CidrBlock = aws.ToString(s.CidrBlock)
	driftGiven(&in.AvailabilityZone, s.AvailabilityZone)
	drift(&in.MapPublicIpOnLaunch, s.MapPublicIpOnLaunch, false)
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(s.Tags), in.Tags)
	st.subnetArgs = *in
	d.fill(c, s, st)
	return nil
}

func (d subnet) update(ctx context.Context, c *cloud, id string, old subnetState, in subnetArgs, st *subnetState) error {
	if orFalse(old.MapPublicIpOnLaunch) != orFalse(in.MapPublicIpOnLaunch) {
		if err := d.mapPublic(ctx, c, id, orFalse(in.MapPublicIpOnLaunch)); err != nil {
			return err
		}
	}
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (subnet) remove(ctx context.Context, c *cloud, id string, _ subnetState) error {
	return deleting(ctx, "DeleteSubnet", id, func(ctx context.Context) error {
		_, err := c.ec2.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: aws.String(id)})
		return err
	})
}
