package awsprovider

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

type healthCheck struct {
	Protocol           *string `pulumi:"protocol,optional"`
	Port               *string `pulumi:"port,optional"`
	Interval           *int    `pulumi:"interval,optional"`
	HealthyThreshold   *int    `pulumi:"healthyThreshold,optional"`
	UnhealthyThreshold *int    `pulumi:"unhealthyThreshold,optional"`
}

type targetGroupArgs struct {
	Name                *string           `pulumi:"name,optional" provider:"replaceOnChanges"`
	Port                int               `pulumi:"port" provider:"replaceOnChanges"`
	Protocol            string            `pulumi:"protocol" provider:"replaceOnChanges"`
	VpcId               string            `pulumi:"vpcId" provider:"replaceOnChanges"`
	TargetType          *string           `pulumi:"targetType,optional" provider:"replaceOnChanges"`
	PreserveClientIp    *string           `pulumi:"preserveClientIp,optional"`
	DeregistrationDelay *int              `pulumi:"deregistrationDelay,optional"`
	HealthCheck         *healthCheck      `pulumi:"healthCheck,optional"`
	Tags                map[string]string `pulumi:"tags,optional"`
}

type targetGroupState struct {
	targetGroupArgs
	Arn       string            `pulumi:"arn"`
	ArnSuffix string            `pulumi:"arnSuffix"`
	TagsAll   map[string]string `pulumi:"tagsAll"`
}

func (s *targetGroupState) made() bool { return s.Arn != "" }

type targetGroup struct{}

func (targetGroup) token() (string, string) { return "lb/targetGroup", "TargetGroup" }

func (targetGroup) plan(c *cloud, old targetGroupState, in targetGroupArgs) targetGroupState {
	old.targetGroupArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d targetGroup) create(ctx context.Context, c *cloud, in targetGroupArgs, st *targetGroupState) (string, error) {
	req, done := once(ctx)
	defer done()
	ask := &elb.CreateTargetGroupInput{Name: in.Name, Port: aws.Int32(int32(in.Port)), Protocol: types.ProtocolEnum(in.Protocol),
		VpcId: aws.String(in.VpcId), TargetType: types.TargetTypeEnumInstance, Tags: elbTags(st.TagsAll)}
	if in.TargetType != nil {
		ask.TargetType = types.TargetTypeEnum(*in.TargetType)
	}
	if h := in.HealthCheck; h != nil {
		ask.HealthCheckPort, ask.HealthCheckIntervalSeconds = h.Port, int32Of(h.Interval)
		ask.HealthyThresholdCount, ask.UnhealthyThresholdCount = int32Of(h.HealthyThreshold), int32Of(h.UnhealthyThreshold)
		if h.Protocol != nil {
			ask.HealthCheckProtocol = types.ProtocolEnum(*h.Protocol)
		}
	}
	out, err := c.elb.CreateTargetGroup(req, ask)
	if err != nil {
		return "", failed("CreateTargetGroup", aws.ToString(in.Name), err)
	}
	st.Arn = aws.ToString(out.TargetGroups[0].TargetGroupArn)
	_, suffix, _ := strings.Cut(st.Arn, ":targetgroup/")
	st.ArnSuffix = "targetgroup/" + suffix
	return st.Arn, d.attributes(req, c, st.Arn, targetGroupArgs{}, in)
}

// attributes sets those that the program gives and that differ from before.
func (targetGroup) attributes(ctx context.Context, c *cloud, id string, old, in targetGroupArgs) error {
	var list []types.TargetGroupAttribute
	if in.PreserveClientIp != nil && aws.ToString(old.PreserveClientIp) != *in.PreserveClientIp {
		list = append(list, types.TargetGroupAttribute{Key: aws.String("preserve_client_ip.enabled"), Value: in.PreserveClientIp})
	}
	if in.DeregistrationDelay != nil && (old.DeregistrationDelay == nil || *old.DeregistrationDelay != *in.DeregistrationDelay) {
		list = append(list, types.TargetGroupAttribute{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String(strconv.Itoa(*in.DeregistrationDelay))})
	}
	if len(list) == 0 {
		return nil
	}
	_, err := c.elb.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: aws.String(id), Attributes: list})
	return failed("ModifyTargetGroupAttributes", id, err)
}

