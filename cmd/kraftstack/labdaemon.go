package main

import (
	"os"

	"github.com/spf13/cobra"

	"kraftstack/lab/daemon"
	"kraftstack/lab/paths"
	"kraftstack/lab/setup"
)

// newLabDaemonCommand is the process that `lab up` starts.
func newLabDaemonCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "daemon",
		Short:  "Hold the lab together (started by lab up)",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cache, err := paths.Cache()
			if err != nil {
				return err
			}
			tools, err := setup.Find(cmd.Context(), cache)
			if err != nil {
				return err
			}
			program, err := os.Executable()
			if err != nil {
				return err
			}
			return daemon.Run(cmd.Context(), daemon.Config{LabDir: paths.Lab(), Tools: tools, Program: program})
		},
	}
}
