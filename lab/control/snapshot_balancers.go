package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"kraftstack/lab/cloud"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// readBalancers reads the network load balancers with their interfaces,
// listeners and targets.
func (r *reader) readBalancers(ctx context.Context, s *cloud.Snapshot) error {
	pages := elb.NewDescribeLoadBalancersPaginator(r.elb, &elb.DescribeLoadBalancersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, balancer := range page.LoadBalancers {
			one := cloud.Balancer{
				ID: aws.ToString(balancer.LoadBalancerArn), VPC: aws.ToString(balancer.VpcId),
				DNSName: domainName(aws.ToString(balancer.DNSName)), Groups: slices.Sorted(slices.Values(balancer.SecurityGroups)),
			}
			if one.Nodes, err = r.balancerNodes(ctx, one.ID); err != nil {
				return fmt.Errorf("load balancer %s: %w", one.ID, err)
			}
			if one.Listeners, err = r.listeners(ctx, one.ID); err != nil {
				return fmt.Errorf("load balancer %s: %w", one.ID, err)
			}
			s.Balancers = append(s.Balancers, one)
		}
	}
	return nil
}

// balancerNodes finds a balancer's interfaces by what AWS writes into their
// description.
func (r *reader) balancerNodes(ctx context.Context, arn string) ([]cloud.BalancerNode, error) {
	_, name, _ := strings.Cut(arn, ":loadbalancer/")
	return r.interfacesOf(ctx, "ELB "+name)
}

// interfacesOf finds interfaces by their description.
func (r *reader) interfacesOf(ctx context.Context, description string) ([]cloud.BalancerNode, error) {
	got, err := r.ec2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []ec2types.Filter{
		{Name: aws.String("description"), Values: []string{description}}}})
	if err != nil {
		return nil, err
	}
	var nodes []cloud.BalancerNode
	for _, eni := range got.NetworkInterfaces {
		addr, err := parseAddr(aws.ToString(eni.NetworkInterfaceId), aws.ToString(eni.PrivateIpAddress))
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, cloud.BalancerNode{Subnet: aws.ToString(eni.SubnetId), Addr: addr})
	}
	slices.SortFunc(nodes, func(a, b cloud.BalancerNode) int { return netip.Addr.Compare(a.Addr, b.Addr) })
	return nodes, nil
}

func (r *reader) listeners(ctx context.Context, arn string) ([]cloud.Listener, error) {
	got, err := r.elb.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: &arn})
	if err != nil {
		return nil, err
	}
	var list []cloud.Listener
	for _, listener := range got.Listeners {
		if len(listener.DefaultActions) != 1 || listener.DefaultActions[0].TargetGroupArn == nil {
			return nil, fmt.Errorf("listener %s: the lab knows one target group for a listener", aws.ToString(listener.ListenerArn))
		}
		one := cloud.Listener{Port: int(aws.ToInt32(listener.Port)), TargetGroup: *listener.DefaultActions[0].TargetGroupArn}
		if err := r.targets(ctx, &one); err != nil {
			return nil, fmt.Errorf("target group %s: %w", one.TargetGroup, err)
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b cloud.Listener) int { return a.Port - b.Port })
	return list, nil
}

func (r *reader) targets(ctx context.Context, listener *cloud.Listener) error {
	groups, err := r.elb.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{listener.TargetGroup}})
	if err != nil {
		return err
	}
	attributes, err := r.elb.DescribeTargetGroupAttributes(ctx, &elb.DescribeTargetGroupAttributesInput{TargetGroupArn: &listener.TargetGroup})
	if err != nil {
		return err
	}
	for _, attribute := range attributes.Attributes {
		if aws.ToString(attribute.Key) == "preserve_client_ip.enabled" && aws.ToString(attribute.Value) != "true" {
			return errors.New("the lab's load balancers keep the client's address; set preserve_client_ip.enabled")
		}
	}
	group := groups.TargetGroups[0]
	if group.HealthCheckProtocol != types.ProtocolEnumTcp || aws.ToString(group.HealthCheckPort) != "traffic-port" {
		return errors.New("the lab probes targets by TCP on the port that they serve")
	}
	listener.TargetPort, listener.Interval = int(aws.ToInt32(group.Port)), int(aws.ToInt32(group.HealthCheckIntervalSeconds))
	listener.Healthy, listener.Unhealthy = int(aws.ToInt32(group.HealthyThresholdCount)), int(aws.ToInt32(group.UnhealthyThresholdCount))
	health, err := r.elb.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &listener.TargetGroup})
	if err != nil {
		return err
	}
	for _, target := range health.TargetHealthDescriptions {
		if int(aws.ToInt32(target.Target.Port)) != listener.TargetPort {
			return fmt.Errorf("target %s has a port of its own, which the lab does not know", aws.ToString(target.Target.Id))
		}
		listener.Targets = append(listener.Targets, aws.ToString(target.Target.Id))
	}
	slices.Sort(listener.Targets)
	return nil
}

// ReportHealth tells the API what probes of targets see: by target group and
// instance, healthy, unhealthy or initial.
func (c *Control) ReportHealth(ctx context.Context, states map[string]map[string]string) error {
	return c.report(ctx, "health", states)
}

// ReportSessions tells the API which hosts Session Manager reaches, and where
// sessions are carried: a value with the fields stream, secret and online in JSON.
func (c *Control) ReportSessions(ctx context.Context, report any) error {
	return c.report(ctx, "sessions", report)
}

func (c *Control) report(ctx context.Context, what string, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL()+"/kraftstack/"+what, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("report to the API (%s): %w", what, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("report to the API (%s): %s", what, resp.Status)
	}
	return nil
}
