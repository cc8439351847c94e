package awsprovider

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type defaultSecurityGroupArgs struct {
	VpcId string            `pulumi:"vpcId" provider:"replaceOnChanges"`
	Tags  map[string]string `pulumi:"tags,optional"`
}

type defaultSecurityGroupState struct {
	defaultSecurityGroupArgs
	Arn     string            `pulumi:"arn"`
	Name    string            `pulumi:"name"`
	OwnerId string            `pulumi:"ownerId"`
	TagsAll map[string]string `pulumi:"tagsAll"`
}

func (s *defaultSecurityGroupState) made() bool { return s.Arn != "" }

// defaultSecurityGroup adopts the group that every VPC has from its start, and
// takes all its rules away. Its deletion leaves the group, which goes with the
// VPC, as the real provider does.
type defaultSecurityGroup struct{}

func (defaultSecurityGroup) token() (string, string) {
	return "ec2/defaultSecurityGroup", "DefaultSecurityGroup"
}

func (defaultSecurityGroup) plan(c *cloud, old defaultSecurityGroupState, in defaultSecurityGroupArgs) defaultSecurityGroupState {
	old.defaultSecurityGroupArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (defaultSecurityGroup) create(ctx context.Context, c *cloud, in defaultSecurityGroupArgs, st *defaultSecurityGroupState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.DescribeSecurityGroups(req, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{
		filter("vpc-id", in.VpcId), filter("group-name", "default")}})
	if err != nil {
		return "", failed("DescribeSecurityGroups", in.VpcId, err)
	}
	if len(out.SecurityGroups) != 1 {
		return "", fmt.Errorf("aws: %s has %d default security groups, want 1", in.VpcId, len(out.SecurityGroups))
	}
	g := out.SecurityGroups[0]
	id := aws.ToString(g.GroupId)
	st.Name, st.OwnerId = aws.ToString(g.GroupName), aws.ToString(g.OwnerId)
	st.Arn = c.ec2ARN(st.OwnerId, "security-group/"+id)
	if err := revokeAll(req, c, id); err != nil {
		return id, err
	}
	return id, c.retag(req, id, nil, st.TagsAll)
}

func (defaultSecurityGroup) read(ctx context.Context, c *cloud, id string, in *defaultSecurityGroupArgs, st *defaultSecurityGroupState) error {
	g, err := describeGroup(ctx, c, id)
	if err != nil {
		return err
	}
	in.VpcId = aws.ToString(g.VpcId)
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(g.Tags), in.Tags)
	st.defaultSecurityGroupArgs = *in
	return nil
}

func (defaultSecurityGroup) update(ctx context.Context, c *cloud, id string, old defaultSecurityGroupState, _ defaultSecurityGroupArgs, st *defaultSecurityGroupState) error {
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (defaultSecurityGroup) remove(context.Context, *cloud, string, defaultSecurityGroupState) error {
	return nil
}
