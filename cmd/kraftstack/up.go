package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
	"kraftstack/internal/fail"
	"kraftstack/internal/report"
	"kraftstack/internal/ui"
	"kraftstack/program"
)

func newUpCommand() *cobra.Command {
	return stackCommand(verb{
		use: "up", short: "Make a stack what its file says",
		long: `Up creates or changes a stack until it is what its file says. Hosts are born
side by side and changed one at a time. It may be stopped and run again at any
point: it goes on where it was.`,
		create: true, act: (*automation.Stack).Up,
	})
}

func newRefreshCommand() *cobra.Command {
	return stackCommand(verb{
		use: "refresh", short: "Read what the cloud really has into the state",
		long: `Refresh reads what the cloud really has into the stack's state, so that the
next up brings back what is gone. It changes nothing in the cloud.`,
		act: (*automation.Stack).Refresh,
	})
}

func newDestroyCommand() *cobra.Command {
	c := stackCommand(verb{
		use: "destroy", short: "Remove a stack with its hosts and disks",
		long: `Destroy removes everything that a stack made, data included. It asks for the
stack's name unless --yes is given.`,
		confirm: true, act: (*automation.Stack).Destroy,
	})
	c.Flags().Bool("yes", false, "do not ask")
	return c
}

func newPreviewCommand() *cobra.Command {
	c := stackCommand(verb{
		use: "preview", short: "Show what up would change",
		long: `Preview shows what up would change: first what a reviewer fears, then component
by component, configuration as text. It changes nothing and dials no host.`,
		create: true, quiet: true, act: (*automation.Stack).Preview,
	})
	c.Flags().Bool("expect-no-changes", false, "exit with code 2 if there are changes")
	return c
}

func newUnlockCommand() *cobra.Command {
	return stackCommand(verb{
		use: "unlock", short: "Release the lock that a killed run left behind",
		long: `Unlock releases the lock on a stack's state. Use it only when the run that held
it is gone: two runs at once damage the state.`,
		quiet: true,
		act:   func(s *automation.Stack, ctx context.Context, _ automation.Watcher) error { return s.Cancel(ctx) },
	})
}

// verb is an operation on a stack: what its help says, and which method of
// automation.Stack it is.
type verb struct {
	use, short, long string
	create           bool // may be the first on a stack that does not exist yet
	quiet            bool // computes only: no board of hosts
	confirm          bool // destroys data
	act              func(*automation.Stack, context.Context, automation.Watcher) error
}

func stackCommand(v verb) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use: v.use, Short: v.short, Long: v.long, Args: noArguments,
		Example: "  kraftstack " + v.use + " --stack lab",
		RunE: func(c *cobra.Command, _ []string) error {
			if o.stack == "" {
				return fail.Usage(c.CommandPath(), errors.New("--stack is required"))
			}
			o.dir, _ = c.Flags().GetString("dir")
			return v.run(c, o)
		},
	}
	c.Flags().StringVar(&o.stack, "stack", "", "the stack's name: Pulumi.NAME.yaml (required)")
	c.Flags().BoolVar(&o.json, "json", false, "print one JSON document and nothing else")
	return c
}

func (v verb) run(c *cobra.Command, o options) error {
	ctx := c.Context()
	dir, err := prepare(ctx, o.dir, o.stack)
	if err != nil {
		return err
	}
	if yes, _ := c.Flags().GetBool("yes"); v.confirm && !yes {
		if err := askForName(c.InOrStdin(), c.ErrOrStderr(), o.stack); err != nil {
			return err
		}
	}
	stack, err := automation.Open(ctx, dir, o.stack, program.Deploy, v.create)
	if err != nil {
		return err
	}
	collector := report.NewCollector(o.stack)
	progress := ui.NewProgress(ui.ProgressOptions{
		Terminal: ui.For(c.ErrOrStderr(), os.Getenv), Silent: o.json || v.quiet,
	})
	show := automation.Progress(progress.Send, time.Now)
	err = v.act(stack, ctx, func(event apitype.EngineEvent) {
		collector.Watch(event)
		show(event)
	})
	progress.Close()
	if err != nil {
		return err
	}
	return v.finish(c, o, collector.Report())
}

// finish prints what was done, or would be.
func (v verb) finish(c *cobra.Command, o options, result report.Report) error {
	if v.use == "unlock" {
		_, err := fmt.Fprintf(c.OutOrStdout(), "stack %s is unlocked\n", o.stack)
		return err
	}
	if err := write(c.OutOrStdout(), o, v, result); err != nil {
		return err
	}
	if v.use == "up" && result.Born() && !o.json {
		if err := printNextMoves(c.OutOrStdout(), o.stack, belongsToLab(o)); err != nil {
			return err
		}
	}
	if expect, _ := c.Flags().GetBool("expect-no-changes"); expect && len(result.Changes) > 0 {
		return &fail.Error{
			Cause: fail.Changes, Op: "preview stack " + o.stack,
			Err: fmt.Errorf("%d changes are pending", len(result.Changes)), Next: "kraftstack up --stack " + o.stack,
		}
	}
	return nil
}

func write(w io.Writer, o options, v verb, result report.Report) error {
	if o.json {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(result)
	}
	if v.quiet {
		return result.WriteText(w)
	}
	_, err := fmt.Fprintln(w, result.Summary(v.use))
	return err
}

// askForName makes destroying a deliberate act.
func askForName(in io.Reader, out io.Writer, stack string) error {
	fmt.Fprintf(out, "This removes stack %s with its hosts, disks and all data on them.\nType the stack's name to go on: ", stack)
	var answer string
	if _, err := fmt.Fscanln(in, &answer); err != nil || answer != stack {
		return &fail.Error{
			Cause: fail.Cancelled, Op: "destroy stack " + stack, Err: fmt.Errorf("%q is not the stack's name; nothing was changed", answer),
			Next: "kraftstack destroy --stack " + stack + " --yes, where nobody can answer",
		}
	}
	return nil
}

// printNextMoves tells who has just made a cluster what to do with it.
func printNextMoves(w io.Writer, stack string, inLab bool) error {
	_, err := fmt.Fprintf(w, `
  look at it     kraftstack status --stack %[1]s
  try it         kraftstack smoke --stack %[1]s
  log in         kraftstack ssh bastion --stack %[1]s
  change it      edit Pulumi.%[1]s.yaml, then kraftstack preview --stack %[1]s
  take it down   kraftstack destroy --stack %[1]s
`, stack)
	if err == nil && inLab {
		_, err = fmt.Fprintln(w, "  and the lab    kraftstack lab down")
	}
	return err
}

// belongsToLab says whether the stack's file names the lab. The file was read
// before, so what is wrong with it is no news here.
func belongsToLab(o options) bool {
	dir, err := automation.ProjectDir(o.dir)
	if err != nil {
		return false
	}
	values, err := automation.Config(dir, o.stack)
	return err == nil && values["aws:profile"] == labProfile
}
