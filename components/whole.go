package components

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
	"kraftstack/render"
)

// What is done once for all nodes, on the first broker.

// stage brings the software to all hosts side by side, beside what runs there.
// Before any of it, and before any file is written, stands one question: whether
// the cluster can take what is wanted. Its metadata has to be what the wanted
// version can read, and running brokers are asked about the values that they would
// have to take over.
func (f *Fleet) stage(ctx *pulumi.Context, args FleetArgs) error {
	for _, node := range f.Nodes {
		if err := node.addToolkit(ctx, append(args.Access.sessions.resources(), args.Access.rules...)); err != nil {
			return err
		}
	}
	flags := []string{"--version=" + args.Stack.Kafka.Version, "--brokers=" + f.brokerIDs()}
	if level := args.Stack.Kafka.MetadataLevel(); level > 0 {
		flags = append(flags, fmt.Sprintf("--metadata-level=%d", level))
	}
	admitted, err := f.once(ctx, "admit", commandArgs{
		create: pulumi.String(toolkitCall("admit", flags...)),
		stdin:  pulumi.String(render.LiveProperties(args.Stack)),
	})
	if err != nil {
		return err
	}
	if bastion := args.Access.Bastion; bastion != nil {
		if err := bastion.addInstall(ctx, args.Stack, []pulumi.Resource{admitted}, "--activate"); err != nil {
			return err
		}
	}
	for _, node := range f.Nodes {
		if err := node.addSoftware(ctx, args, admitted); err != nil {
			return err
		}
	}
	return nil
}

// live brings about what Kafka changes while it runs. It comes before the
// rolls: a setting that Kafka refuses only now stops the run with nothing
// restarted.
func (f *Fleet) live(ctx *pulumi.Context, stack config.Stack, stands pulumi.Resource) (pulumi.Resource, error) {
	return f.once(ctx, "live", commandArgs{
		create: pulumi.String(toolkitCall("live")),
		stdin:  pulumi.String(render.LiveProperties(stack)),
		after:  []pulumi.Resource{stands},
	})
}

// finalize raises the metadata version once all nodes run the wanted version,
// or says that it waits.
func (f *Fleet) finalize(ctx *pulumi.Context, stack config.Stack) error {
	flags := []string{"--release=" + stack.Kafka.Release()}
	if level := stack.Kafka.MetadataLevel(); level > 0 {
		flags = append(flags, fmt.Sprintf("--metadata-level=%d", level))
	}
	if stack.Kafka.Finalize == config.FinalizeManual {
		flags = append(flags, "--hold")
	}
	_, err := f.once(ctx, "finalize", commandArgs{create: pulumi.String(toolkitCall("finalize", flags...)), after: f.rolled})
	return err
}

// administrator gives the cluster the administrator's password once it is another
// one than the cluster was born with. The node that does so has its own
// certificate to log in with.
func (f *Fleet) administrator(ctx *pulumi.Context, args FleetArgs) error {
	security := args.Stack.Security
	if !security.Scram() || security.AdminRotation == 1 {
		return nil
	}
	step, err := f.once(ctx, "administrator", commandArgs{
		create: pulumi.String(toolkitCall("user", "--name="+config.AdminUser, "--wanted=scram")),
		stdin:  args.Certificates.AdminLogin,
		after:  f.rolled,
	})
	f.administrated = append(f.administrated, step)
	return err
}

// rebalance moves partitions to brokers that join, and away from those that
// leave, which are stopped only after it. It ends when all have moved.
func (f *Fleet) rebalance(ctx *pulumi.Context, stack config.Stack) error {
	flags := []string{"--brokers=" + f.brokerIDs(), fmt.Sprintf("--throttle-mib=%d", stack.Rebalance.ThrottleMiB)}
	if stack.Rebalance.Spread == config.SpreadManual {
		flags = append(flags, "--drain-only")
	}
	_, err := f.once(ctx, "rebalance", commandArgs{create: pulumi.String(unhurriedCall("rebalance", flags...)), after: f.rolled})
	return err
}

func (f *Fleet) brokerIDs() string {
	var ids []string
	for _, node := range f.Nodes {
		if node.Broker {
			ids = append(ids, strconv.Itoa(node.ID))
		}
	}
	return strings.Join(ids, ",")
}

// once runs a step for the whole cluster on its first broker. A replaced host is
// no reason to run it again: the cluster keeps what it does.
func (f *Fleet) once(ctx *pulumi.Context, step string, args commandArgs) (*remote.Command, error) {
	caller := f.firstBroker()
	args.triggers = pulumi.Array{}
	args.after = append([]pulumi.Resource{caller.toolkit}, args.after...)
	return caller.command(ctx, step, args)
}

// firstBroker is the host of steps for the whole cluster. Every stack has one:
// config sees to that.
func (f *Fleet) firstBroker() host {
	for _, node := range f.Nodes {
		if node.Broker {
			return host{namer: f.namer, parent: f, Instance: node.Instance, connection: node.connection, toolkit: node.toolkit}
		}
	}
	return host{}
}

// outpost is the host that speaks to the cluster as its administrator: the
// bastion, from which every broker may be down, or the first broker of a stack
// that has none, which logs in with its own certificate.
func (f *Fleet) outpost(access *Access) host {
	if access.Bastion == nil {
		return f.firstBroker()
	}
	bastion := access.Bastion.host
	return host{namer: f.namer, parent: f, Instance: bastion.Instance, connection: bastion.connection, toolkit: bastion.toolkit}
}
