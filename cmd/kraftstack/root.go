package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
	"kraftstack/lab"
	"kraftstack/lab/daemon"
)

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "kraftstack",
		Short: "Apache Kafka on EC2, from one stack file",
		Long: `kraftstack turns one stack file into a running Apache Kafka cluster on EC2 and
keeps it right afterwards. Without an AWS account, a lab on this machine runs
the very same program.`,
		Example: "  kraftstack lab up\n  kraftstack up --stack lab\n  kraftstack status --stack lab",
		Args:    noArguments,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
		// A misspelt verb is told before its flags, which the root does not have.
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},

		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return fail.Usage(c.CommandPath(), err) })
	root.PersistentFlags().String("dir", ".", "the project's folder, or one below it")
	root.AddCommand(
		newUpCommand(), newPreviewCommand(), newRefreshCommand(), newDestroyCommand(), newUnlockCommand(),
		newOutputsCommand(), newHistoryCommand(), newDriftCommand(), newAuditCommand(stackOutputs(root)),
		newPatchCommand(),
		newStatusCommand(stackOutputs(root)), newSmokeCommand(stackOutputs(root)), newSSHCommand(stackOutputs(root)),
		newUsersCommand(stackOutputs(root)), newClientConfigCommand(stackOutputs(root)),
		newInventoryCommand(stackOutputs(root)), newBootstrapCommand(), newBackupCommand(stackOutputs(root)),
		newRestoreCommand(stackOutputs(root)), newImageCommand(), newLabCommand(),
	)
	return root
}

// stackOutputs gives the verbs of the live view their way to a stack.
func stackOutputs(root *cobra.Command) OutputsFunc {
	return func(ctx context.Context, stack string) (cluster.Outputs, error) {
		from, err := root.PersistentFlags().GetString("dir")
		if err != nil {
			return cluster.Outputs{}, err
		}
		dir, err := prepare(ctx, from, stack)
		if err != nil {
			return cluster.Outputs{}, err
		}
		return automation.Outputs(ctx, dir, stack)
	}
}

// prepare checks a stack's file and, where the stack belongs to the lab, lets
// this process and the engine that it starts talk to the lab instead of AWS.
// It returns the project's folder.
func prepare(ctx context.Context, from, stack string) (string, error) {
	dir, err := automation.ProjectDir(from)
	if err != nil {
		return "", err
	}
	values, err := automation.Config(dir, stack)
	if err != nil {
		return "", err
	}
	if values["aws:profile"] != labProfile {
		return dir, nil
	}
	return dir, enterLab(ctx)
}

const labProfile = lab.Profile

// enterLab gives this process, and the engine that it starts, the environment
// that `kraftstack lab env` prints for a shell.
func enterLab(ctx context.Context) error {
	variables, err := lab.Environ(ctx, lab.Options{})
	if errors.Is(err, daemon.ErrNotRunning) {
		return &fail.Error{
			Cause: fail.Unreachable, Op: "find the lab that this stack belongs to", Err: errors.New("the lab is not running"),
			Next: "kraftstack lab up",
		}
	}
	if err != nil {
		return err
	}
	for _, variable := range variables {
		if err := os.Setenv(variable.Name, variable.Value); err != nil {
			return err
		}
	}
	return nil
}