func (targetGroup) read(ctx context.Context, c *cloud, id string, in *targetGroupArgs, st *targetGroupState) error {
	out, err := c.elb.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{id}})
	if elbGone(err) || err == nil && len(out.TargetGroups) == 0 {
		return errGone
	}
	if err != nil {
		return failed("DescribeTargetGroups", id, err)
	}
	g := out.TargetGroups[0]
	in.Port, in.Protocol, in.VpcId = int(aws.ToInt32(g.Port)), string(g.Protocol), aws.ToString(g.VpcId)
	if h := in.HealthCheck; h != nil {
		found := *h
		driftGiven(&found.Interval, intOf(g.HealthCheckIntervalSeconds))
		driftGiven(&found.HealthyThreshold, intOf(g.HealthyThresholdCount))
		driftGiven(&found.UnhealthyThreshold, intOf(g.UnhealthyThresholdCount))
		driftGiven(&found.Port, g.HealthCheckPort)
		in.HealthCheck = &found
	}
	attributes, err := c.elb.DescribeTargetGroupAttributes(ctx, &elb.DescribeTargetGroupAttributesInput{TargetGroupArn: aws.String(id)})
	if err != nil {
		return failed("DescribeTargetGroupAttributes", id, err)
	}
	for _, a := range attributes.Attributes {
		switch aws.ToString(a.Key) {
		case "preserve_client_ip.enabled":
			driftGiven(&in.PreserveClientIp, a.Value)
		case "deregistration_delay.timeout_seconds":
			if seconds, err := strconv.Atoi(aws.ToString(a.Value)); err == nil {
				driftGiven(&in.DeregistrationDelay, &seconds)
			}
		}
	}
	found, err := c.elbTagsOf(ctx, id)
	if err != nil {
		return err
	}
	st.TagsAll, in.Tags = c.foundTags(found, in.Tags)
	st.targetGroupArgs = *in
	return nil
}

func (d targetGroup) update(ctx context.Context, c *cloud, id string, old targetGroupState, in targetGroupArgs, st *targetGroupState) error {
	if h := in.HealthCheck; h != nil && (old.HealthCheck == nil || *old.HealthCheck != *h) {
		if _, err := c.elb.ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{TargetGroupArn: aws.String(id), HealthCheckPort: h.Port,
			HealthCheckIntervalSeconds: int32Of(h.Interval), HealthyThresholdCount: int32Of(h.HealthyThreshold),
			UnhealthyThresholdCount: int32Of(h.UnhealthyThreshold)}); err != nil {
			return failed("ModifyTargetGroup", id, err)
		}
	}
	if err := d.attributes(ctx, c, id, old.targetGroupArgs, in); err != nil {
		return err
	}
	return c.retagELB(ctx, id, old.TagsAll, st.TagsAll)
}

func (targetGroup) remove(ctx context.Context, c *cloud, id string, _ targetGroupState) error {
	return deleting(ctx, "DeleteTargetGroup", id, func(ctx context.Context) error {
		_, err := c.elb.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: aws.String(id)})
		if elbGone(err) {
			return nil
		}
		return err
	})
}

type targetAttachmentArgs struct {
	TargetGroupArn string `pulumi:"targetGroupArn" provider:"replaceOnChanges"`
	TargetId       string `pulumi:"targetId" provider:"replaceOnChanges"`
}

type targetAttachmentState struct {
	targetAttachmentArgs
}

type targetAttachment struct{}

func (targetAttachment) token() (string, string) {
	return "lb/targetGroupAttachment", "TargetGroupAttachment"
}

func (targetAttachment) plan(_ *cloud, old targetAttachmentState, in targetAttachmentArgs) targetAttachmentState {
	old.targetAttachmentArgs = in
	return old
}

func (in targetAttachmentArgs) target() []types.TargetDescription {
	return []types.TargetDescription{{Id: aws.String(in.TargetId)}}
}

func (targetAttachment) create(ctx context.Context, c *cloud, in targetAttachmentArgs, _ *targetAttachmentState) (string, error) {
	req, done := once(ctx)
	defer done()
	_, err := c.elb.RegisterTargets(req, &elb.RegisterTargetsInput{TargetGroupArn: aws.String(in.TargetGroupArn), Targets: in.target()})
	if err != nil {
		return "", failed("RegisterTargets "+in.TargetId, in.TargetGroupArn, err)
	}
	return in.TargetGroupArn + "-" + in.TargetId, nil
}

// read takes a target that is unused or draining for one that is gone, as the
// real provider does.
func (targetAttachment) read(ctx context.Context, c *cloud, _ string, in *targetAttachmentArgs, st *targetAttachmentState) error {
	out, err := c.elb.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: aws.String(st.TargetGroupArn), Targets: st.target()})
	if elbGone(err) || hasCode(err, "InvalidTarget") {
		return errGone
	}
	if err != nil {
		return failed("DescribeTargetHealth "+st.TargetId, st.TargetGroupArn, err)
	}
	for _, target := range out.TargetHealthDescriptions {
		reason := target.TargetHealth.Reason
		if reason == types.TargetHealthReasonEnumNotRegistered || reason == types.TargetHealthReasonEnumDeregistrationInProgress {
			return errGone
		}
	}
	*in = st.targetAttachmentArgs
	return nil
}

func (targetAttachment) update(context.Context, *cloud, string, targetAttachmentState, targetAttachmentArgs, *targetAttachmentState) error {
	return nil // every argument replaces
}

func (targetAttachment) remove(ctx context.Context, c *cloud, _ string, st targetAttachmentState) error {
	_, err := c.elb.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: aws.String(st.TargetGroupArn), Targets: st.target()})
	if elbGone(err) || hasCode(err, "InvalidTarget") {
		return nil
	}
	return failed("DeregisterTargets "+st.TargetId, st.TargetGroupArn, err)
}
