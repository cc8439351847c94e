package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
)

// Entry is where clients start from that know no broker by name: an internal
// network load balancer before all brokers, with a name in the private zone. It
// serves the first connection alone: after that clients go to each broker by the
// name that the broker advertises.
type Entry struct {
	pulumi.ResourceState
	namer

	Group    *ec2.SecurityGroup
	Balancer *lb.LoadBalancer
	Record   *route53.Record
}

// EntryArgs is what an Entry is made from.
type EntryArgs struct {
	Stack   config.Stack
	Tags    Tags
	Network *Network
	Access  *Access
	Fleet   *Fleet
}

// Health checks of the brokers, in seconds and probes in a row: a dead broker
// gets no new connections after 20 s.
const (
	healthInterval  = 10
	healthThreshold = 2
)

// NewEntry makes the load balancer of a stack that has one; nil without.
func NewEntry(ctx *pulumi.Context, name string, args EntryArgs, opts ...pulumi.ResourceOption) (*Entry, error) {
	if !args.Stack.Entry.Balanced() {
		return nil, nil //nolint:nilnil // having none is no error
	}
	e := &Entry{namer: namer{stack: args.Stack.Name, name: name, tags: args.Tags}}
	inputs := pulumi.Map{"loadBalancer": pulumi.String(args.Stack.Entry.LoadBalancer)}
	if err := ctx.RegisterComponentResourceV2("kraftstack:entry:Entry", name, inputs, e, opts...); err != nil {
		return nil, err
	}
	for _, step := range []func(*pulumi.Context, EntryArgs) error{e.addGroup, e.addRules, e.addBalancer, e.addListeners, e.addRecord} {
		if err := step(ctx, args); err != nil {
			return nil, err
		}
	}
	return e, ctx.RegisterResourceOutputs(e, pulumi.Map{"name": e.Record.Fqdn})
}

// addGroup gives the balancer a group of its own from the start: AWS lets a
// network load balancer have one at its creation only.
func (e *Entry) addGroup(ctx *pulumi.Context, args EntryArgs) (err error) {
	e.Group, err = ec2.NewSecurityGroup(ctx, e.resource("group"), &ec2.SecurityGroupArgs{
		VpcId:               args.Network.VPC.ID(),
		Name:                pulumi.String(e.stack + "-" + e.name + "-group"),
		Description:         pulumi.String("Load balancer of Kafka stack " + e.stack),
		RevokeRulesOnDelete: pulumi.Bool(true),
		Tags:                e.tagged("group"),
	}, pulumi.Parent(e))
	return err
}

// addRules lets in who may reach the brokers, and the balancer to the brokers.
// Clients keep their addresses on the way; naming the balancer's group lets its
// probes in and whatever it passes on.
func (e *Entry) addRules(ctx *pulumi.Context, args EntryArgs) error {
	for _, ports := range clientPorts(args.Stack) {
		for _, cidr := range clientNetworks(args.Stack) {
			err := e.allowIngress(ctx, ports, cidr.String(), &vpc.SecurityGroupIngressRuleArgs{CidrIpv4: pulumi.String(cidr.String())})
			if err != nil {
				return err
			}
		}
		if bastion := args.Access.BastionGroup; bastion != nil {
			err := e.allowIngress(ctx, ports, "bastion", &vpc.SecurityGroupIngressRuleArgs{ReferencedSecurityGroupId: bastion.ID()})
			if err != nil {
				return err
			}
		}
		for _, group := range args.Stack.Access.ClientGroups {
			err := e.allowIngress(ctx, ports, group, &vpc.SecurityGroupIngressRuleArgs{ReferencedSecurityGroupId: pulumi.String(group)})
			if err != nil {
				return err
			}
		}
		if err := e.allowPassage(ctx, args.Access, ports); err != nil {
			return err
		}
	}
	return nil
}

func (e *Entry) allowIngress(ctx *pulumi.Context, ports portRange, from string, rule *vpc.SecurityGroupIngressRuleArgs) error {
	suffix := ports.String() + "-from-" + from
	rule.SecurityGroupId, rule.IpProtocol = e.Group.ID(), pulumi.String("tcp")
	rule.FromPort, rule.ToPort = pulumi.Int(ports.from), pulumi.Int(ports.to)
	rule.Description, rule.Tags = pulumi.String("Clients of Kafka"), e.tagged(suffix)
	_, err := vpc.NewSecurityGroupIngressRule(ctx, e.resource(suffix), rule, pulumi.Parent(e))
	return err
}

