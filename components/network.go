package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
)

const anywhere = "0.0.0.0/0"

// Network is the VPC of a stack: per zone a public subnet for the bastion and
// NAT gateways, where there are any, and a private one for Kafka, their routes and network ACLs, an
// endpoint for S3, and the private DNS zone that holds every node's name.
type Network struct {
	pulumi.ResourceState
	namer

	VPC            *ec2.Vpc
	PublicSubnets  []*ec2.Subnet // in the order of the zones; none where nothing would be in them
	PrivateSubnets []*ec2.Subnet // in the order of the zones
	NATAddresses   []*ec2.Eip
	DNSZone        *route53.Zone
	Peering        *ec2.VpcPeeringConnection // nil where there is none

	plan       []config.Subnet
	gateway    *ec2.InternetGateway
	nats       []*ec2.NatGateway
	peer       Peer
	tables     []*ec2.RouteTable // public first, then private in the order of the zones
	tableNames []string          // of tables
	publicACL  *ec2.NetworkAcl
	privateACL *ec2.NetworkAcl
	// publicEgress and privateEgress are what must exist before a host of such
	// a subnet reaches the internet. Downloads depend on them: a host is up
	// minutes before its way out is.
	publicEgress  []pulumi.Resource
	privateEgress []pulumi.Resource
}

// NetworkArgs is what a Network is made from: plain values, since they decide
// how many resources there are.
type NetworkArgs struct {
	Stack config.Stack // with its zones and its peer VPC looked up
	Peer  Peer
	Tags  Tags
}

// NewNetwork makes the network of a stack.
func NewNetwork(ctx *pulumi.Context, name string, args NetworkArgs, opts ...pulumi.ResourceOption) (*Network, error) {
	plan, err := args.Stack.Network.Subnets(args.Stack.Network.Zones)
	if err != nil {
		return nil, err
	}
	n := &Network{namer: namer{stack: args.Stack.Name, name: name, tags: args.Tags}, plan: plan, peer: args.Peer}
	inputs := pulumi.Map{
		"cidr":        pulumi.String(args.Stack.Network.CIDR.String()),
		"zones":       pulumi.ToStringArray(args.Stack.Network.Zones),
		"natGateways": pulumi.String(args.Stack.Network.NATGateways),
		"peerVpc":     pulumi.String(args.Stack.Network.PeerVPC.ID),
	}
	if err := ctx.RegisterComponentResourceV2("kraftstack:network:Network", name, inputs, n, opts...); err != nil {
		return nil, err
	}
	steps := []func(*pulumi.Context, config.Stack) error{
		n.addVPC, n.addPublicSubnets, n.addNATGateways, n.addPrivateSubnets, n.addNetworkACLs, n.addS3Endpoint, n.addPeering, n.addDNSZone, n.addFlowLogs,
	}
	for _, step := range steps {
		if err := step(ctx, args.Stack); err != nil {
			return nil, err
		}
	}
	return n, ctx.RegisterResourceOutputs(n, pulumi.Map{"vpcId": n.VPC.ID(), "dnsZoneId": n.DNSZone.ZoneId})
}

func (n *Network) addVPC(ctx *pulumi.Context, stack config.Stack) (err error) {
	n.VPC, err = ec2.NewVpc(ctx, n.resource("vpc"), &ec2.VpcArgs{
		CidrBlock: pulumi.String(stack.Network.CIDR.String()),
		// Both are needed for a private hosted zone to resolve (Route 53
		// developer guide, "Working with private hosted zones").
		EnableDnsSupport:   pulumi.Bool(true),
		EnableDnsHostnames: pulumi.Bool(true),
		Tags:               n.tagged("vpc"),
	}, pulumi.Parent(n))
	if err != nil {
		return err
	}
	// The VPC comes with a group that lets its members talk to each other.
	// Nobody wears it; emptied, it also serves nobody by accident.
	_, err = ec2.NewDefaultSecurityGroup(ctx, n.resource("default-group"), &ec2.DefaultSecurityGroupArgs{
		VpcId: n.VPC.ID(),
		Tags:  n.tagged("default-group"),
	}, pulumi.Parent(n))
	return err
}

// addPublicSubnets makes the internet gateway, and the subnets that share one
// route to it. A stack in which nothing would use them has neither.
func (n *Network) addPublicSubnets(ctx *pulumi.Context, stack config.Stack) (err error) {
	if !stack.HasPublicSubnets() {
		return nil
	}
	n.gateway, err = ec2.NewInternetGateway(ctx, n.resource("internet-gateway"), &ec2.InternetGatewayArgs{
		VpcId: n.VPC.ID(),
		Tags:  n.tagged("internet-gateway"),
	}, pulumi.Parent(n))
	if err != nil {
		return err
	}
	table, route, err := n.addRouteTable(ctx, "public", &ec2.RouteArgs{GatewayId: n.gateway.ID()})
	if err != nil {
		return err
	}
	n.publicEgress = append(n.publicEgress, route)
	for i, zone := range stack.Network.Zones {
		subnet, association, err := n.addSubnet(ctx, "public-"+zone, zone, n.plan[i].Public.String(), table)
		if err != nil {
			return err
		}
		n.PublicSubnets = append(n.PublicSubnets, subnet)
		n.publicEgress = append(n.publicEgress, association)
	}
	return nil
}

