package awsprovider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type natGatewayArgs struct {
	SubnetId         string            `pulumi:"subnetId" provider:"replaceOnChanges"`
	AllocationId     *string           `pulumi:"allocationId,optional" provider:"replaceOnChanges"`
	ConnectivityType *string           `pulumi:"connectivityType,optional" provider:"replaceOnChanges"`
	Tags             map[string]string `pulumi:"tags,optional"`
}

type natGatewayState struct {
	natGatewayArgs
	AssociationId      string            `pulumi:"associationId"`
	NetworkInterfaceId string            `pulumi:"networkInterfaceId"`
	PrivateIp          string            `pulumi:"privateIp"`
	PublicIp           string            `pulumi:"publicIp"`
	TagsAll            map[string]string `pulumi:"tagsAll"`
}

func (s *natGatewayState) made() bool { return s.PrivateIp != "" }

type natGateway struct{}

func (natGateway) token() (string, string) { return "ec2/natGateway", "NatGateway" }

func (natGateway) plan(c *cloud, old natGatewayState, in natGatewayArgs) natGatewayState {
	old.natGatewayArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d natGateway) create(ctx context.Context, c *cloud, in natGatewayArgs, st *natGatewayState) (string, error) {
	req, done := once(ctx)
	defer done()
	ask := &ec2.CreateNatGatewayInput{
		SubnetId:          aws.String(in.SubnetId),
		AllocationId:      in.AllocationId,
		TagSpecifications: ec2TagSpec(types.ResourceTypeNatgateway, st.TagsAll),
	}
	if in.ConnectivityType != nil {
		ask.ConnectivityType = types.ConnectivityType(*in.ConnectivityType)
	}
	out, err := c.ec2.CreateNatGateway(req, ask)
	if err != nil {
		return "", failed("CreateNatGateway", "subnet "+in.SubnetId, err)
	}
	id := aws.ToString(out.NatGateway.NatGatewayId)
	err = await(ctx, id+" to be available", 10*time.Minute, func(ctx context.Context) (bool, string, error) {
		g, err := describeNatGateway(ctx, c, id)
		if err != nil {
			return false, "", err
		}
		if g.State == types.NatGatewayStateFailed {
			return false, "", fmt.Errorf("aws: CreateNatGateway for %s: failed: %s: %s", id, aws.ToString(g.FailureCode), aws.ToString(g.FailureMessage))
		}
		d.fill(g, st)
		return g.State == types.NatGatewayStateAvailable, string(g.State), nil
	})
	return id, err
}

// describeNatGateway takes a deleted gateway, which AWS lists for an hour, for
// one that is gone.
func describeNatGateway(ctx context.Context, c *cloud, id string) (types.NatGateway, error) {
	out, err := c.ec2.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{id}})
	if notFound(err) || err == nil && len(out.NatGateways) == 0 {
		return types.NatGateway{}, errGone
	}
	if err != nil {
		return types.NatGateway{}, failed("DescribeNatGateways", id, err)
	}
	if out.NatGateways[0].State == types.NatGatewayStateDeleted {
		return types.NatGateway{}, errGone
	}
	return out.NatGateways[0], nil
}

func (natGateway) fill(g types.NatGateway, st *natGatewayState) {
	for _, a := range g.NatGatewayAddresses {
		st.AssociationId = aws.ToString(a.AssociationId)
		st.NetworkInterfaceId = aws.ToString(a.NetworkInterfaceId)
		st.PrivateIp = aws.ToString(a.PrivateIp)
		st.PublicIp = aws.ToString(a.PublicIp)
	}
}

func (d natGateway) read(ctx context.Context, c *cloud, id string, in *natGatewayArgs, st *natGatewayState) error {
	g, err := describeNatGateway(ctx, c, id)
	if err != nil {
		return err
	}
	if g.State == types.NatGatewayStateDeleting || g.State == types.NatGatewayStateFailed {
		return errGone
	}
	in.SubnetId = aws.ToString(g.SubnetId)
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(g.Tags), in.Tags)
	st.natGatewayArgs = *in
	d.fill(g, st)
	return nil
}

func (natGateway) update(ctx context.Context, c *cloud, id string, old natGatewayState, _ natGatewayArgs, st *natGatewayState) error {
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (natGateway) remove(ctx context.Context, c *cloud, id string, _ natGatewayState) error {
	// The emulator answers the deletion of an unknown gateway with an internal
	// error, so ask first.
	if _, err := describeNatGateway(ctx, c, id); errors.Is(err, errGone) {
		return nil
	}
	_, err := c.ec2.DeleteNatGateway(ctx, &ec2.DeleteNatGatewayInput{NatGatewayId: aws.String(id)})
	if err != nil && !notFound(err) {
		return failed("DeleteNatGateway", id, err)
	}
	return await(ctx, id+" to be deleted", 10*time.Minute, func(ctx context.Context) (bool, string, error) {
		g, err := describeNatGateway(ctx, c, id)
		if errors.Is(err, errGone) {
			return true, "", nil
		}
		return false, string(g.State), err
	})
}
