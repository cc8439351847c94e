package components

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ebs"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
	"kraftstack/render"
)

// Node is one Kafka process with all that is its own: instance, data volume,
// DNS name, and the steps that turn a bare host into a member of the cluster.
type Node struct {
	pulumi.ResourceState
	host
	config.Node

	Volume *ebs.Volume
	Record *route53.Record

	stack      config.Stack
	attachment *ec2.VolumeAttachment
	prepare    *remote.Command
	identity   *remote.Command
	configure  *remote.Command
}

// NodeArgs is what a Node is made from.
type NodeArgs struct {
	Stack   config.Stack
	Node    config.Node
	Tags    Tags
	Network *Network
	Access  *Access
	Launch  *Launch
	// NeverShrink refuses a smaller data volume.
	NeverShrink *pulumi.ResourceHook
	// LossStays refuses to take back that a disk was lost.
	LossStays *pulumi.ResourceHook
	// InTurn stops one instance at a time.
	InTurn *pulumi.ResourceHookBinding
}

// recordTTL in seconds bounds how long a client looks for a replaced host at
// its old address.
const recordTTL = 10

// newNode makes a host with its disk and its software. It does not configure
// Kafka: that needs the names of all nodes first.
func newNode(ctx *pulumi.Context, args NodeArgs, fleet *Fleet) (*Node, error) {
	n := &Node{
		host:  host{namer: namer{stack: args.Stack.Name, name: args.Node.Name, tags: args.Tags}, access: args.Access},
		Node:  args.Node,
		stack: args.Stack,
	}
	n.parent = n
	inputs := pulumi.Map{
		"nodeId":       pulumi.Int(n.ID),
		"roles":        pulumi.ToStringArray(n.Roles()), // a report reads from it which nodes are voters
		"zone":         pulumi.String(args.Stack.Network.Zones[n.Zone]),
		"instanceType": pulumi.String(n.InstanceType),
		"lostDisks":    pulumi.Int(n.lostDisks()),
	}
	err := ctx.RegisterComponentResourceV2("kraftstack:node:Node", n.Name, inputs, n, pulumi.Parent(fleet),
		pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeUpdate: []*pulumi.ResourceHook{args.LossStays}}))
	if err != nil {
		return nil, err
	}
	for _, step := range []func(*pulumi.Context, NodeArgs) error{
		n.addHost, n.addVolume, n.addRecord,
	} {
		if err := step(ctx, args); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *Node) lostDisks() int { return n.stack.Hosts.LostDisks[n.Name] }

// incarnation triggers what is to run again for another host or another disk.
func (n *Node) incarnation() pulumi.Array {
	triggers := pulumi.Array{n.Instance.ID()}
	if lost := n.lostDisks(); lost > 0 {
		triggers = append(triggers, pulumi.Int(lost))
	}
	return triggers
}

func (n *Node) addHost(ctx *pulumi.Context, args NodeArgs) error {
	err := n.addInstance(ctx, instanceArgs{
		launch: args.Launch, role: roleOf(n.Node), instanceType: n.InstanceType, placement: args.Launch.group(n.Node),
		subnet: args.Network.PrivateSubnets[n.Zone], group: args.Access.NodeGroup,
		hostname: args.Stack.Host(n.Node), hooks: args.InTurn, after: args.Access.sessions.resources(),
	})
	if err != nil {
		return err
	}
	n.connection = args.Access.Connection(n.Instance, args.Access.Key, n.HostKey)
	born := args.Access.Connection(n.Instance, args.Access.bornKey, n.bornKey)
	return n.addKeys(ctx, born, args.Access.reachable())
}