// addNATGateways makes none, one in the first zone, or one per zone.
func (n *Network) addNATGateways(ctx *pulumi.Context, stack config.Stack) error {
	for i := range natCount(stack.Network) {
		suffix := "nat-" + stack.Network.Zones[i]
		address, err := ec2.NewEip(ctx, n.resource(suffix+"-address"), &ec2.EipArgs{
			Domain: pulumi.String("vpc"),
			Tags:   n.tagged(suffix),
		}, pulumi.Parent(n), pulumi.DependsOn([]pulumi.Resource{n.gateway}))
		if err != nil {
			return err
		}
		nat, err := ec2.NewNatGateway(ctx, n.resource(suffix), &ec2.NatGatewayArgs{
			AllocationId: address.AllocationId,
			SubnetId:     n.PublicSubnets[i].ID(),
			Tags:         n.tagged(suffix),
		}, pulumi.Parent(n), pulumi.DependsOn(n.publicEgress))
		if err != nil {
			return err
		}
		n.NATAddresses = append(n.NATAddresses, address)
		n.nats = append(n.nats, nat)
	}
	return nil
}

func natCount(network config.Network) int {
	switch network.NATGateways {
	case config.NATNone:
		return 0
	case config.NATPerZone:
		return len(network.Zones)
	default:
		return 1
	}
}

// addPrivateSubnets makes the subnets of the Kafka hosts, each with a route
// table of its own, so that a zone can be given another way out by itself.
func (n *Network) addPrivateSubnets(ctx *pulumi.Context, stack config.Stack) error {
	for i, zone := range stack.Network.Zones {
		var route *ec2.RouteArgs
		if len(n.nats) > 0 {
			route = &ec2.RouteArgs{NatGatewayId: n.nats[i%len(n.nats)].ID()}
		}
		table, egress, err := n.addRouteTable(ctx, "private-"+zone, route)
		if err != nil {
			return err
		}
		subnet, association, err := n.addSubnet(ctx, "private-"+zone, zone, n.plan[i].Private.String(), table)
		if err != nil {
			return err
		}
		n.PrivateSubnets = append(n.PrivateSubnets, subnet)
		n.privateEgress = append(n.privateEgress, association)
		if egress != nil {
			n.privateEgress = append(n.privateEgress, egress)
		}
	}
	return nil
}

// addRouteTable makes a table and, where a target is given, its default route.
func (n *Network) addRouteTable(ctx *pulumi.Context, suffix string, target *ec2.RouteArgs) (*ec2.RouteTable, *ec2.Route, error) {
	table, err := ec2.NewRouteTable(ctx, n.resource(suffix+"-routes"), &ec2.RouteTableArgs{
		VpcId: n.VPC.ID(),
		Tags:  n.tagged(suffix),
	}, pulumi.Parent(n))
	n.tables, n.tableNames = append(n.tables, table), append(n.tableNames, suffix)
	if err != nil || target == nil {
		return table, nil, err
	}
	target.RouteTableId = table.ID()
	target.DestinationCidrBlock = pulumi.String(anywhere)
	route, err := ec2.NewRoute(ctx, n.resource(suffix+"-default-route"), target, pulumi.Parent(n))
	return table, route, err
}

func (n *Network) addSubnet(
	ctx *pulumi.Context, suffix, zone, cidr string, table *ec2.RouteTable,
) (*ec2.Subnet, *ec2.RouteTableAssociation, error) {
	subnet, err := ec2.NewSubnet(ctx, n.resource(suffix), &ec2.SubnetArgs{
		VpcId:            n.VPC.ID(),
		CidrBlock:        pulumi.String(cidr),
		AvailabilityZone: pulumi.String(zone),
		// No host gets a public address by accident: the bastion has an
		// Elastic IP, nothing else needs one.
		MapPublicIpOnLaunch: pulumi.Bool(false),
		Tags:                n.tagged(suffix),
	}, pulumi.Parent(n))
	if err != nil {
		return nil, nil, err
	}
	association, err := ec2.NewRouteTableAssociation(ctx, n.resource(suffix+"-association"), &ec2.RouteTableAssociationArgs{
		SubnetId:     subnet.ID(),
		RouteTableId: table.ID(),
	}, pulumi.Parent(n))
	return subnet, association, err
}

// addS3Endpoint leads what is for S3 past the NAT gateways: it costs nothing,
// and it is how hosts without a NAT gateway get their archive and, on Amazon
// Linux, their packages.
func (n *Network) addS3Endpoint(ctx *pulumi.Context, stack config.Stack) error {
	var tables pulumi.StringArray
	for _, table := range n.tables {
		tables = append(tables, table.ID())
	}
	endpoint, err := ec2.NewVpcEndpoint(ctx, n.resource("s3-endpoint"), &ec2.VpcEndpointArgs{
		VpcId:           n.VPC.ID(),
		ServiceName:     pulumi.String("com.amazonaws." + stack.Region + ".s3"),
		VpcEndpointType: pulumi.String("Gateway"),
		RouteTableIds:   tables,
		Tags:            n.tagged("s3-endpoint"),
	}, pulumi.Parent(n))
	n.publicEgress = append(n.publicEgress, endpoint)
	n.privateEgress = append(n.privateEgress, endpoint)
	return err
}

func (n *Network) addDNSZone(ctx *pulumi.Context, stack config.Stack) (err error) {
	vpcs := route53.ZoneVpcArray{route53.ZoneVpcArgs{VpcId: n.VPC.ID()}}
	if peer := stack.Network.PeerVPC; peer.ID != "" {
		vpcs = append(vpcs, route53.ZoneVpcArgs{VpcId: pulumi.String(peer.ID)})
	}
	n.DNSZone, err = route53.NewZone(ctx, n.resource("dns-zone"), &route53.ZoneArgs{
		Name:    pulumi.String(stack.Domain()),
		Comment: pulumi.String(fmt.Sprintf("The names of Kafka stack %s: what brokers and voters advertise.", stack.Name)),
		Vpcs:    vpcs,
		Tags:    n.tagged("dns-zone"),
	}, pulumi.Parent(n))
	return err
}
