package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"kraftstack/lab"
	"kraftstack/lab/setup"
)

// newLabCommand is `kraftstack lab`: the offline AWS on this machine.
func newLabCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Run the offline AWS on this machine",
		Long: `The lab is an AWS without Amazon: an emulated API whose instances are real
hosts on this machine, with real disks, networks and firewalls. A stack belongs
to it when its file says "aws:profile: kraftstack-lab".

It needs Linux and root. All that it owns lies in $KRAFTSTACK_LAB_DIR (default
/var/lib/kraftstack/lab), and what it can make again in $KRAFTSTACK_CACHE_DIR
(default: kraftstack in the user's cache folder).`,
		Example: "  kraftstack lab up\n  kraftstack up --stack lab\n  kraftstack lab down",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newLabSetupCommand(), newLabUpCommand(), newLabDownCommand(), newLabStatusCommand(),
		newLabEnvCommand(), newLabStackCommand(), newLabReapCommand(), newLabDaemonCommand(), newLabFaultCommand(),
	)
	return cmd
}

func newLabSetupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "setup",
		Short: "Bring what the lab needs, and start nothing",
		Long: `Check this machine, then install, build or download what the lab needs and
does not have. With nothing to do it takes a fraction of a second.`,
		Example: "  kraftstack lab setup",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := setup.Run(cmd.Context(), setup.Options{Out: cmd.ErrOrStderr()})
			return err
		},
	}
}

func newLabUpCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the lab, or take over the one whose daemon is gone",
		Long: `Bring what the lab needs, then start its daemon. A running lab is left as it
is; hosts whose daemon was killed run on and get a new one.`,
		Example: "  kraftstack lab up",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := lab.Up(cmd.Context(), lab.Options{Out: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			return printReport(cmd, report, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the lab's state as JSON")
	return cmd
}

func newLabDownCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Take the lab down and leave nothing behind",
		Long: `End the daemon, the AWS API and every host, and remove their disks, networks
and state, whatever was killed before. What is left all the same is named.`,
		Example: "  kraftstack lab down",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return lab.Down(cmd.Context(), lab.Options{Out: cmd.ErrOrStderr()})
		},
	}
}

func newLabStatusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show the lab's daemon, API, hosts and problems",
		Example: "  kraftstack lab status\n  kraftstack lab status --json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := lab.Status(cmd.Context(), lab.Options{})
			if err != nil {
				return err
			}
			return printReport(cmd, report, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newLabEnvCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print what a shell needs so that plain pulumi works on the lab",
		Long: `Print variables as export lines. They hold as long as the lab runs; a new
daemon of the same lab keeps them.`,
		Example: "  eval \"$(kraftstack lab env)\"\n  pulumi preview --stack lab",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			variables, err := lab.Environ(cmd.Context(), lab.Options{})
			if err != nil {
				return err
			}
			if !asJSON {
				_, err = fmt.Fprint(cmd.OutOrStdout(), lab.Exports(variables))
				return err
			}
			object := make(map[string]string, len(variables))
			for _, v := range variables {
				object[v.Name] = v.Value
			}
			return writeJSON(cmd.OutOrStdout(), object)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func newLabFaultCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "fault NAME on|off",
		Short:   "Break something on purpose, for a test",
		Example: "  kraftstack lab fault hold-boot on",
		Hidden:  true,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[1] != "on" && args[1] != "off" {
				return fmt.Errorf("a fault is switched on or off, not %q", args[1])
			}
			return lab.Fault(cmd.Context(), lab.Options{}, args[0], args[1] == "on")
		},
	}
}

// printReport shows a lab's state to a reader or to a program.
func printReport(cmd *cobra.Command, report lab.Report, asJSON bool) error {
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), report)
	}
	return writeLabReport(cmd.OutOrStdout(), report)
}
