package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

type listenerAction struct {
	Type           string `pulumi:"type"`
	TargetGroupArn string `pulumi:"targetGroupArn"`
}

type listenerArgs struct {
	LoadBalancerArn string            `pulumi:"loadBalancerArn" provider:"replaceOnChanges"`
	Port            int               `pulumi:"port"`
	Protocol        string            `pulumi:"protocol"`
	DefaultActions  []listenerAction  `pulumi:"defaultActions"`
	Tags            map[string]string `pulumi:"tags,optional"`
}

type listenerState struct {
	listenerArgs
	Arn     string            `pulumi:"arn"`
	TagsAll map[string]string `pulumi:"tagsAll"`
}

func (s *listenerState) made() bool { return s.Arn != "" }

type listener struct{}

func (listener) token() (string, string) { return "lb/listener", "Listener" }

func (listener) plan(c *cloud, old listenerState, in listenerArgs) listenerState {
	old.listenerArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (in listenerArgs) actions() []types.Action {
	var list []types.Action
	for _, action := range in.DefaultActions {
		list = append(list, types.Action{Type: types.ActionTypeEnum(action.Type), TargetGroupArn: aws.String(action.TargetGroupArn)})
	}
	return list
}

func (listener) create(ctx context.Context, c *cloud, in listenerArgs, st *listenerState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.elb.CreateListener(req, &elb.CreateListenerInput{LoadBalancerArn: aws.String(in.LoadBalancerArn),
		Port: aws.Int32(int32(in.Port)), Protocol: types.ProtocolEnum(in.Protocol), DefaultActions: in.actions(), Tags: elbTags(st.TagsAll)})
	if err != nil {
		return "", failed("CreateListener", in.LoadBalancerArn, err)
	}
	st.Arn = aws.ToString(out.Listeners[0].ListenerArn)
	return st.Arn, nil
}

func (listener) read(ctx context.Context, c *cloud, id string, in *listenerArgs, st *listenerState) error {
	out, err := c.elb.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{id}})
	if elbGone(err) || err == nil && len(out.Listeners) == 0 {
		return errGone
	}
	if err != nil {
		return failed("DescribeListeners", id, err)
	}
	l := out.Listeners[0]
	in.LoadBalancerArn, in.Port, in.Protocol = aws.ToString(l.LoadBalancerArn), int(aws.ToInt32(l.Port)), string(l.Protocol)
	in.DefaultActions = nil
	for _, action := range l.DefaultActions {
		in.DefaultActions = append(in.DefaultActions, listenerAction{Type: string(action.Type), TargetGroupArn: aws.ToString(action.TargetGroupArn)})
	}
	found, err := c.elbTagsOf(ctx, id)
	if err != nil {
		return err
	}
	st.TagsAll, in.Tags = c.foundTags(found, in.Tags)
	st.listenerArgs = *in
	return nil
}

func (listener) update(ctx context.Context, c *cloud, id string, old listenerState, in listenerArgs, st *listenerState) error {
	_, err := c.elb.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: aws.String(id), Port: aws.Int32(int32(in.Port)),
		Protocol: types.ProtocolEnum(in.Protocol), DefaultActions: in.actions()})
	if err != nil {
		return failed("ModifyListener", id, err)
	}
	return c.retagELB(ctx, id, old.TagsAll, st.TagsAll)
}

func (listener) remove(ctx context.Context, c *cloud, id string, _ listenerState) error {
	_, err := c.elb.DeleteListener(ctx, &elb.DeleteListenerInput{ListenerArn: aws.String(id)})
	if elbGone(err) {
		return nil
	}
	return failed("DeleteListener", id, err)
}
