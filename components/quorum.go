package components

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
	"kraftstack/render"
)

// Quorum is the identity of a cluster: its id, and the voters that it is born with.
// The id of a voter's directory derives from its volume, so that all of them are
// known before Kafka is formatted, and with the same list everywhere (KIP-853,
// kafka-storage format --initial-controllers). Whoever joins later, or comes back
// with another volume, is not in that list.
type Quorum struct {
	pulumi.ResourceState
	namer

	ClusterID          pulumi.StringOutput
	InitialControllers pulumi.StringOutput

	seed  pulumi.StringOutput
	birth pulumi.AnyOutput // with the fields below
}

// What a Quorum keeps of the cluster's birth.
const (
	birthControllers = "initialControllers"
	birthLost        = "lostDisks" // hosts.lostDisks by then: of a cluster before this one
)

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
	if from := args.Stack.Controllers.From; from != "" {
		inputs["from"] = pulumi.String(from)
	}
	canMove, err := ctx.RegisterResourceHook("quorum-can-get-there", refuseMove, &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return nil, err
	}
	opts = append(opts, pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeUpdate: []*pulumi.ResourceHook{canMove}}))
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
	return q, nil
}

// bear keeps in the state what the cluster is born with, for good.
func (q *Quorum) bear(ctx *pulumi.Context, stack config.Stack, nodes []*Node) error {
	var voters []config.Node
	var directories pulumi.StringArray
	for _, node := range nodes {
		if node.Controller {
			voters = append(voters, node.Node)
			directories = append(directories, q.directoryID(node))
		}
	}
	controllers := directories.ToStringArrayOutput().ApplyT(func(directories []string) string {
		ids := map[int]string{}
		for i, voter := range voters {
			ids[voter.ID] = directories[i]
		}
		return render.InitialControllers(stack, ids)
	}).(pulumi.StringOutput)
	birth, err := pulumi.NewStash(ctx, q.resource("birth"), &pulumi.StashArgs{Input: pulumi.Map{
		birthControllers: controllers, birthLost: pulumi.ToIntMap(stack.Hosts.LostDisks),
	}}, pulumi.Parent(q), pulumi.IgnoreChanges([]string{"input"}))
	if err != nil {
		return err
	}
	q.birth = birth.Output
	q.InitialControllers = q.birth.ApplyT(func(birth any) (string, error) {
		fields, _ := birth.(map[string]any)
		controllers, ok := fields[birthControllers].(string)
		if !ok {
			return "", fmt.Errorf("%s does not hold the voters that the cluster was born with", q.resource("birth"))
		}
		return controllers, nil
	}).(pulumi.StringOutput)
	return ctx.RegisterResourceOutputs(q, pulumi.Map{
		"clusterId": q.ClusterID, "initialControllers": q.InitialControllers,
	})
}

// directoryID is the id of a voter's metadata directory on the volume that it has.
func (q *Quorum) directoryID(node *Node) pulumi.StringOutput {
	return pulumi.All(q.seed, node.Volume.ID()).ApplyT(func(all []any) string {
		return uuid(all[0].(string), "directory "+string(all[1].(pulumi.ID)))
	}).(pulumi.StringOutput)
}

// storage are the flags that say how a node's storage is formatted. made lets it be
// formatted: for a node that is new to the graph, or whose disk was said to be lost
// since. kept expects data.
func (q *Quorum) storage(node *Node) (made, kept pulumi.StringOutput) {
	lost := node.stack.Hosts.LostDisks[node.Name]
	flags := func(controllers, directory string) string {
		flags := fmt.Sprintf(" --lost-disks=%d", lost)
		entry := fmt.Sprintf(",%d@%s:%d:%s,", node.ID, node.stack.Host(node.Node), render.ControllerPort, directory)
		if strings.Contains(","+controllers+",", entry) {
			flags += fmt.Sprintf(" --initial-controllers=%s --directory-id=%s", controllers, directory)
		}
		return flags
	}
	kept = pulumi.All(q.InitialControllers, q.directoryID(node)).ApplyT(func(all []any) string {
		return flags(all[0].(string), all[1].(string))
	}).(pulumi.StringOutput)
	made = pulumi.All(q.birth, kept).ApplyT(func(all []any) string {
		fields, _ := all[0].(map[string]any)
		before, _ := fields[birthLost].(map[string]any)
		if count, _ := before[node.Name].(float64); lost > int(count) {
			return " --lost" + all[1].(string)
		}
		return " --new" + all[1].(string)
	}).(pulumi.StringOutput)
	return made, kept
}

func (q *Quorum) uuid(label string) pulumi.StringOutput {
	return q.seed.ApplyT(func(seed string) string { return uuid(seed, label) }).(pulumi.StringOutput)
}

// uuid derives one Kafka UUID of a cluster. Labels keep them apart.
func uuid(seed, label string) string {
	sum := sha256.Sum256([]byte(label + "\x00" + strings.TrimSpace(seed)))
	return render.UUID(sum[:16])
}

// stand is the one wait for the cluster as a whole: a leader, the voters that the
// stack wants, every broker registered. It runs again when a host or a disk is
// replaced. Voters join and leave here, one at a time; but a broker becomes one by a
// restart, and joins in complete.
func (q *Quorum) stand(ctx *pulumi.Context, stack config.Stack, nodes []*Node) (*remote.Command, error) {
	var brokers []string
	var after []pulumi.Resource
	triggers := pulumi.Array{}
	for _, node := range nodes {
		if node.Broker {
			brokers = append(brokers, strconv.Itoa(node.ID))
		}
		after = append(after, node.configure)
		triggers = append(triggers, node.incarnation()...)
	}
	flags := []string{"--brokers=" + strings.Join(brokers, ",")}
	if stack.Controllers.Mode == config.ModeDedicated {
		flags = append(flags, "--complete")
	}
	return q.vote(ctx, "stands", flags, nodes, commandArgs{triggers: triggers, after: after})
}

// complete lets brokers that have become controllers by a restart join the quorum.
func (q *Quorum) complete(ctx *pulumi.Context, nodes []*Node, after []pulumi.Resource) (*remote.Command, error) {
	triggers := pulumi.Array{}
	for _, node := range nodes {
		if lost := node.lostDisks(); node.Controller && lost > 0 {
			triggers = append(triggers, pulumi.String(node.Name), pulumi.Int(lost))
		}
	}
	return q.vote(ctx, "complete", []string{"--complete"}, nodes, commandArgs{triggers: triggers, after: after})
}

// vote runs `kafka-node quorum` on the first voter.
func (q *Quorum) vote(ctx *pulumi.Context, step string, flags []string, nodes []*Node, args commandArgs) (*remote.Command, error) {
	var voters []string
	var on *Node
	for _, node := range nodes {
		if node.Controller {
			voters = append(voters, fmt.Sprintf("%d@%s:%d", node.ID, node.stack.Host(node.Node), render.ControllerPort))
			if on == nil {
				on = node
			}
		}
	}
	if on == nil {
		return nil, fmt.Errorf("stack %s has no voter", q.stack)
	}
	args.create = pulumi.String(toolkitCall("quorum", append([]string{"--voters=" + strings.Join(voters, ",")}, flags...)...))
	args.after = append(slices.Clone(args.after), on.configure)
	waiter := host{namer: q.namer, parent: q, Instance: on.Instance, connection: on.connection}
	return waiter.command(ctx, step, args)
}
