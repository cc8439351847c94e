package main

import (
	"context"
	"os"

	"kraftstack/internal/automation"
	"kraftstack/internal/report"
	"kraftstack/internal/ui"
)

// lookAhead computes what up would do where a person is asked, and what the
// whole stack needs where only some hosts are wanted.
func (op *operation) lookAhead(ctx context.Context, stack *automation.Stack) error {
	terminal := ui.For(op.command.ErrOrStderr(), os.Getenv)
	asks := op.use == "up" && !op.yes && !op.json && op.plan == "" && terminal.Live
	narrow := len(op.hosts) > 0 && op.use != "refresh"
	if !asks && !narrow {
		return nil
	}
	look := func(o automation.Options) (report.Report, error) {
		collector := report.NewCollector(op.stack)
		err := stack.With(o).Preview(ctx, collector.Watch)
		return collector.Report(), err
	}
	if narrow {
		whole, err := look(automation.Options{})
		if err != nil {
			return err
		}
		op.leftOut = whole.Changes
	}
	if !asks {
		return nil
	}
	seen, err := look(automation.Options{Targets: stack.Targets()})
	if err != nil || len(seen.Changes) == 0 {
		return err
	}
	if err := seen.WriteText(op.command.ErrOrStderr()); err != nil {
		return err
	}
	return askToGoOn(op.command.InOrStdin(), op.command.ErrOrStderr(), op.stack)
}
