package components

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
	"kraftstack/render"
)

// Quorum is the identity of a cluster: its id and the directory id of each
// voter, known before any host exists, so that all voters can be formatted
// with the same list (KIP-853, kafka-storage format --initial-controllers).
type Quorum struct {
	pulumi.ResourceState
	namer

	ClusterID          pulumi.StringOutput
	InitialControllers pulumi.StringOutput

	seed pulumi.StringOutput
}

// QuorumArgs is what a Quorum is made from.
type QuorumArgs struct {
	Stack config.Stack
}

// NewQuorum makes the identity of a cluster.
func NewQuorum(ctx *pulumi.Context, name string, args QuorumArgs, opts ...pulumi.ResourceOption) (*Quorum, error) {
	q := &Quorum{namer: namer{stack: args.Stack.Name, name: name}}
	inputs := pulumi.Map{
		"mode":        pulumi.String(args.Stack.Controllers.Mode),
		"controllers": pulumi.Int(args.Stack.Controllers.Count),
	}
	if err := ctx.RegisterComponentResourceV2("kraftstack:quorum:Quorum", name, inputs, q, opts...); err != nil {
		return nil, err
	}
	// A key pair that nobody uses as one: its public half is a random value
	// that lives in the state as long as the cluster does.
	seed, err := tls.NewPrivateKey(ctx, q.resource("seed"), &tls.PrivateKeyArgs{
		Algorithm: pulumi.String("ED25519"),
	}, pulumi.Parent(q))
	if err != nil {
		return nil, err
	}
	q.seed = seed.PublicKeyOpenssh
	q.ClusterID = q.uuid("cluster")
	q.InitialControllers = q.seed.ApplyT(func(seed string) string {
		ids := map[int]string{}
		for _, node := range args.Stack.Nodes() {
			if node.Controller {
				ids[node.ID] = uuid(seed, directoryLabel(node.ID))
			}
		}
		return render.InitialControllers(args.Stack, ids)
	}).(pulumi.StringOutput)
	return q, ctx.RegisterResourceOutputs(q, pulumi.Map{
		"clusterId": q.ClusterID, "initialControllers": q.InitialControllers,
	})
}

// DirectoryID is the id of a voter's metadata directory.
func (q *Quorum) DirectoryID(nodeID int) pulumi.StringOutput { return q.uuid(directoryLabel(nodeID)) }

func directoryLabel(nodeID int) string { return "directory " + strconv.Itoa(nodeID) }

func (q *Quorum) uuid(label string) pulumi.StringOutput {
	return q.seed.ApplyT(func(seed string) string { return uuid(seed, label) }).(pulumi.StringOutput)
}

// uuid derives one Kafka UUID of a cluster. Labels keep them apart.
func uuid(seed, label string) string {
	sum := sha256.Sum256([]byte(label + "\x00" + strings.TrimSpace(seed)))
	return render.UUID(sum[:16])
}

// stands is the one wait for the cluster as a whole: a leader, every voter
// caught up, every broker registered. It runs on the first voter, and again
// when a host is replaced.
func (q *Quorum) stands(ctx *pulumi.Context, nodes []*Node) (*remote.Command, error) {
	var voters, brokers []string
	var on *Node
	var after []pulumi.Resource
	instances := pulumi.Array{}
	for _, node := range nodes {
		if node.Controller {
			voters = append(voters, strconv.Itoa(node.ID))
			if on == nil {
				on = node
			}
		}
		if node.Broker {
			brokers = append(brokers, strconv.Itoa(node.ID))
		}
		after = append(after, node.configure)
		instances = append(instances, node.Instance.ID())
	}
	if on == nil {
		return nil, fmt.Errorf("stack %s has no voter", q.stack)
	}
	waiter := host{namer: q.namer, parent: q, Instance: on.Instance, connection: on.connection}
	return waiter.command(ctx, "stands", commandArgs{
		create: pulumi.String(toolkitCall("quorum",
			"--voters="+strings.Join(voters, ","), "--brokers="+strings.Join(brokers, ","))),
		triggers: instances,
		after:    after,
	})
}