// addVolume makes the data volume, a resource of its own, so that it outlives
// the instance it is attached to.
func (n *Node) addVolume(ctx *pulumi.Context, args NodeArgs) (err error) {
	volume := &ebs.VolumeArgs{
		AvailabilityZone: pulumi.String(args.Stack.Network.Zones[n.Zone]),
		Type:             pulumi.String("gp3"),
		Size:             pulumi.Int(n.Node.Volume.SizeGiB),
		Encrypted:        pulumi.Bool(true),
		Tags:             n.tagged("data"),
	}
	if iops := n.Node.Volume.IOPS; iops > 0 {
		volume.Iops = pulumi.Int(iops)
	}
	if throughput := n.Node.Volume.Throughput; throughput > 0 {
		volume.Throughput = pulumi.Int(throughput)
	}
	if key := args.Stack.Hosts.KMSKey; key != "" {
		volume.KmsKeyId = pulumi.String(key)
	}
	n.Volume, err = ebs.NewVolume(ctx, n.resource("data"), volume, pulumi.Parent(n), pulumi.Protect(args.Stack.Hosts.ProtectData),
		pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeUpdate: []*pulumi.ResourceHook{args.NeverShrink}}))
	if err != nil {
		return err
	}
	n.attachment, err = ec2.NewVolumeAttachment(ctx, n.resource("data-attachment"), &ec2.VolumeAttachmentArgs{
		DeviceName: pulumi.String("/dev/sdf"),
		InstanceId: n.Instance.ID(),
		VolumeId:   n.Volume.ID(),
		// A mounted volume cannot be detached; a stopped host has none.
		StopInstanceBeforeDetaching: pulumi.Bool(true),
	}, pulumi.Parent(n), pulumi.DeleteBeforeReplace(true),
		// Terminating the instance detaches it: no need to stop it first.
		pulumi.DeletedWith(n.Instance))
	return err
}

func (n *Node) addRecord(ctx *pulumi.Context, args NodeArgs) (err error) {
	n.Record, err = route53.NewRecord(ctx, n.resource("record"), &route53.RecordArgs{
		ZoneId:  args.Network.DNSZone.ZoneId,
		Name:    pulumi.String(args.Stack.Host(n.Node)),
		Type:    pulumi.String("A"),
		Ttl:     pulumi.Int(recordTTL),
		Records: pulumi.StringArray{n.Instance.PrivateIp},
	}, pulumi.Parent(n))
	return err
}

// addSoftware runs the steps that need nothing from other nodes. The disk is
// prepared while the archive is fetched.
func (n *Node) addSoftware(ctx *pulumi.Context, args FleetArgs, admitted pulumi.Resource) (err error) {
	n.prepare, err = n.command(ctx, "prepare", commandArgs{
		create: pulumi.Sprintf("%s --volume-id=%s", toolkitCall("prepare", append([]string{
			"--subject=" + render.Subject(n.stack, n.Node), "--names=" + strings.Join(render.CertificateNames(n.stack, n.Node), ","),
			fmt.Sprintf("--timeout=%d", args.Stack.Access.HostTimeoutSeconds), fmt.Sprintf("--size-gib=%d", n.Node.Volume.SizeGiB),
		}, packageSources(args.Stack)...)...), n.Volume.ID()),
		after: []pulumi.Resource{n.toolkit, n.attachment},
	})
	if err != nil {
		return err
	}
	return n.addInstall(ctx, args.Stack, append([]pulumi.Resource{admitted}, args.Network.privateEgress...))
}

// addConfiguration writes the wanted state of the host and starts Kafka where
// it does not run; it restarts nothing.
//
// Only a node that the graph has never configured may have its storage formatted,
// or one whose disk is lost for good, which only a person can know: the create of
// this command, bound to hosts.lostDisks by its trigger. A replaced host or volume is
// an update (their ids are in the command line), and an update refuses a disk without
// data.
func (n *Node) addConfiguration(ctx *pulumi.Context, quorum *Quorum, names pulumi.Resource) error {
	document, err := render.Document(n.stack, n.Node)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	call := func(storage pulumi.StringOutput) pulumi.StringOutput {
		return pulumi.Sprintf("%s --cluster-id=%s --volume-id=%s --instance=%s%s",
			toolkitCall("configure", fmt.Sprintf("--node-id=%d", n.ID)), quorum.ClusterID, n.Volume.ID(), n.Instance.ID(), storage)
	}
	made, kept := quorum.storage(n)
	n.configure, err = n.command(ctx, "configure", commandArgs{
		create:   call(made),
		update:   call(kept),
		stdin:    pulumi.String(document),
		triggers: pulumi.Array{pulumi.Int(n.lostDisks())},
		after:    []pulumi.Resource{n.identity, n.install, names},
	})
	return err
}
