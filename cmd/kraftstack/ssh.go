package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
)

func newSSHCommand(outputs OutputsFunc) *cobra.Command {
	var flags liveFlags
	var tty bool
	cmd := &cobra.Command{
		Use:   "ssh HOST --stack NAME [-- COMMAND…]",
		Short: "Open a shell on a host, or run a command there",
		Long: `Open a shell on a host of the stack, or run a command there. HOST is "bastion"
or a node: its name, id, DNS name or instance. Nodes are reached through the
bastion. The stack's key stays in memory, and a host is trusted by the key that
the stack gave it, by nothing else.

A command's words are joined by spaces and run by the remote shell, as ssh does
it; input and output are passed through, and its exit status becomes this
command's own. --timeout bounds the connecting, not the session.`,
		Example: `  kraftstack ssh broker-1001 --stack dev
  kraftstack ssh 1001 --stack dev -- sudo journalctl -u kafka -n 50
  kraftstack ssh bastion --stack dev -- cat < file`,
		Args: func(cmd *cobra.Command, args []string) error {
			hosts := len(args)
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				hosts = dash
			}
			switch {
			case hosts < 1:
				return fail.Usage(cmd.CommandPath(), errors.New("name a host: bastion or a node"))
			case hosts > 1:
				return fail.Usage(cmd.CommandPath(), errors.New("one host only; a command goes after --"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.check(cmd); err != nil {
				return err
			}
			connecting, cancel := context.WithTimeout(cmd.Context(), flags.timeout)
			defer cancel()
			out, err := outputs(connecting, flags.stack)
			if err != nil {
				return err
			}
			tunnel, err := cluster.Dial(connecting, out)
			if err != nil {
				return err
			}
			defer func() { _ = tunnel.Close() }()
			return cluster.Session{
				Host: args[0], Command: strings.Join(args[1:], " "), TTY: tty,
				Stdin: cmd.InOrStdin(), Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(),
			}.Run(cmd.Context(), tunnel)
		},
	}
	flags.register(cmd, 30*time.Second, false)
	cmd.Flags().BoolVarP(&tty, "tty", "t", false, "ask for a terminal for the command, as ssh -t does")
	return cmd
}
