package control

import (
	"context"
	"testing"

	"kraftstack/lab/cloud"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/google/go-cmp/cmp"
)

// balance is a fidelity test of a load balancer.
type balance struct {
	*fidelity
	elb                    *elb.Client
	arn, targets, listener string
}

func TestBalancers(t *testing.T) {
	t.Parallel()
	c := start(t, t.TempDir())
	f := &fidelity{world: build(t, c), t: t, api: ec2.NewFromConfig(c.awsConfig(Region))}
	b := &balance{fidelity: f, elb: elb.NewFromConfig(c.awsConfig(Region))}
	play(t, f, b.rows())
	got := snapshot(t, c).Balancers
	if len(got) != 1 || len(got[0].Nodes) != 1 || got[0].Nodes[0].Subnet != f.private {
		t.Fatalf("balancers: %+v", got)
	}
	want := []cloud.Listener{{Port: 9092, TargetGroup: b.targets, TargetPort: 9092, Targets: []string{f.instance}, Interval: 10, Healthy: 2, Unhealthy: 2}}
	if diff := cmp.Diff(want, got[0].Listeners); diff != "" {
		t.Errorf("listeners (-want +got):\n%s", diff)
	}
	for _, state := range []string{"healthy", "unhealthy"} {
		if err := c.ReportHealth(t.Context(), map[string]map[string]string{b.targets: {f.instance: state}}); err != nil {
			t.Fatal(err)
		}
		if now := b.health(t.Context()); now != state {
			t.Errorf("a target reported as %s is %s", state, now)
		}
	}
	play(t, f, b.teardown())
}

func (b *balance) health(ctx context.Context) string {
	got, err := b.elb.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &b.targets})
	if err != nil || len(got.TargetHealthDescriptions) != 1 {
		b.t.Fatal(got, err)
	}
	return string(got.TargetHealthDescriptions[0].TargetHealth.State)
}

func (b *balance) make(name string, scheme types.LoadBalancerSchemeEnum) call {
	return func(ctx context.Context, f *fidelity) error {
		made, err := b.elb.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: &name, Type: types.LoadBalancerTypeEnumNetwork,
			Scheme: scheme, Subnets: []string{f.private}, SecurityGroups: []string{f.group}})
		if err == nil {
			b.arn = *made.LoadBalancers[0].LoadBalancerArn
		}
		return err
	}
}

func (b *balance) listen(ctx context.Context, _ *fidelity) error {
	made, err := b.elb.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: &b.arn, Port: aws.Int32(9092), Protocol: types.ProtocolEnumTcp,
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: &b.targets}}})
	if err == nil {
		b.listener = *made.Listeners[0].ListenerArn
	}
	return err
}

func (b *balance) register(which func() string) call {
	return func(ctx context.Context, _ *fidelity) error {
		return errOf(b.elb.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: &b.targets,
			Targets: []types.TargetDescription{{Id: aws.String(which())}}}))
	}
}

func (b *balance) protect(on string) call {
	return func(ctx context.Context, _ *fidelity) error {
		return errOf(b.elb.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &b.arn,
			Attributes: []types.LoadBalancerAttribute{{Key: aws.String("deletion_protection.enabled"), Value: &on}}}))
	}
}

func (b *balance) remove(ctx context.Context, _ *fidelity) error {
	return errOf(b.elb.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: &b.arn}))
}

func (b *balance) removeTargets(ctx context.Context, _ *fidelity) error {
	return errOf(b.elb.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: &b.targets}))
}

func (b *balance) rows() []row {
	return []row{
		{"a name that AWS refuses", "ValidationError", b.make("-entry", types.LoadBalancerSchemeEnumInternal)},
		{"one that faces the internet", "kraftstack.NotEmulated", b.make("entry", types.LoadBalancerSchemeEnumInternetFacing)},
		{"make it", "", b.make("entry", types.LoadBalancerSchemeEnumInternal)},
		{"make it twice", "DuplicateLoadBalancerName", b.make("entry", types.LoadBalancerSchemeEnumInternal)},
		{"make a target group", "", func(ctx context.Context, f *fidelity) error {
			made, err := b.elb.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("brokers"), Port: aws.Int32(9092),
				Protocol: types.ProtocolEnumTcp, VpcId: &f.vpc, TargetType: types.TargetTypeEnumInstance, HealthCheckProtocol: types.ProtocolEnumTcp,
				HealthCheckIntervalSeconds: aws.Int32(10), HealthyThresholdCount: aws.Int32(2), UnhealthyThresholdCount: aws.Int32(2)})
			if err == nil {
				b.targets = *made.TargetGroups[0].TargetGroupArn
			}
			return err
		}},
		{"an unknown target", "InvalidTarget", b.register(func() string { return "i-0123456789abcdef0" })},
		{"a target", "", b.register(func() string { return b.instance })},
		{"it is not in use yet", "", func(ctx context.Context, f *fidelity) error {
			if state := b.health(ctx); state != "unused" {
				f.t.Errorf("it is %s", state)
			}
			return nil
		}},
		{"a listener", "", b.listen},
		{"another on its port", "DuplicateListener", b.listen},
		{"its target has not been probed yet", "", func(ctx context.Context, f *fidelity) error {
			if state := b.health(ctx); state != "initial" {
				f.t.Errorf("it is %s", state)
			}
			return nil
		}},
		{"delete its target group", "ResourceInUse", b.removeTargets},
		{"delete its subnet", "DependencyViolation", deleteSubnet(func(f *fidelity) string { return f.private })},
		{"take all its groups away", "InvalidConfigurationRequest", func(ctx context.Context, _ *fidelity) error {
			return errOf(b.elb.SetSecurityGroups(ctx, &elb.SetSecurityGroupsInput{LoadBalancerArn: &b.arn, SecurityGroups: []string{}}))
		}},
	}
}

func (b *balance) teardown() []row {
	return []row{
		{"protect it", "", b.protect("true")},
		{"delete it", "OperationNotPermitted", b.remove},
		{"lift its protection", "", b.protect("false")},
		{"delete it now", "", b.remove},
		{"delete it again", "", b.remove},
		{"its subnet is free", "", deleteSubnet(func(f *fidelity) string { return f.private })},
	}
}
