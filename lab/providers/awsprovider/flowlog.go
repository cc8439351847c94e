package awsprovider

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type flowLogArgs struct {
	VpcId                  string            `pulumi:"vpcId" provider:"replaceOnChanges"`
	TrafficType            string            `pulumi:"trafficType" provider:"replaceOnChanges"`
	LogDestination         string            `pulumi:"logDestination" provider:"replaceOnChanges"`
	LogDestinationType     string            `pulumi:"logDestinationType" provider:"replaceOnChanges"`
	IamRoleArn             *string           `pulumi:"iamRoleArn,optional" provider:"replaceOnChanges"`
	MaxAggregationInterval *int              `pulumi:"maxAggregationInterval,optional" provider:"replaceOnChanges"`
	Tags                   map[string]string `pulumi:"tags,optional"`
}

type flowLogState struct {
	flowLogArgs
	Arn     string            `pulumi:"arn"`
	TagsAll map[string]string `pulumi:"tagsAll"`
}

func (s *flowLogState) made() bool { return s.Arn != "" }

type flowLog struct{}

func (flowLog) token() (string, string) { return "ec2/flowLog", "FlowLog" }

func (flowLog) plan(c *cloud, old flowLogState, in flowLogArgs) flowLogState {
	old.flowLogArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (flowLog) create(ctx context.Context, c *cloud, in flowLogArgs, st *flowLogState) (string, error) {
	req, done := once(ctx)
	defer done()
	ask := &ec2.CreateFlowLogsInput{
		ResourceIds: []string{in.VpcId}, ResourceType: types.FlowLogsResourceTypeVpc,
		TrafficType: types.TrafficType(in.TrafficType), LogDestination: aws.String(in.LogDestination),
		LogDestinationType: types.LogDestinationType(in.LogDestinationType), DeliverLogsPermissionArn: in.IamRoleArn,
		MaxAggregationInterval: int32Of(in.MaxAggregationInterval),
		TagSpecifications:      ec2TagSpec(types.ResourceTypeVpcFlowLog, st.TagsAll),
	}
	out, err := c.ec2.CreateFlowLogs(req, ask)
	if err != nil {
		return "", failed("CreateFlowLogs", in.VpcId, err)
	}
	// A call for many things tells of each whether it came about.
	for _, bad := range out.Unsuccessful {
		return "", fmt.Errorf("aws: CreateFlowLogs for %s: %s: %s", in.VpcId, aws.ToString(bad.Error.Code), aws.ToString(bad.Error.Message))
	}
	id := out.FlowLogIds[0]
	st.Arn, err = c.ownArn(req, "vpc-flow-log/"+id)
	return id, err
}

func (flowLog) read(ctx context.Context, c *cloud, id string, in *flowLogArgs, st *flowLogState) error {
	out, err := c.ec2.DescribeFlowLogs(ctx, &ec2.DescribeFlowLogsInput{FlowLogIds: []string{id}})
	if hasCode(err, "InvalidFlowLogId.NotFound") || err == nil && len(out.FlowLogs) == 0 {
		return errGone
	}
	if err != nil {
		return failed("DescribeFlowLogs", id, err)
	}
	found := out.FlowLogs[0]
	in.VpcId, in.TrafficType = aws.ToString(found.ResourceId), string(found.TrafficType)
	in.LogDestination, in.LogDestinationType = strings.TrimSuffix(aws.ToString(found.LogDestination), ":*"), string(found.LogDestinationType)
	in.IamRoleArn = found.DeliverLogsPermissionArn
	driftGiven(&in.MaxAggregationInterval, intOf(found.MaxAggregationInterval))
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(found.Tags), in.Tags)
	st.flowLogArgs = *in
	return nil
}

// update: all but tags replaces.
func (flowLog) update(ctx context.Context, c *cloud, id string, old flowLogState, _ flowLogArgs, st *flowLogState) error {
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (flowLog) remove(ctx context.Context, c *cloud, id string, _ flowLogState) error {
	_, err := c.ec2.DeleteFlowLogs(ctx, &ec2.DeleteFlowLogsInput{FlowLogIds: []string{id}})
	if hasCode(err, "InvalidFlowLogId.NotFound") {
		return nil
	}
	return failed("DeleteFlowLogs", id, err)
}
