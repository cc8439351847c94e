package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"kraftstack/config"
	"kraftstack/internal/automation"
	"kraftstack/internal/fail"
	"kraftstack/internal/report"
	"kraftstack/internal/ui"
	"kraftstack/policy"
)

// readFile reads what the stack file says, for a verb that follows it: what is
// rarely meant is shown, and waivers that do not hold are refused.
func (op *operation) readFile() error {
	if !op.create {
		return nil
	}
	values, err := automation.Config(op.dir, op.stack)
	if err != nil {
		return err
	}
	if op.file, err = config.LoadFile(op.stack, values); err != nil {
		return err
	}
	if err := printWarnings(op.command.ErrOrStderr(), op.file); err != nil {
		return err
	}
	if err := policy.CheckWaivers(op.file, time.Now()); err != nil {
		return &fail.Error{
			Cause: fail.Config, Op: op.use + " stack " + op.stack, Err: err,
			Next: "mend kraftstack:policy in the stack file; docs/policies.md says what each rule wants. Nothing was changed",
		}
	}
	return nil
}

func printWarnings(w io.Writer, stack config.Stack) error {
	for _, warning := range stack.Warnings() {
		if _, err := fmt.Fprintln(w, "warning:", warning); err != nil {
			return err
		}
	}
	return nil
}

// judge is the report on what was seen, with what the policies say about it:
// about a stack that follows its file, which is what a waiver is in.
func (op *operation) judge(seen *report.Collector) report.Report {
	if !op.create {
		return seen.Report()
	}
	return seen.Report().WithPolicies(policy.Judge(op.file, seen.Resources()))
}

// lookAhead computes what up would do, before it does it: policies may refuse
// it, and a person may be asked. A saved plan is compared in the same pass.
func (op *operation) lookAhead(ctx context.Context, stack *automation.Stack) error {
	if err := op.noteLeftOut(ctx, stack); err != nil || op.use != "up" {
		return err
	}
	seen := report.NewCollector(op.stack)
	look := stack.With(automation.Options{Targets: stack.Targets()}).Preview
	if op.plan != "" {
		look = stack.CheckPlan
	}
	if err := look(ctx, seen.Watch); err != nil {
		return err
	}
	result := op.judge(seen)
	if len(result.Changes) == 0 {
		return nil
	}
	if result.Refused() {
		return op.refuse(result)
	}
	terminal := ui.For(op.command.ErrOrStderr(), os.Getenv)
	if op.yes || op.json || op.plan != "" || !terminal.Live {
		return nil
	}
	if err := result.WriteText(op.command.ErrOrStderr()); err != nil {
		return err
	}
	return askToGoOn(op.command.InOrStdin(), op.command.ErrOrStderr(), op.stack)
}

// refuse ends an up that a policy forbids. Nothing was changed.
func (op *operation) refuse(result report.Report) error {
	op.run.body, op.run.counts = result.WriteMarkdown, map[string]int{}
	var broken []string
	for _, f := range result.Policies {
		line := fmt.Sprintf("%s: %s", f.Rule, strings.TrimPrefix(f.Resource+": "+f.Message, ": "))
		if f.Blocks() && !slices.Contains(broken, line) {
			broken = append(broken, line)
		}
	}
	const most = 12
	if more := len(broken) - most; more > 0 {
		broken = append(broken[:most], fmt.Sprintf("and %d more", more))
	}
	return &fail.Error{
		Cause: fail.Policy, Op: "up stack " + op.stack, Err: errors.New("policies forbid it, and nothing was changed\n  " + strings.Join(broken, "\n  ")),
		Next: "change the stack file, or write a waiver with a reason and an end into it: docs/policies.md",
	}
}

// noteLeftOut computes what the whole stack needs, where only some hosts are
// wanted.
func (op *operation) noteLeftOut(ctx context.Context, stack *automation.Stack) error {
	if len(op.hosts) == 0 || op.use == "refresh" {
		return nil
	}
	whole := report.NewCollector(op.stack)
	if err := stack.With(automation.Options{}).Preview(ctx, whole.Watch); err != nil {
		return err
	}
	op.leftOut = whole.Report().Changes
	return nil
}
