package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type placementGroupArgs struct {
	Name        *string           `pulumi:"name,optional" provider:"replaceOnChanges"`
	SpreadLevel *string           `pulumi:"spreadLevel,optional" provider:"replaceOnChanges"`
	Strategy    string            `pulumi:"strategy" provider:"replaceOnChanges"`
	Tags        map[string]string `pulumi:"tags,optional"`
}

type placementGroupState struct {
	placementGroupArgs
	Arn              string            `pulumi:"arn"`
	PlacementGroupId string            `pulumi:"placementGroupId"`
	TagsAll          map[string]string `pulumi:"tagsAll"`
}

func (s *placementGroupState) made() bool { return s.PlacementGroupId != "" }

type placementGroup struct{}

func (placementGroup) token() (string, string) { return "ec2/placementGroup", "PlacementGroup" }

func (placementGroup) plan(c *cloud, old placementGroupState, in placementGroupArgs) placementGroupState {
	level := old.SpreadLevel
	old.placementGroupArgs = in
	old.SpreadLevel = keep(in.SpreadLevel, level)
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

// create: the id of a placement group is its name, as with the real provider.
func (placementGroup) create(ctx context.Context, c *cloud, in placementGroupArgs, st *placementGroupState) (string, error) {
	req, done := once(ctx)
	defer done()
	name := aws.ToString(in.Name)
	_, err := c.ec2.CreatePlacementGroup(req, &ec2.CreatePlacementGroupInput{
		GroupName: in.Name, Strategy: types.PlacementStrategy(in.Strategy), SpreadLevel: types.SpreadLevel(aws.ToString(in.SpreadLevel)),
		TagSpecifications: ec2TagSpec(types.ResourceTypePlacementGroup, st.TagsAll),
	})
	if err != nil {
		return "", failed("CreatePlacementGroup", name, err)
	}
	g, err := describePlacementGroup(req, c, name)
	if err != nil {
		return name, err
	}
	st.PlacementGroupId = aws.ToString(g.GroupId)
	st.SpreadLevel = keep(in.SpreadLevel, optional(string(g.SpreadLevel)))
	st.Arn, err = c.ownArn(req, "placement-group/"+name)
	return name, err
}

func describePlacementGroup(ctx context.Context, c *cloud, name string) (types.PlacementGroup, error) {
	out, err := c.ec2.DescribePlacementGroups(ctx, &ec2.DescribePlacementGroupsInput{GroupNames: []string{name}})
	if hasCode(err, "InvalidPlacementGroup.Unknown") || err == nil && len(out.PlacementGroups) == 0 {
		return types.PlacementGroup{}, errGone
	}
	if err != nil {
		return types.PlacementGroup{}, failed("DescribePlacementGroups", name, err)
	}
	return out.PlacementGroups[0], nil
}

func (placementGroup) read(ctx context.Context, c *cloud, id string, in *placementGroupArgs, st *placementGroupState) error {
	g, err := describePlacementGroup(ctx, c, id)
	if err != nil {
		return err
	}
	in.Name, in.Strategy = g.GroupName, string(g.Strategy)
	driftGiven(&in.SpreadLevel, optional(string(g.SpreadLevel)))
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(g.Tags), in.Tags)
	level := st.SpreadLevel
	st.placementGroupArgs = *in
	st.SpreadLevel = keep(in.SpreadLevel, level)
	st.PlacementGroupId = aws.ToString(g.GroupId)
	return nil
}

func (placementGroup) update(ctx context.Context, c *cloud, _ string, old placementGroupState, _ placementGroupArgs, st *placementGroupState) error {
	return c.retag(ctx, old.PlacementGroupId, old.TagsAll, st.TagsAll)
}

func (placementGroup) remove(ctx context.Context, c *cloud, id string, _ placementGroupState) error {
	return deleting(ctx, "DeletePlacementGroup", id, func(ctx context.Context) error {
		_, err := c.ec2.DeletePlacementGroup(ctx, &ec2.DeletePlacementGroupInput{GroupName: aws.String(id)})
		if hasCode(err, "InvalidPlacementGroup.Unknown") {
			return nil
		}
		return err
	})
}
