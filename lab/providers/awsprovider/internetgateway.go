package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type internetGatewayArgs struct {
	VpcId *string           `pulumi:"vpcId,optional"`
	Tags  map[string]string `pulumi:"tags,optional"`
}

type internetGatewayState struct {
	internetGatewayArgs
	Arn     string            `pulumi:"arn"`
	OwnerId string            `pulumi:"ownerId"`
	TagsAll map[string]string `pulumi:"tagsAll"`
}

func (s *internetGatewayState) made() bool { return s.Arn != "" }

type internetGateway struct{}

func (internetGateway) token() (string, string) { return "ec2/internetGateway", "InternetGateway" }

func (internetGateway) plan(c *cloud, old internetGatewayState, in internetGatewayArgs) internetGatewayState {
	old.internetGatewayArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d internetGateway) create(ctx context.Context, c *cloud, in internetGatewayArgs, st *internetGatewayState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.CreateInternetGateway(req, &ec2.CreateInternetGatewayInput{
		TagSpecifications: ec2TagSpec(types.ResourceTypeInternetGateway, st.TagsAll)})
	if err != nil {
		return "", failed("CreateInternetGateway", "a new gateway", err)
	}
	id := aws.ToString(out.InternetGateway.InternetGatewayId)
	st.OwnerId = aws.ToString(out.InternetGateway.OwnerId)
	st.Arn = c.ec2ARN(st.OwnerId, "internet-gateway/"+id)
	return id, d.attach(req, c, id, in.VpcId)
}

func (internetGateway) attach(ctx context.Context, c *cloud, id string, vpcID *string) error {
	if vpcID == nil {
		return nil
	}
	_, err := c.ec2.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{
		InternetGatewayId: aws.String(id), VpcId: vpcID})
	return failed("AttachInternetGateway to "+*vpcID, id, err)
}

func (internetGateway) detach(ctx context.Context, c *cloud, id string, vpcID *string) error {
	if vpcID == nil {
		return nil
	}
	return deleting(ctx, "DetachInternetGateway from "+*vpcID, id, func(ctx context.Context) error {
		_, err := c.ec2.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{
			InternetGatewayId: aws.String(id), VpcId: vpcID})
		if hasCode(err, "Gateway.NotAttached") {
			return nil
		}
		return err
	})
}

func (internetGateway) read(ctx context.Context, c *cloud, id string, in *internetGatewayArgs, st *internetGatewayState) error {
	out, err := c.ec2.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{InternetGatewayIds: []string{id}})
	if notFound(err) || err == nil && len(out.InternetGateways) == 0 {
		return errGone
	}
	if err != nil {
		return failed("DescribeInternetGateways", id, err)
	}
	g := out.InternetGateways[0]
	// Not attached anywhere is drift that the next update repairs.
	in.VpcId = nil
	for _, a := range g.Attachments {
		in.VpcId = a.VpcId
	}
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(g.Tags), in.Tags)
	st.OwnerId = aws.ToString(g.OwnerId)
	st.Arn = c.ec2ARN(st.OwnerId, "internet-gateway/"+id)
	st.internetGatewayArgs = *in
	return nil
}

func (d internetGateway) update(ctx context.Context, c *cloud, id string, old internetGatewayState, in internetGatewayArgs, st *internetGatewayState) error {
	if aws.ToString(old.VpcId) != aws.ToString(in.VpcId) {
		if err := d.detach(ctx, c, id, old.VpcId); err != nil {
			return err
		}
		if err := d.attach(ctx, c, id, in.VpcId); err != nil {
			return err
		}
	}
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (d internetGateway) remove(ctx context.Context, c *cloud, id string, st internetGatewayState) error {
	if err := d.detach(ctx, c, id, st.VpcId); err != nil {
		return err
	}
	return deleting(ctx, "DeleteInternetGateway", id, func(ctx context.Context) error {
		_, err := c.ec2.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: aws.String(id)})
		return err
	})
}
