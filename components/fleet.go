package components

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
	"kraftstack/render"
)

// Fleet is all of a stack's nodes: born side by side, changed one at a time.
type Fleet struct {
	pulumi.ResourceState
	namer

	Nodes            []*Node  // controllers before brokers
	BootstrapServers []string // host:port of every broker

	rolled []pulumi.Resource // done when every node serves with its wanted settings
	// administrated is done when the cluster knows the administrator's password.
	administrated []pulumi.Resource
}

// FleetArgs is what a Fleet is made from.
type FleetArgs struct {
	Stack   config.Stack
	Tags    Tags
	Network *Network
	Access  *Access
	Quorum  *Quorum
	Launch  *Launch
	// Certificates sign the nodes.
	Certificates *Certificates
	// Gate is asked before a node's instance is stopped; nil stops none.
	Gate Gate
}

// NewFleet makes every node, waits for the quorum once, and rolls.
func NewFleet(ctx *pulumi.Context, name string, args FleetArgs, opts ...pulumi.ResourceOption) (*Fleet, error) {
	f := &Fleet{namer: namer{stack: args.Stack.Name, name: name}, BootstrapServers: strings.Split(render.Bootstrap(args.Stack), ",")}
	inputs := pulumi.Map{
		"brokers": pulumi.Int(args.Stack.Brokers.Count),
		"version": pulumi.String(args.Stack.Kafka.Version),
	}
	if err := ctx.RegisterComponentResourceV2("kraftstack:fleet:Fleet", name, inputs, f, opts...); err != nil {
		return nil, err
	}
	neverShrink, err := ctx.RegisterResourceHook("data-volume-never-shrinks", refuseShrink, &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return nil, err
	}
	lossStays, err := ctx.RegisterResourceHook("lost-disk-stays-lost", refuseFoundDisk, &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return nil, err
	}
	inTurn, err := newTurns(ctx, args.Gate)
	if err != nil {
		return nil, err
	}
	for _, node := range args.Stack.Nodes() {
		made, err := newNode(ctx, NodeArgs{
			Stack: args.Stack, Node: node, Tags: args.Tags,
			Network: args.Network, Access: args.Access, Launch: args.Launch, NeverShrink: neverShrink, LossStays: lossStays, InTurn: inTurn,
		}, f)
		if err != nil {
			return nil, err
		}
		f.Nodes = append(f.Nodes, made)
	}
	if err := args.Quorum.bear(ctx, args.Stack, f.Nodes); err != nil {
		return nil, err
	}
	if err := f.stage(ctx, args); err != nil {
		return nil, err
	}
	if err := f.configure(ctx, args); err != nil {
		return nil, err
	}
	if err := f.roll(ctx, args); err != nil {
		return nil, err
	}
	if err := f.administrator(ctx, args); err != nil {
		return nil, err
	}
	if err := f.finalize(ctx, args.Stack); err != nil {
		return nil, err
	}
	if err := f.rebalance(ctx, args.Stack); err != nil {
		return nil, err
	}
	if err := f.retire(ctx, args.Network); err != nil {
		return nil, err
	}
	return f, ctx.RegisterResourceOutputs(f, pulumi.Map{"nodes": pulumi.Int(len(f.Nodes))})
}

// configure starts all nodes side by side, once every name resolves: a
// resolver remembers that a name did not exist. One wait stands between the
// records and the nodes, since n nodes that depend on n records each would
// make a graph that grows with the square of the fleet.
func (f *Fleet) configure(ctx *pulumi.Context, args FleetArgs) error {
	var hosts []string
	var records []pulumi.Resource
	for _, node := range f.Nodes {
		hosts = append(hosts, args.Stack.Host(node.Node))
		records = append(records, node.Record)
	}
	resolver := f.outpost(args.Access)
	names, err := resolver.command(ctx, "names", commandArgs{
		create: pulumi.String(toolkitCall("names", "--hosts="+strings.Join(hosts, ","))),
		after:  append(records, resolver.toolkit),
	})
	if err != nil {
		return err
	}
	for _, node := range f.Nodes {
		if err := node.addIdentity(ctx, args.Certificates, args.Quorum.ClusterID); err != nil {
			return err
		}
		if err := node.addConfiguration(ctx, args.Quorum, names); err != nil {
			return err
		}
	}
	return nil
}
