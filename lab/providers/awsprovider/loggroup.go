package awsprovider

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

type logGroupArgs struct {
	Name            *string           `pulumi:"name,optional" provider:"replaceOnChanges"`
	RetentionInDays *int              `pulumi:"retentionInDays,optional"`
	Tags            map[string]string `pulumi:"tags,optional"`
}

type logGroupState struct {
	logGroupArgs
	Arn     string            `pulumi:"arn"`
	TagsAll map[string]string `pulumi:"tagsAll"`
}

func (s *logGroupState) made() bool { return s.Arn != "" }

type logGroup struct{}

func (logGroup) token() (string, string) { return "cloudwatch/logGroup", "LogGroup" }

func (logGroup) plan(c *cloud, old logGroupState, in logGroupArgs) logGroupState {
	old.logGroupArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

// create: the id of a log group is its name, as with the real provider.
func (d logGroup) create(ctx context.Context, c *cloud, in logGroupArgs, st *logGroupState) (string, error) {
	req, done := once(ctx)
	defer done()
	id := aws.ToString(in.Name)
	_, err := c.logs.CreateLogGroup(req, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: in.Name, Tags: st.TagsAll})
	if err != nil {
		return "", failed("CreateLogGroup", id, err)
	}
	if err := d.keepFor(req, c, id, in.RetentionInDays); err != nil {
		return id, err
	}
	found, err := describeLogGroup(req, c, id)
	st.Arn = arnOfLogGroup(found)
	return id, err
}

// keepFor sets how long entries are kept; none and 0 are for ever.
func (logGroup) keepFor(ctx context.Context, c *cloud, id string, days *int) error {
	if days == nil || *days == 0 {
		_, err := c.logs.DeleteRetentionPolicy(ctx, &cloudwatchlogs.DeleteRetentionPolicyInput{LogGroupName: aws.String(id)})
		return failed("DeleteRetentionPolicy", id, err)
	}
	_, err := c.logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{
		LogGroupName: aws.String(id), RetentionInDays: int32Of(days),
	})
	return failed("PutRetentionPolicy", id, err)
}

// arnOfLogGroup leaves out the end that stands for the group's streams, as the
// real provider does.
func arnOfLogGroup(group types.LogGroup) string {
	return strings.TrimSuffix(aws.ToString(group.Arn), ":*")
}

func describeLogGroup(ctx context.Context, c *cloud, name string) (types.LogGroup, error) {
	out, err := c.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String(name)})
	if err != nil {
		return types.LogGroup{}, failed("DescribeLogGroups", name, err)
	}
	for _, group := range out.LogGroups {
		if aws.ToString(group.LogGroupName) == name {
			return group, nil
		}
	}
	return types.LogGroup{}, errGone
}

func (logGroup) read(ctx context.Context, c *cloud, id string, in *logGroupArgs, st *logGroupState) error {
	found, err := describeLogGroup(ctx, c, id)
	if err != nil {
		return err
	}
	tags, err := c.logs.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: aws.String(arnOfLogGroup(found))})
	if err != nil {
		return failed("ListTagsForResource", id, err)
	}
	in.Name = found.LogGroupName
	drift(&in.RetentionInDays, intOf(found.RetentionInDays), 0)
	st.TagsAll, in.Tags = c.foundTags(tags.Tags, in.Tags)
	st.logGroupArgs = *in
	return nil
}

func (d logGroup) update(ctx context.Context, c *cloud, id string, old logGroupState, in logGroupArgs, st *logGroupState) error {
	if aws.ToInt(old.RetentionInDays) != aws.ToInt(in.RetentionInDays) {
		if err := d.keepFor(ctx, c, id, in.RetentionInDays); err != nil {
			return err
		}
	}
	gone, set := tagChanges(old.TagsAll, st.TagsAll)
	if len(gone) > 0 {
		_, err := c.logs.UntagResource(ctx, &cloudwatchlogs.UntagResourceInput{ResourceArn: aws.String(old.Arn), TagKeys: gone})
		if err != nil {
			return failed("UntagResource", id, err)
		}
	}
	if len(set) > 0 {
		_, err := c.logs.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: aws.String(old.Arn), Tags: set})
		return failed("TagResource", id, err)
	}
	return nil
}

func (logGroup) remove(ctx context.Context, c *cloud, id string, _ logGroupState) error {
	return deleting(ctx, "DeleteLogGroup", id, func(ctx context.Context) error {
		_, err := c.logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String(id)})
		return err
	})
}
