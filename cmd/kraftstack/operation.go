package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/spf13/cobra"

	"kraftstack/config"
	"kraftstack/internal/automation"
	"kraftstack/internal/fail"
	"kraftstack/internal/record"
	"kraftstack/internal/report"
	"kraftstack/internal/ui"
	"kraftstack/program"
)

// verb is an operation on a stack: what its help says, and which method of
// automation.Stack it is.
type verb struct {
	use, short, long string
	create           bool // may be the first on a stack that does not exist yet
	quiet            bool // computes only: no board of hosts
	changes          bool // changes the state, which is kept before
	confirm          bool // destroys data
	act              func(*automation.Stack, context.Context, automation.Watcher) error
}

// stackCommand is the command of a verb with the flags that all have, and some
// of its own.
func stackCommand(v verb, flags ...func(*cobra.Command, *options)) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use: v.use, Short: v.short, Long: v.long, Args: noArguments,
		Example: "  kraftstack " + v.use + " --stack lab",
		RunE: func(c *cobra.Command, _ []string) error {
			o.dir, _ = c.Flags().GetString("dir")
			return o.recorded(c, v.use, func(ctx context.Context, run *recordedRun) error {
				op := operation{verb: v, options: o, run: run, command: c, began: report.NewCollector(o.stack)}
				return op.perform(ctx)
			})
		},
	}
	o.register(c)
	o.registerEvents(c)
	for _, flag := range flags {
		flag(c, &o)
	}
	return c
}

// operation is one run of a verb.
type operation struct {
	verb
	options

	run     *recordedRun
	command *cobra.Command
	began   *report.Collector
	leftOut []report.Change // changes that a narrowed run does not make
	file    config.Stack    // what the stack file says
	gate    stopGate        // of nodes that are stopped for another type
	bastion bool            // the stack had one when the run began
}

// perform reads as what a run does.
func (op *operation) perform(ctx context.Context) error {
	if err := op.askFirst(); err != nil {
		return err
	}
	if err := op.readFile(); err != nil {
		return err
	}
	stack, err := op.open(ctx)
	if err != nil {
		return err
	}
	if err := op.markDrifted(ctx, stack); err != nil {
		return err
	}
	if err := op.lookAhead(ctx, stack); err != nil {
		return err
	}
	if err := op.tellAgents(ctx); err != nil {
		return err
	}
	if err = op.attempt(ctx, stack); err == nil {
		err = op.gate.awaitStopped(ctx)
	}
	result := op.judge(op.began)
	if err != nil {
		result = result.WithFailure(ui.OneLine(err.Error()))
	}
	op.run.body, op.run.counts = result.WriteMarkdown, counts(result)
	if ctx.Err() == nil {
		if unpublished := op.publish(ctx, result); err == nil {
			err = unpublished
		}
	}
	if err != nil {
		return err
	}
	if err := op.finish(result); err != nil {
		return err
	}
	return op.checkRepaired(ctx)
}

func (op *operation) askFirst() error {
	if op.confirm && !op.yes {
		return askForName(op.command.InOrStdin(), op.command.ErrOrStderr(), op.stack)
	}
	return nil
}

// open makes the stack ready, and keeps its state if the run may change it: side
// by side, since each waits for the CLI.
func (op *operation) open(ctx context.Context) (*automation.Stack, error) {
	op.gate.op = op
	kept := make(chan error, 1)
	go func() { kept <- op.keepState(ctx) }()
	stack, err := automation.Open(ctx, op.dir, op.stack, program.Options{Gate: &op.gate}.Deploy, op.create)
	if keptErr := <-kept; err == nil {
		err = keptErr
	}
	if err != nil {
		return nil, err
	}
	o := automation.Options{Plan: op.plan, Message: op.run.Message()}
	if len(op.hosts) > 0 {
		if o.Targets, err = automation.Targets(op.dir, op.stack, op.hosts); err != nil {
			return nil, err
		}
	}
	return stack.With(o), nil
}

func (op *operation) keepState(ctx context.Context) error {
	if !op.changes {
		return nil
	}
	state, err := automation.Export(ctx, op.dir, op.stack)
	if err != nil || state == nil {
		return err
	}
	op.bastion = bytes.Contains(state, []byte(`"kraftstack:access:Bastion"`))
	_, err = record.Backup(op.run.folder, op.run.Run, state)
	return err
}

// attempt runs the operation, again where the cause of a failure may pass.
func (op *operation) attempt(ctx context.Context, stack *automation.Stack) error {
	progress := ui.NewProgress(ui.ProgressOptions{
		Terminal: ui.For(op.command.ErrOrStderr(), os.Getenv), Silent: op.json || op.quiet,
	})
	defer progress.Close()
	show := automation.Progress(progress.Send, time.Now)
	watch := op.run.watch(func(event apitype.EngineEvent) {
		op.began.Watch(event)
		show(event)
	})
	for n := 1; ; n++ {
		err := op.act(stack, ctx, watch)
		if err == nil || n > op.retries || !fail.Transient(err) || ctx.Err() != nil {
			return err
		}
		progress.Log(fmt.Sprintf("%v; trying again, %d of %d", err, n, op.retries))
	}
}

// finish prints what was done, or would be.
func (op *operation) finish(result report.Report) error {
	out := op.command.OutOrStdout()
	result.Hosts, result.LeftOut = op.hosts, report.Without(op.leftOut, result.Changes)
	if err := op.write(out, result); err != nil {
		return err
	}
	if op.use == "up" && result.Born() && !op.json {
		if err := printNextMoves(out, op.stack, belongsToLab(op.dir, op.stack)); err != nil {
			return err
		}
	}
	if op.expectNoChanges && len(result.Changes) > 0 {
		return &fail.Error{
			Cause: fail.Changes, Op: "preview stack " + op.stack,
			Err: fmt.Errorf("%d changes are pending", len(result.Changes)), Next: "kraftstack up --stack " + op.stack,
		}
	}
	return nil
}

func (op *operation) write(w io.Writer, result report.Report) error {
	if op.json {
		return writeJSON(w, result)
	}
	tell := func(w io.Writer) error {
		_, err := fmt.Fprintln(w, result.Summary(op.use))
		return err
	}
	if op.quiet {
		tell = result.WriteText
	}
	if err := tell(w); err != nil {
		return err
	}
	return result.WriteLeftOut(w)
}

// counts are the changes of a report by kind.
func counts(result report.Report) map[string]int {
	n := map[string]int{}
	for _, change := range result.Changes {
		n[change.Op]++
	}
	return n
}
