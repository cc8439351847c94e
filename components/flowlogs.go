package components

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
)

// flowLogsInterval in seconds is the shortest over which AWS sums up: what was
// refused should be found while somebody still looks for it.
const flowLogsInterval = 60

// addFlowLogs has every connection in the VPC recorded, where the stack wants it.
func (n *Network) addFlowLogs(ctx *pulumi.Context, stack config.Stack) error {
	logs := stack.Network.FlowLogs
	args := &ec2.FlowLogArgs{
		VpcId:                  n.VPC.ID(),
		TrafficType:            pulumi.String(strings.ToUpper(logs.Traffic)),
		MaxAggregationInterval: pulumi.Int(flowLogsInterval),
		Tags:                   n.tagged("flow-logs"),
	}
	var after []pulumi.Resource
	switch logs.To {
	case config.FlowLogsS3:
		// AWS's delivery service writes there, and the bucket's policy lets it.
		args.LogDestinationType = pulumi.String("s3")
		args.LogDestination = pulumi.String(fmt.Sprintf("arn:%s:s3:::%s", partition(stack.Region), logs.Bucket))
	case config.FlowLogsCloudWatch:
		group, role, policy, err := n.addLogGroup(ctx, stack)
		if err != nil {
			return err
		}
		args.LogDestinationType = pulumi.String("cloud-watch-logs")
		args.LogDestination, args.IamRoleArn = group.Arn, role.Arn
		after = append(after, policy)
	default:
		return nil
	}
	_, err := ec2.NewFlowLog(ctx, n.resource("flow-logs"), args, pulumi.Parent(n), pulumi.DependsOn(after))
	return err
}

// addLogGroup makes the group that flow logs go to, which is encrypted with
// CloudWatch's own key, and the role that may write to it and to nothing else.
func (n *Network) addLogGroup(ctx *pulumi.Context, stack config.Stack) (*cloudwatch.LogGroup, *iam.Role, *iam.RolePolicy, error) {
	group, err := cloudwatch.NewLogGroup(ctx, n.resource("flow-log-group"), &cloudwatch.LogGroupArgs{
		Name:            pulumi.String("/kraftstack/" + stack.Name + "/flow-logs"),
		RetentionInDays: pulumi.Int(stack.Network.FlowLogs.RetentionDays),
		Tags:            n.tagged("flow-log-group"),
	}, pulumi.Parent(n))
	if err != nil {
		return nil, nil, nil, err
	}
	role, err := iam.NewRole(ctx, n.resource("flow-logs-role"), &iam.RoleArgs{
		// Roles are known in all regions of an account.
		Name:        pulumi.String(stack.Name + "-flow-logs-" + stack.Region),
		Description: pulumi.String("Flow logs of Kafka stack " + stack.Name),
		// The condition keeps the service from being used by another account's
		// flow logs (IAM user guide, "The confused deputy problem").
		AssumeRolePolicy: pulumi.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"vpc-flow-logs.amazonaws.com"},`+
			`"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"%s"}}}]}`, n.VPC.OwnerId),
		Tags: n.tagged("flow-logs-role"),
	}, pulumi.Parent(n))
	if err != nil {
		return nil, nil, nil, err
	}
	policy, err := iam.NewRolePolicy(ctx, n.resource("flow-logs-policy"), &iam.RolePolicyArgs{
		Name: pulumi.String("write-flow-logs"),
		Role: role.Name,
		// A group's streams have names that nobody knows beforehand: one for each
		// network interface.
		Policy: pulumi.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+
			`"Action":["logs:CreateLogStream","logs:DescribeLogStreams","logs:PutLogEvents"],"Resource":"%s:*"}]}`, group.Arn),
	}, pulumi.Parent(n))
	return group, role, policy, err
}

// partition is the part of AWS that a region belongs to, as ARNs name it.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}
