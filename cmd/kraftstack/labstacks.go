package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
	"kraftstack/internal/fail"
	"kraftstack/internal/report"
	"kraftstack/internal/ui"
	"kraftstack/lab/ephemeral"
	"kraftstack/lab/paths"
)

func newLabStackCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stack NAME",
		Short: "Write the file of a small stack that is there for a while",
		Long: `Write Pulumi.NAME.yaml for a stack of one broker in the lab, such as one for a
pull request. Several live side by side. lab reap removes those that are old.`,
		Example: "  kraftstack lab stack pr-123\n  kraftstack up --stack pr-123\n  kraftstack lab reap --older-than 4h",
		Args: func(cmd *cobra.Command, args []string) error {
			return fail.Usage(cmd.CommandPath(), cobra.ExactArgs(1)(cmd, args))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !automation.IsName(args[0]) {
				return fail.Usage(cmd.CommandPath(), fmt.Errorf("%q is no stack name", args[0]))
			}
			from, _ := cmd.Flags().GetString("dir")
			dir, err := automation.ProjectDir(from)
			if err != nil {
				return err
			}
			made, err := ephemeral.Make(paths.Lab(), dir, args[0], time.Now())
			if err != nil {
				return &fail.Error{Cause: fail.Config, Op: "make stack " + args[0], Err: err, Next: "take another name, or remove that file"}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\nnext: kraftstack up --stack %s\n", made.File(), made.Name)
			return err
		},
	}
}

func newLabReapCommand() *cobra.Command {
	var olderThan time.Duration
	cmd := &cobra.Command{
		Use:   "reap",
		Short: "Destroy the stacks of lab stack that are old",
		Long: `Destroy the stacks that lab stack made longer ago than --older-than, with their
hosts, disks, state and files. Other stacks are never touched. One that cannot
be destroyed stops no other, and is tried again the next time.`,
		Example: "  kraftstack lab reap --older-than 4h",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := ephemeral.List(paths.Lab())
			if err != nil {
				return err
			}
			var failures []error
			for _, stack := range all {
				age := stack.Age(time.Now())
				if age < olderThan {
					continue
				}
				if err := reap(cmd, stack); err != nil {
					failures = append(failures, err)
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "stack %s is gone; it was %s old\n", stack.Name, ui.Duration(age))
			}
			return errors.Join(failures...)
		},
	}
	cmd.Flags().DurationVar(&olderThan, "older-than", 4*time.Hour, "destroy what was made longer ago than this")
	return cmd
}

// reap destroys one stack, and removes it from the state backend too.
func reap(cmd *cobra.Command, stack ephemeral.Stack) error {
	if err := stack.Restore(); err != nil {
		return err
	}
	o := options{stack: stack.Name, dir: stack.Project, yes: true}
	err := o.recorded(cmd, destroyVerb.use, func(ctx context.Context, run *recordedRun) error {
		op := operation{verb: destroyVerb, options: o, run: run, command: cmd, began: report.NewCollector(o.stack)}
		if err := op.perform(ctx); err != nil {
			return err
		}
		return automation.Remove(ctx, o.dir, o.stack)
	})
	if err != nil && !errors.Is(err, automation.ErrNoStack) {
		return err
	}
	return stack.Forget(paths.Lab())
}
