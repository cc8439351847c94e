package components

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
	"kraftstack/render"
)

// roll chains the nodes, controllers before brokers: a failure stops the
// chain, and the next up resumes there. Each roll asks the cluster itself
// whether it can do without the node.
//
// The quorum's leader changes, so the graph cannot put it last. Instead every
// voter is rolled with the leader spared, and then once more: whichever led is
// restarted then, and the others are seen to be done. Brokers that have become
// voters by the first roll join the quorum before its leader leaves for a while.
func (f *Fleet) roll(ctx *pulumi.Context, args FleetArgs) error {
	stands, err := args.Quorum.stand(ctx, args.Stack, f.Nodes)
	if err != nil {
		return err
	}
	var voters []*Node
	for _, node := range f.Nodes {
		if node.Controller {
			voters = append(voters, node)
		}
	}
	live, err := f.live(ctx, args.Stack, stands)
	if err != nil {
		return err
	}
	after := []pulumi.Resource{live}
	rolled := 0
	for _, batch := range batches(args.Stack, f.Nodes) {
		spare := batch[0].Controller && len(voters) > 1
		if after, err = rollBatch(ctx, batch, spare, after); err != nil {
			return err
		}
		if rolled += len(batch); !spare || rolled != len(voters) {
			continue
		}
		if args.Stack.Controllers.Mode == config.ModeCombined {
			complete, err := args.Quorum.complete(ctx, f.Nodes, after)
			if err != nil {
				return err
			}
			after = []pulumi.Resource{complete}
		}
		for _, voter := range voters {
			last, err := voter.addRoll(ctx, "roll-leader", nil, after)
			if err != nil {
				return err
			}
			after = []pulumi.Resource{last}
		}
	}
	f.rolled = after
	return f.registerNodes(ctx)
}

func (f *Fleet) registerNodes(ctx *pulumi.Context) error {
	for _, node := range f.Nodes {
		err := ctx.RegisterResourceOutputs(node, pulumi.Map{
			"instanceId": node.Instance.ID(), "privateIp": node.Instance.PrivateIp, "volumeId": node.Volume.ID(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// batches are the nodes that are rolled together, in the order in which that
// is done: voters first, then the other brokers.
func batches(stack config.Stack, nodes []*Node) [][]*Node {
	var all [][]*Node
	index := map[string]int{} // of the batch of a zone, 1 for the first
	for _, node := range nodes {
		key := fmt.Sprint(node.Controller, node.Zone)
		if stack.Rolling.By == config.RollByZone && index[key] > 0 {
			all[index[key]-1] = append(all[index[key]-1], node)
			continue
		}
		all = append(all, []*Node{node})
		index[key] = len(all)
	}
	return all
}

func rollBatch(ctx *pulumi.Context, batch []*Node, spare bool, after []pulumi.Resource) (rolls []pulumi.Resource, err error) {
	var flags, ids []string
	for _, node := range batch {
		ids = append(ids, strconv.Itoa(node.ID))
	}
	if len(batch) > 1 {
		flags = append(flags, "--together="+strings.Join(ids, ","))
	}
	if spare {
		flags = append(flags, "--spare-leader")
	}
	for _, node := range batch {
		roll, err := node.addRoll(ctx, "roll", flags, after)
		if err != nil {
			return nil, err
		}
		rolls = append(rolls, roll)
	}
	return rolls, nil
}

// retire is what is done to a node before it leaves the stack: nothing happens
// when it is made. All that a node needs to serve stands until it is done, and the
// chain lets one node leave at a time. Destroying the stack retires nobody.
func (f *Fleet) retire(ctx *pulumi.Context, network *Network) error {
	var previous []pulumi.Resource
	for _, node := range f.Nodes {
		if !node.Broker {
			continue
		}
		retire, err := node.command(ctx, "retire", commandArgs{
			delete:   pulumi.String(unhurriedCall("retire", fmt.Sprintf("--node-id=%d", node.ID))),
			triggers: pulumi.Array{},
			after:    append([]pulumi.Resource{node.configure, node.Record}, previous...),
		}, pulumi.DeletedWith(network.VPC))
		if err != nil {
			return err
		}
		previous = []pulumi.Resource{retire}
	}
	return nil
}

// addRoll restarts Kafka where it runs another generation than the wanted one,
// if the cluster can do without it, and waits until the node serves again.
func (n *Node) addRoll(ctx *pulumi.Context, step string, flags []string, after []pulumi.Resource) (pulumi.Resource, error) {
	arguments := append([]string{
		"--generation=" + render.Generation(n.stack, n.Node), fmt.Sprintf("--node-id=%d", n.ID),
		fmt.Sprintf("--gate-timeout=%d", n.stack.Rolling.GateTimeoutSeconds),
	}, flags...)
	return n.command(ctx, step, commandArgs{
		create:   pulumi.String(toolkitCall("roll", arguments...)),
		triggers: n.incarnation(),
		after:    append([]pulumi.Resource{n.configure}, after...),
	})
}
