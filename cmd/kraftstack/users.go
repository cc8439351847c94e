package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/internal/cluster"
	"kraftstack/internal/ui"
)

func newUsersCommand(outputs OutputsFunc) *cobra.Command {
	var flags liveFlags
	cmd := &cobra.Command{
		Use:   "users --stack NAME",
		Short: "Compare the stack's users with those of the cluster",
		Long: `Compare the users that the stack made, their access rules and quotas with what
the cluster has, through the bastion. What the cluster lacks is marked with -,
what it has beyond the stack with +. Nothing is changed: what others made stays
until a person removes it.`,
		Example: `  kraftstack users --stack dev
  kraftstack users --stack dev --json | jq '.others[].principal'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return flags.look(cmd, outputs, func(ctx context.Context, out cluster.Outputs) error {
				view, err := cluster.Users(ctx, out)
				if err != nil {
					return err
				}
				if flags.json {
					return writeJSON(cmd.OutOrStdout(), view)
				}
				return printUsers(cmd.OutOrStdout(), flags.stack, view)
			})
		},
	}
	flags.register(cmd, 30*time.Second, true)
	return cmd
}

func printUsers(w io.Writer, stack string, view cluster.UsersView) error {
	t := ui.For(w, os.Getenv)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", ui.Paint("users of stack "+stack, ui.Strong, t.Color))
	table := ui.NewTable("user", "authentication", "rules", "quotas", "on the cluster")
	for _, u := range view.Users {
		state := ui.Cell{Text: "as the stack says", Tone: ui.Good}
		if len(u.Missing)+len(u.Extra) > 0 {
			state = ui.Cell{Text: fmt.Sprintf("%d missing, %d more", len(u.Missing), len(u.Extra)), Tone: ui.Bad}
		}
		table.Row(ui.Cell{Text: u.Name}, ui.Cell{Text: u.Authentication},
			ui.Cell{Text: strconv.Itoa(u.Rules)}, ui.Cell{Text: strconv.Itoa(u.Quotas)}, state)
	}
	_ = table.Write(&b, "  ", t.Color) // a strings.Builder takes everything
	userDifferences(&b, view)
	_, err := io.WriteString(w, b.String())
	return err
}

// userDifferences lists what is not as the stack says.
func userDifferences(b *strings.Builder, view cluster.UsersView) {
	for _, d := range view.Differing() {
		sign := "+ "
		if d.Lacks {
			sign = "- "
		}
		fmt.Fprintf(b, "\n%s %s\n  %s%s\n", d.Who, d.What, sign, strings.Join(d.Lines, "\n  "+sign))
	}
}
