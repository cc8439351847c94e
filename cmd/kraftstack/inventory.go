package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
	"kraftstack/internal/inventory"
)

func newInventoryCommand(outputs OutputsFunc) *cobra.Command {
	var flags liveFlags
	var format, keys string
	cmd := &cobra.Command{
		Use:   "inventory --stack NAME --format ansible|ssh-config|json",
		Short: "Print the stack's hosts for Ansible, for ssh, or as JSON",
		Long: `Print the stack's hosts for other tools, from the stack's outputs alone: no host
and no AWS account is asked.

ansible and ssh-config need the stack's SSH key as a file. It is written beside
the known host keys into --keys, a folder that only its owner can read; remove
the folder when you are done. json holds no secret and writes nothing.`,
		Example: `  kraftstack inventory --stack dev --format ansible > hosts.yml && ansible -i hosts.yml kafka -m ping
  kraftstack inventory --stack dev --format ssh-config > dev.ssh && ssh -F dev.ssh broker-1001
  kraftstack inventory --stack dev --format json | jq -r '.hosts[].address'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "ansible" && format != "ssh-config" && format != "json" {
				return fail.Usage(cmd.CommandPath(), fmt.Errorf("--format is %q; it can be ansible, ssh-config or json", format))
			}
			return flags.look(cmd, outputs, func(_ context.Context, out cluster.Outputs) error {
				if format == "json" {
					return inventory.JSON(cmd.OutOrStdout(), out)
				}
				if keys == "" {
					var err error
					if keys, err = keysFolder(cmd, flags.stack); err != nil {
						return err
					}
				}
				files, err := inventory.Write(keys, out)
				if err != nil {
					return &fail.Error{Cause: fail.Config, Op: "write the inventory of stack " + flags.stack, Err: err, Next: "name another folder with --keys"}
				}
				if format == "ansible" {
					return files.Ansible(cmd.OutOrStdout(), out)
				}
				files.SSHConfig(cmd.OutOrStdout(), out)
				return nil
			})
		},
	}
	flags.register(cmd, 30*time.Second, false)
	cmd.Flags().StringVar(&format, "format", "", "ansible, ssh-config or json (required)")
	cmd.Flags().StringVar(&keys, "keys", "", "the folder for the SSH key (default .kraftstack/inventory/NAME in the project)")
	return cmd
}

// keysFolder is within the project's own folder for what is not to be
// committed.
func keysFolder(cmd *cobra.Command, stack string) (string, error) {
	from, err := cmd.Flags().GetString("dir")
	if err != nil {
		return "", err
	}
	dir, err := automation.ProjectDir(from)
	return filepath.Join(dir, ".kraftstack", "inventory", stack), err
}
