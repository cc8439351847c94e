package awsprovider

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

type loadBalancerArgs struct {
	Name                         *string           `pulumi:"name,optional" provider:"replaceOnChanges"`
	Internal                     *bool             `pulumi:"internal,optional" provider:"replaceOnChanges"`
	LoadBalancerType             string            `pulumi:"loadBalancerType" provider:"replaceOnChanges"`
	Subnets                      []string          `pulumi:"subnets" provider:"replaceOnChanges"`
	SecurityGroups               []string          `pulumi:"securityGroups,optional"`
	EnableCrossZoneLoadBalancing *bool             `pulumi:"enableCrossZoneLoadBalancing,optional"`
	EnableDeletionProtection     *bool             `pulumi:"enableDeletionProtection,optional"`
	Tags                         map[string]string `pulumi:"tags,optional"`
}

type loadBalancerState struct {
	loadBalancerArgs
	Arn       string            `pulumi:"arn"`
	ArnSuffix string            `pulumi:"arnSuffix"`
	DnsName   string            `pulumi:"dnsName"`
	VpcId     string            `pulumi:"vpcId"`
	ZoneId    string            `pulumi:"zoneId"`
	TagsAll   map[string]string `pulumi:"tagsAll"`
}

func (s *loadBalancerState) made() bool { return s.Arn != "" }

type loadBalancer struct{}

func (loadBalancer) token() (string, string) { return "lb/loadBalancer", "LoadBalancer" }

func (loadBalancer) plan(c *cloud, old loadBalancerState, in loadBalancerArgs) loadBalancerState {
	old.loadBalancerArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d loadBalancer) create(ctx context.Context, c *cloud, in loadBalancerArgs, st *loadBalancerState) (string, error) {
	req, done := once(ctx)
	defer done()
	scheme := types.LoadBalancerSchemeEnumInternetFacing
	if orFalse(in.Internal) {
		scheme = types.LoadBalancerSchemeEnumInternal
	}
	out, err := c.elb.CreateLoadBalancer(req, &elb.CreateLoadBalancerInput{Name: in.Name, Scheme: scheme,
		Type: types.LoadBalancerTypeEnum(in.LoadBalancerType), Subnets: in.Subnets, SecurityGroups: in.SecurityGroups, Tags: elbTags(st.TagsAll)})
	if err != nil {
		return "", failed("CreateLoadBalancer", aws.ToString(in.Name), err)
	}
	id := aws.ToString(out.LoadBalancers[0].LoadBalancerArn)
	err = await(ctx, id+" to be active", 10*time.Minute, func(ctx context.Context) (bool, string, error) {
		balancer, err := describeBalancer(ctx, c, id)
		if err != nil {
			return false, "", err
		}
		d.fill(balancer, st)
		return balancer.State.Code == types.LoadBalancerStateEnumActive, string(balancer.State.Code), nil
	})
	if err == nil {
		err = d.attributes(ctx, c, id, loadBalancerArgs{}, in)
	}
	return id, err
}

// attributes sets what differs from AWS's defaults of a new balancer, which has
// none of them on.
func (loadBalancer) attributes(ctx context.Context, c *cloud, id string, old, in loadBalancerArgs) error {
	var list []types.LoadBalancerAttribute
	for _, a := range []struct {
		key       string
		had, want *bool
	}{
		{"load_balancing.cross_zone.enabled", old.EnableCrossZoneLoadBalancing, in.EnableCrossZoneLoadBalancing},
		{"deletion_protection.enabled", old.EnableDeletionProtection, in.EnableDeletionProtection},
	} {
		if orFalse(a.had) != orFalse(a.want) {
			list = append(list, types.LoadBalancerAttribute{Key: aws.String(a.key), Value: aws.String(strconv.FormatBool(orFalse(a.want)))})
		}
	}
	if len(list) == 0 {
		return nil
	}
	_, err := c.elb.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: aws.String(id), Attributes: list})
	return failed("ModifyLoadBalancerAttributes", id, err)
}

func (loadBalancer) fill(balancer types.LoadBalancer, st *loadBalancerState) {
	st.Arn, st.DnsName, st.VpcId = aws.ToString(balancer.LoadBalancerArn), aws.ToString(balancer.DNSName), aws.ToString(balancer.VpcId)
	st.ZoneId = aws.ToString(balancer.CanonicalHostedZoneId)
	_, st.ArnSuffix, _ = strings.Cut(st.Arn, ":loadbalancer/")
}

func describeBalancer(ctx context.Context, c *cloud, id string) (types.LoadBalancer, error) {
	out, err := c.elb.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{id}})
	if elbGone(err) || err == nil && len(out.LoadBalancers) == 0 {
		return types.LoadBalancer{}, errGone
	}
	if err != nil {
		return types.LoadBalancer{}, failed("DescribeLoadBalancers", id, err)
	}
	return out.LoadBalancers[0], nil
}

func (d loadBalancer) read(ctx context.Context, c *cloud, id string, in *loadBalancerArgs, st *loadBalancerState) error {
	balancer, err := describeBalancer(ctx, c, id)
	if err != nil {
		return err
	}
	attributes, err := c.elb.DescribeLoadBalancerAttributes(ctx, &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: aws.String(id)})
	if err != nil {
		return failed("DescribeLoadBalancerAttributes", id, err)
	}
	for _, a := range attributes.Attributes {
		on := aws.ToString(a.Value) == "true"
		switch aws.ToString(a.Key) {
		case "load_balancing.cross_zone.enabled":
			drift(&in.EnableCrossZoneLoadBalancing, &on, false)
		case "deletion_protection.enabled":
			drift(&in.EnableDeletionProtection, &on, false)
		}
	}
	var subnets []string
	for _, zone := range balancer.AvailabilityZones {
		subnets = append(subnets, aws.ToString(zone.SubnetId))
	}
	in.Subnets, in.SecurityGroups = asGiven(in.Subnets, subnets), asGiven(in.SecurityGroups, balancer.SecurityGroups)
	found, err := c.elbTagsOf(ctx, id)
	if err != nil {
		return err
	}
	st.TagsAll, in.Tags = c.foundTags(found, in.Tags)
	st.loadBalancerArgs = *in
	d.fill(balancer, st)
	return nil
}

func (d loadBalancer) update(ctx context.Context, c *cloud, id string, old loadBalancerState, in loadBalancerArgs, st *loadBalancerState) error {
	if !slices.Equal(old.SecurityGroups, in.SecurityGroups) {
		if _, err := c.elb.SetSecurityGroups(ctx, &elb.SetSecurityGroupsInput{LoadBalancerArn: aws.String(id), SecurityGroups: in.SecurityGroups}); err != nil {
			return failed("SetSecurityGroups", id, err)
		}
	}
	if err := d.attributes(ctx, c, id, old.loadBalancerArgs, in); err != nil {
		return err
	}
	return c.retagELB(ctx, id, old.TagsAll, st.TagsAll)
}

func (loadBalancer) remove(ctx context.Context, c *cloud, id string, _ loadBalancerState) error {
	_, err := c.elb.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: aws.String(id)})
	if err == nil || elbGone(err) {
		return nil
	}
	if hasCode(err, "OperationNotPermitted") {
		return fmt.Errorf("%w; next: lift its deletion protection", failed("DeleteLoadBalancer", id, err))
	}
	return failed("DeleteLoadBalancer", id, err)
}
