package awsprovider

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// defaultGroupText is the description that the real provider gives.
const defaultGroupText = "Managed by Pulumi"

type securityGroupArgs struct {
	Name                *string           `pulumi:"name,optional" provider:"replaceOnChanges"`
	Description         *string           `pulumi:"description,optional" provider:"replaceOnChanges"`
	VpcId               *string           `pulumi:"vpcId,optional" provider:"replaceOnChanges"`
	RevokeRulesOnDelete *bool             `pulumi:"revokeRulesOnDelete,optional"`
	Tags                map[string]string `pulumi:"tags,optional"`
}

type securityGroupState struct {
	securityGroupArgs
	Arn     string            `pulumi:"arn"`
	OwnerId string            `pulumi:"ownerId"`
	TagsAll map[string]string `pulumi:"tagsAll"`
}

func (s *securityGroupState) made() bool { return s.Arn != "" }

type securityGroup struct{}

func (securityGroup) token() (string, string) { return "ec2/securityGroup", "SecurityGroup" }

func (securityGroup) plan(c *cloud, old securityGroupState, in securityGroupArgs) securityGroupState {
	vpcID := old.VpcId
	old.securityGroupArgs = in
	old.VpcId = keep(in.VpcId, vpcID)
	if in.Description == nil {
		old.Description = aws.String(defaultGroupText)
	}
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d securityGroup) create(ctx context.Context, c *cloud, in securityGroupArgs, st *securityGroupState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.CreateSecurityGroup(req, &ec2.CreateSecurityGroupInput{
		GroupName:         in.Name,
		Description:       st.Description,
		VpcId:             in.VpcId,
		TagSpecifications: ec2TagSpec(types.ResourceTypeSecurityGroup, st.TagsAll),
	})
	if err != nil {
		return "", failed("CreateSecurityGroup", aws.ToString(in.Name), err)
	}
	id := aws.ToString(out.GroupId)
	g, err := describeGroup(req, c, id)
	if err != nil {
		return id, err
	}
	d.fill(c, g, st)
	// A new group lets everything out. The real provider takes that rule away,
	// so that only what the program says is open.
	if len(g.IpPermissionsEgress) > 0 {
		_, err = c.ec2.RevokeSecurityGroupEgress(req, &ec2.RevokeSecurityGroupEgressInput{
			GroupId: aws.String(id), IpPermissions: g.IpPermissionsEgress})
	}
	return id, failed("RevokeSecurityGroupEgress of the default rule", id, err)
}

func (securityGroup) fill(c *cloud, g types.SecurityGroup, st *securityGroupState) {
	st.VpcId = g.VpcId
	st.OwnerId = aws.ToString(g.OwnerId)
	st.Arn = c.ec2ARN(st.OwnerId, "security-group/"+aws.ToString(g.GroupId))
}

func describeGroup(ctx context.Context, c *cloud, id string) (types.SecurityGroup, error) {
	out, err := c.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
	if notFound(err) || err == nil && len(out.SecurityGroups) == 0 {
		return types.SecurityGroup{}, errGone
	}
	if err != nil {
		return types.SecurityGroup{}, failed("DescribeSecurityGroups", id, err)
	}
	return out.SecurityGroups[0], nil
}

func (d securityGroup) read(ctx context.Context, c *cloud, id string, in *securityGroupArgs, st *securityGroupState) error {
	g, err := describeGroup(ctx, c, id)
	if err != nil {
		return err
	}
	in.Name = g.GroupName
	driftGiven(&in.Description, g.Description)
	driftGiven(&in.VpcId, g.VpcId)
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(g.Tags), in.Tags)
	description := g.Description
	st.securityGroupArgs = *in
	st.Description = description
	d.fill(c, g, st)
	return nil
}

func (securityGroup) update(ctx context.Context, c *cloud, id string, old securityGroupState, _ securityGroupArgs, st *securityGroupState) error {
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (securityGroup) remove(ctx context.Context, c *cloud, id string, st securityGroupState) error {
	if orFalse(st.RevokeRulesOnDelete) {
		if err := revokeAll(ctx, c, id); err != nil {
			return err
		}
	}
	return deleting(ctx, "DeleteSecurityGroup", id, func(ctx context.Context) error {
		_, err := c.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: aws.String(id)})
		return err
	})
}

// revokeAll takes all rules out of a group, so that groups that name each
// other can be deleted.
func revokeAll(ctx context.Context, c *cloud, id string) error {
	g, err := describeGroup(ctx, c, id)
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(g.IpPermissions) > 0 {
		if _, err := c.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{
			GroupId: aws.String(id), IpPermissions: g.IpPermissions}); err != nil {
			return failed("RevokeSecurityGroupIngress", id, err)
		}
	}
	if len(g.IpPermissionsEgress) > 0 {
		if _, err := c.ec2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{
			GroupId: aws.String(id), IpPermissions: g.IpPermissionsEgress}); err != nil {
			return failed("RevokeSecurityGroupEgress", id, err)
		}
	}
	return nil
}
