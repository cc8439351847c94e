package commandprovider

import (
	"context"
	"fmt"
	"net"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

type commandArgs struct {
	AddPreviousOutputInEnv *bool             `pulumi:"addPreviousOutputInEnv,optional"`
	Connection             connection        `pulumi:"connection" provider:"secret"`
	Create                 *string           `pulumi:"create,optional"`
	Delete                 *string           `pulumi:"delete,optional"`
	Environment            map[string]string `pulumi:"environment,optional"`
	Logging                *string           `pulumi:"logging,optional"`
	Stdin                  *string           `pulumi:"stdin,optional"`
	Triggers               []any             `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Update                 *string           `pulumi:"update,optional"`
}

type commandState struct {
	commandArgs
	Stderr string `pulumi:"stderr"`
	Stdout string `pulumi:"stdout"`
}

// DialFunc opens the connection to the first host on a command's way.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// command is command:remote:Command.
type command struct {
	dial DialFunc // nil: TCP
}

var (
	_ infer.CustomResource[commandArgs, commandState]       = (*command)(nil)
	_ infer.CustomCheck[commandArgs]                        = (*command)(nil)
	_ infer.CustomUpdate[commandArgs, commandState]         = (*command)(nil)
	_ infer.CustomDelete[commandState]                      = (*command)(nil)
	_ infer.ExplicitDependencies[commandArgs, commandState] = (*command)(nil)
)

func (*command) Annotate(a infer.Annotator) { a.SetToken("remote", "Command") }

func (c *command) Create(ctx context.Context, req infer.CreateRequest[commandArgs]) (infer.CreateResponse[commandState], error) {
	st := commandState{commandArgs: req.Inputs}
	id, err := resource.NewUniqueHex(req.Name, 8, 0)
	if err != nil {
		return infer.CreateResponse[commandState]{}, fmt.Errorf("command: id: %w", err)
	}
	if !req.DryRun && st.Create != nil {
		err = st.run(ctx, c.dial, *st.Create)
	}
	return infer.CreateResponse[commandState]{ID: id, Output: st}, err
}

func (c *command) Update(ctx context.Context, req infer.UpdateRequest[commandArgs, commandState]) (infer.UpdateResponse[commandState], error) {
	st := commandState{commandArgs: req.Inputs, Stdout: req.State.Stdout, Stderr: req.State.Stderr}
	if req.DryRun {
		return infer.UpdateResponse[commandState]{Output: st}, nil
	}
	var err error
	if st.Update != nil {
		err = st.run(ctx, c.dial, *st.Update)
	} else if st.Create != nil {
		err = st.run(ctx, c.dial, *st.Create)
	}
	return infer.UpdateResponse[commandState]{Output: st}, err
}

func (c *command) Delete(ctx context.Context, req infer.DeleteRequest[commandState]) (infer.DeleteResponse, error) {
	st := req.State
	if st.Delete == nil {
		return infer.DeleteResponse{}, nil
	}
	return infer.DeleteResponse{}, st.run(ctx, c.dial, *st.Delete)
}

// WireDependencies: what a command printed depends on its text alone, as with
// the real provider: a preview of changed stdin shows the old output, and a
// secret in the text makes the output secret.
func (*command) WireDependencies(f infer.FieldSelector, args *commandArgs, st *commandState) {
	create, update := f.InputField(&args.Create), f.InputField(&args.Update)
	f.OutputField(&st.Connection).DependsOn(f.InputField(&args.Connection))
	f.OutputField(&st.AddPreviousOutputInEnv).DependsOn(f.InputField(&args.AddPreviousOutputInEnv))
	f.OutputField(&st.Create).DependsOn(create)
	f.OutputField(&st.Delete).DependsOn(f.InputField(&args.Delete))
	f.OutputField(&st.Environment).DependsOn(f.InputField(&args.Environment))
	f.OutputField(&st.Logging).DependsOn(f.InputField(&args.Logging))
	f.OutputField(&st.Stdin).DependsOn(f.InputField(&args.Stdin))
	f.OutputField(&st.Triggers).DependsOn(f.InputField(&args.Triggers))
	f.OutputField(&st.Update).DependsOn(update)
	f.OutputField(&st.Stdout).DependsOn(create, update)
	f.OutputField(&st.Stderr).DependsOn(create, update)
}
