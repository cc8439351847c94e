package awsprovider

import (
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// metricAlarmArgs is an alarm on one metric of one thing.
type metricAlarmArgs struct {
	AlarmActions       []string          `pulumi:"alarmActions,optional"`
	AlarmDescription   *string           `pulumi:"alarmDescription,optional"`
	ComparisonOperator string            `pulumi:"comparisonOperator"`
	DatapointsToAlarm  *int              `pulumi:"datapointsToAlarm,optional"`
	Dimensions         map[string]string `pulumi:"dimensions,optional"`
	EvaluationPeriods  int               `pulumi:"evaluationPeriods"`
	MetricName         *string           `pulumi:"metricName,optional"`
	Name               *string           `pulumi:"name,optional" provider:"replaceOnChanges"`
	Namespace          *string           `pulumi:"namespace,optional"`
	Period             *int              `pulumi:"period,optional"`
	Statistic          *string           `pulumi:"statistic,optional"`
	Tags               map[string]string `pulumi:"tags,optional"`
	Threshold          *float64          `pulumi:"threshold,optional"`
	TreatMissingData   *string           `pulumi:"treatMissingData,optional"`
}

type metricAlarmState struct {
	metricAlarmArgs
	Arn     string            `pulumi:"arn"`
	TagsAll map[string]string `pulumi:"tagsAll"`
}

func (s *metricAlarmState) made() bool { return s.Arn != "" }

type metricAlarm struct{}

func (metricAlarm) token() (string, string) { return "cloudwatch/metricAlarm", "MetricAlarm" }

func (metricAlarm) plan(c *cloud, old metricAlarmState, in metricAlarmArgs) metricAlarmState {
	old.metricAlarmArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

// put makes the alarm or overwrites it: the API has one call for both.
func (metricAlarm) put(ctx context.Context, c *cloud, in metricAlarmArgs, tags map[string]string) error {
	ask := &cloudwatch.PutMetricAlarmInput{
		AlarmName: in.Name, AlarmActions: in.AlarmActions, AlarmDescription: in.AlarmDescription,
		ComparisonOperator: types.ComparisonOperator(in.ComparisonOperator), DatapointsToAlarm: int32Of(in.DatapointsToAlarm),
		EvaluationPeriods: aws.Int32(int32(in.EvaluationPeriods)), MetricName: in.MetricName, Namespace: in.Namespace,
		Period: int32Of(in.Period), Statistic: types.Statistic(aws.ToString(in.Statistic)), Threshold: in.Threshold,
		TreatMissingData: in.TreatMissingData,
	}
	for _, name := range sortedKeys(in.Dimensions) {
		ask.Dimensions = append(ask.Dimensions, types.Dimension{Name: aws.String(name), Value: aws.String(in.Dimensions[name])})
	}
	for _, name := range sortedKeys(tags) {
		ask.Tags = append(ask.Tags, types.Tag{Key: aws.String(name), Value: aws.String(tags[name])})
	}
	_, err := c.cloudwatch.PutMetricAlarm(ctx, ask)
	return failed("PutMetricAlarm", aws.ToString(in.Name), err)
}

// create: the id of an alarm is its name.
func (d metricAlarm) create(ctx context.Context, c *cloud, in metricAlarmArgs, st *metricAlarmState) (string, error) {
	req, done := once(ctx)
	defer done()
	if err := d.put(req, c, in, st.TagsAll); err != nil {
		return "", err
	}
	id := aws.ToString(in.Name)
	found, err := describeAlarm(req, c, id)
	if err != nil {
		return id, err
	}
	st.Arn = aws.ToString(found.AlarmArn)
	return id, nil
}

func describeAlarm(ctx context.Context, c *cloud, name string) (types.MetricAlarm, error) {
	out, err := c.cloudwatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
	if err != nil {
		return types.MetricAlarm{}, failed("DescribeAlarms", name, err)
	}
	if len(out.MetricAlarms) == 0 {
		return types.MetricAlarm{}, errGone
	}
	return out.MetricAlarms[0], nil
}

func (metricAlarm) read(ctx context.Context, c *cloud, id string, in *metricAlarmArgs, st *metricAlarmState) error {
	found, err := describeAlarm(ctx, c, id)
	if err != nil {
		return err
	}
	in.Name = found.AlarmName
	if !reflect.DeepEqual(append([]string{}, in.AlarmActions...), append([]string{}, found.AlarmActions...)) {
		in.AlarmActions = found.AlarmActions
	}
	dimensions := map[string]string{}
	for _, d := range found.Dimensions {
		dimensions[aws.ToString(d.Name)] = aws.ToString(d.Value)
	}
	if len(in.Dimensions)+len(dimensions) > 0 {
		in.Dimensions = dimensions
	}
	in.ComparisonOperator = string(found.ComparisonOperator)
	in.EvaluationPeriods = int(aws.ToInt32(found.EvaluationPeriods))
	driftGiven(&in.MetricName, found.MetricName)
	driftGiven(&in.Threshold, found.Threshold)
	driftGiven(&in.Period, intOf(found.Period))
	st.metricAlarmArgs = *in
	return nil
}

func (d metricAlarm) update(ctx context.Context, c *cloud, _ string, old metricAlarmState, in metricAlarmArgs, st *metricAlarmState) error {
	if err := d.put(ctx, c, in, nil); err != nil {
		return err
	}
	gone, set := tagChanges(old.TagsAll, st.TagsAll)
	if len(gone) > 0 {
		if _, err := c.cloudwatch.UntagResource(ctx, &cloudwatch.UntagResourceInput{ResourceARN: aws.String(old.Arn), TagKeys: gone}); err != nil {
			return failed("UntagResource", old.Arn, err)
		}
	}
	if len(set) == 0 {
		return nil
	}
	ask := &cloudwatch.TagResourceInput{ResourceARN: aws.String(old.Arn)}
	for _, name := range sortedKeys(set) {
		ask.Tags = append(ask.Tags, types.Tag{Key: aws.String(name), Value: aws.String(set[name])})
	}
	_, err := c.cloudwatch.TagResource(ctx, ask)
	return failed("TagResource", old.Arn, err)
}

func (metricAlarm) remove(ctx context.Context, c *cloud, id string, _ metricAlarmState) error {
	_, err := c.cloudwatch.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{id}})
	if hasCode(err, "ResourceNotFound") {
		return nil
	}
	return failed("DeleteAlarms", id, err)
}
