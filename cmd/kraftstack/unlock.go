package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
)

func newUnlockCommand() *cobra.Command {
	var o options
	var wait time.Duration
	var force bool
	c := &cobra.Command{
		Use: "unlock", Aliases: []string{"cancel"}, Short: "Release the lock that a killed run left behind",
		Long: `Unlock releases the lock on a stack's state, which a run leaves behind when it
is killed. A lock whose process still runs on this machine is never taken from
it; --wait lets that run end. A lock of another machine is released with --force
alone: two runs at once damage the state.`,
		Example: "  kraftstack unlock --stack lab\n  kraftstack unlock --stack lab --wait 30m",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			o.dir, _ = c.Flags().GetString("dir")
			return o.recorded(c, "unlock", func(ctx context.Context, _ *recordedRun) error {
				held, err := automation.Unlock(ctx, o.dir, o.stack, wait, force)
				if err != nil {
					return err
				}
				if o.json {
					return writeJSON(c.OutOrStdout(), map[string]any{"stack": o.stack, "removed": held != nil})
				}
				text := "is not locked"
				if held != nil {
					text = "is unlocked; the lock was " + held.String()
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "stack %s %s\n", o.stack, text)
				return err
			})
		},
	}
	o.register(c)
	c.Flags().DurationVar(&wait, "wait", 0, "let a run that holds the lock on this machine end for up to this long")
	c.Flags().BoolVar(&force, "force", false, "release the lock whoever holds it")
	return c
}
