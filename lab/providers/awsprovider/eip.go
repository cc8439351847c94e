package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type eipArgs struct {
	Domain *string           `pulumi:"domain,optional" provider:"replaceOnChanges"`
	Tags   map[string]string `pulumi:"tags,optional"`
}

type eipState struct {
	eipArgs
	AllocationId string            `pulumi:"allocationId"`
	Arn          string            `pulumi:"arn"`
	PublicIp     string            `pulumi:"publicIp"`
	TagsAll      map[string]string `pulumi:"tagsAll"`
}

func (s *eipState) made() bool { return s.AllocationId != "" }

type eip struct{}

func (eip) token() (string, string) { return "ec2/eip", "Eip" }

func (eip) plan(c *cloud, old eipState, in eipArgs) eipState {
	old.eipArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (eip) create(ctx context.Context, c *cloud, in eipArgs, st *eipState) (string, error) {
	req, done := once(ctx)
	defer done()
	domain := types.DomainTypeVpc
	if in.Domain != nil {
		domain = types.DomainType(*in.Domain)
	}
	out, err := c.ec2.AllocateAddress(req, &ec2.AllocateAddressInput{
		Domain: domain, TagSpecifications: ec2TagSpec(types.ResourceTypeElasticIp, st.TagsAll)})
	if err != nil {
		return "", failed("AllocateAddress", "a new Elastic IP", err)
	}
	id := aws.ToString(out.AllocationId)
	st.AllocationId = id
	st.PublicIp = aws.ToString(out.PublicIp)
	st.Arn, err = c.ownArn(req, "elastic-ip/"+id)
	return id, err
}

func describeAddress(ctx context.Context, c *cloud, id string) (types.Address, error) {
	out, err := c.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{AllocationIds: []string{id}})
	if notFound(err) || err == nil && len(out.Addresses) == 0 {
		return types.Address{}, errGone
	}
	if err != nil {
		return types.Address{}, failed("DescribeAddresses", id, err)
	}
	return out.Addresses[0], nil
}

func (eip) read(ctx context.Context, c *cloud, id string, in *eipArgs, st *eipState) error {
	a, err := describeAddress(ctx, c, id)
	if err != nil {
		return err
	}
	st.AllocationId = id
	st.PublicIp = aws.ToString(a.PublicIp)
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(a.Tags), in.Tags)
	st.eipArgs = *in
	return nil
}

func (eip) update(ctx context.Context, c *cloud, id string, old eipState, _ eipArgs, st *eipState) error {
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (eip) remove(ctx context.Context, c *cloud, id string, _ eipState) error {
	return deleting(ctx, "ReleaseAddress", id, func(ctx context.Context) error {
		_, err := c.ec2.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: aws.String(id)})
		return err
	})
}