// allowPassage opens both ends between balancer and brokers, and the bastion's
// towards the balancer.
func (e *Entry) allowPassage(ctx *pulumi.Context, access *Access, ports portRange) error {
	for _, way := range []struct {
		suffix   string
		from, to *ec2.SecurityGroup
	}{{"-to-nodes", e.Group, access.NodeGroup}, {"-out-of-bastion", access.BastionGroup, e.Group}} {
		if way.from == nil {
			continue // there is no bastion
		}
		name := ports.String() + way.suffix
		_, err := vpc.NewSecurityGroupEgressRule(ctx, e.resource(name), &vpc.SecurityGroupEgressRuleArgs{
			SecurityGroupId: way.from.ID(), ReferencedSecurityGroupId: way.to.ID(), IpProtocol: pulumi.String("tcp"),
			FromPort: pulumi.Int(ports.from), ToPort: pulumi.Int(ports.to),
			Description: pulumi.String("Kafka through the load balancer"), Tags: e.tagged(name),
		}, pulumi.Parent(e))
		if err != nil {
			return err
		}
	}
	name := ports.String() + "-into-nodes"
	_, err := vpc.NewSecurityGroupIngressRule(ctx, e.resource(name), &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId: access.NodeGroup.ID(), ReferencedSecurityGroupId: e.Group.ID(), IpProtocol: pulumi.String("tcp"),
		FromPort: pulumi.Int(ports.from), ToPort: pulumi.Int(ports.to),
		Description: pulumi.String("Kafka through the load balancer"), Tags: e.tagged(name),
	}, pulumi.Parent(e))
	return err
}

func (e *Entry) addBalancer(ctx *pulumi.Context, args EntryArgs) (err error) {
	var subnets pulumi.StringArray
	for _, subnet := range args.Network.PrivateSubnets {
		subnets = append(subnets, subnet.ID())
	}
	e.Balancer, err = lb.NewLoadBalancer(ctx, e.resource("balancer"), &lb.LoadBalancerArgs{
		Name:             pulumi.String(e.stack),
		LoadBalancerType: pulumi.String("network"),
		Internal:         pulumi.Bool(true),
		Subnets:          subnets,
		SecurityGroups:   pulumi.StringArray{e.Group.ID()},
		// A zone whose brokers are all down still has a way in.
		EnableCrossZoneLoadBalancing: pulumi.Bool(true),
		EnableDeletionProtection:     pulumi.Bool(args.Stack.Entry.DeletionProtection),
		Tags:                         e.tagged("balancer"),
	}, pulumi.Parent(e))
	return err
}

// addListeners passes each port for clients on to all brokers.
func (e *Entry) addListeners(ctx *pulumi.Context, args EntryArgs) error {
	for _, ports := range clientPorts(args.Stack) {
		for port := ports.from; port <= ports.to; port++ {
			if err := e.addListener(ctx, args, single(port)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Entry) addListener(ctx *pulumi.Context, args EntryArgs, port portRange) error {
	group, err := lb.NewTargetGroup(ctx, e.resource("targets-"+port.String()), &lb.TargetGroupArgs{
		// It has no name of its own: AWS's 32 characters do not take a stack's
		// name and a port.
		Port:     pulumi.Int(port.from),
		Protocol: pulumi.String("TCP"),
		VpcId:    args.Network.VPC.ID(),
		// Kafka's rules and logs know clients by their addresses.
		PreserveClientIp: pulumi.String("true"),
		HealthCheck: lb.TargetGroupHealthCheckArgs{
			Protocol: pulumi.String("TCP"), Port: pulumi.String("traffic-port"), Interval: pulumi.Int(healthInterval),
			HealthyThreshold: pulumi.Int(healthThreshold), UnhealthyThreshold: pulumi.Int(healthThreshold),
		},
		Tags: e.tagged("targets-" + port.String()),
	}, pulumi.Parent(e))
	if err != nil {
		return err
	}
	for _, node := range args.Fleet.Nodes {
		if !node.Broker {
			continue
		}
		_, err := lb.NewTargetGroupAttachment(ctx, e.resource(node.Name+"-"+port.String()), &lb.TargetGroupAttachmentArgs{
			TargetGroupArn: group.Arn,
			TargetId:       node.Instance.ID(),
		}, pulumi.Parent(e))
		if err != nil {
			return err
		}
	}
	_, err = lb.NewListener(ctx, e.resource("listener-"+port.String()), &lb.ListenerArgs{
		LoadBalancerArn: e.Balancer.Arn,
		Port:            pulumi.Int(port.from),
		Protocol:        pulumi.String("TCP"),
		DefaultActions:  lb.ListenerDefaultActionArray{lb.ListenerDefaultActionArgs{Type: pulumi.String("forward"), TargetGroupArn: group.Arn}},
		Tags:            e.tagged("listener-" + port.String()),
	}, pulumi.Parent(e))
	return err
}

// addRecord names the balancer. The brokers' certificates are for this name too.
func (e *Entry) addRecord(ctx *pulumi.Context, args EntryArgs) (err error) {
	e.Record, err = route53.NewRecord(ctx, e.resource("record"), &route53.RecordArgs{
		ZoneId: args.Network.DNSZone.ZoneId,
		Name:   pulumi.String(args.Stack.BootstrapName()),
		Type:   pulumi.String("A"),
		Aliases: route53.RecordAliasArray{route53.RecordAliasArgs{
			Name: e.Balancer.DnsName, ZoneId: e.Balancer.ZoneId, EvaluateTargetHealth: pulumi.Bool(false),
		}},
	}, pulumi.Parent(e))
	return err
}
