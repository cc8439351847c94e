package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/internal/clientconfig"
	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
)

// clientConfigFlags are the flags of client-config.
type clientConfigFlags struct {
	liveFlags

	user, format, out, at string
	force                 bool
}

func newClientConfigCommand(outputs OutputsFunc) *cobra.Command {
	var flags clientConfigFlags
	cmd := &cobra.Command{
		Use:   "client-config --stack NAME --user NAME --format FORMAT --out DIR",
		Short: "Write what a client needs to log in as a user",
		Long: `Write the configuration of a client that logs in as one of the stack's users,
with the authority that it trusts brokers by. Every file has mode 0600. A file
that is there with another content is refused.

  properties  Kafka's Java clients and console tools (--command-config)
  librdkafka  confluent-kafka, kcat -F and other clients made from it
  franz       JSON, for franz-go and any client that takes its settings by code

The files name each other by their place in --out; --at names another one, where
the client's machine will have them. What was deployed last is what is written:
nothing is asked of the cluster.`,
		Example: `  kraftstack client-config --stack dev --user shop --format properties --out shop
  kraftstack client-config --stack dev --user shop --format librdkafka --out build --at /etc/shop`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(cmd); err != nil {
				return err
			}
			return flags.look(cmd, outputs, func(_ context.Context, out cluster.Outputs) error {
				files, err := flags.files(out)
				if err != nil {
					return err
				}
				if err := clientconfig.Write(flags.out, files, flags.force); err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(flags.out, files[0].Name))
				return err
			})
		},
	}
	flags.register(cmd, 30*time.Second, false)
	cmd.Flags().StringVar(&flags.user, "user", "", "the user's name in kraftstack:users (required)")
	cmd.Flags().StringVar(&flags.format, "format", "", "one of "+strings.Join(clientconfig.Formats(), ", ")+" (required)")
	cmd.Flags().StringVar(&flags.out, "out", "", "the folder to write to; made where there is none (required)")
	cmd.Flags().StringVar(&flags.at, "at", "", "the folder in which the client will have the files (default --out)")
	cmd.Flags().BoolVar(&flags.force, "force", false, "replace files that are there with another content")
	return cmd
}

// check says what is wrong with the values of its own flags.
func (f *clientConfigFlags) check(cmd *cobra.Command) error {
	switch {
	case f.user == "":
		return fail.Usage(cmd.CommandPath(), errors.New("--user is required"))
	case f.out == "":
		return fail.Usage(cmd.CommandPath(), errors.New("--out is required"))
	case !slices.Contains(clientconfig.Formats(), f.format):
		return fail.Usage(cmd.CommandPath(), fmt.Errorf("--format is %q, must be one of %s", f.format, strings.Join(clientconfig.Formats(), ", ")))
	case f.at != "" && !filepath.IsAbs(f.at):
		return fail.Usage(cmd.CommandPath(), fmt.Errorf("--at is %q, must be an absolute path", f.at))
	}
	return nil
}

// files makes the configuration from what the stack exports.
func (f *clientConfigFlags) files(out cluster.Outputs) ([]clientconfig.File, error) {
	user, ok := out.User(f.user)
	if !ok {
		var names []string
		for _, u := range out.Users {
			names = append(names, u.Name)
		}
		next := "add it to kraftstack:users and run kraftstack up --stack " + out.Stack
		if len(names) > 0 {
			next += "\nor choose one of: " + strings.Join(names, ", ")
		}
		return nil, &fail.Error{Cause: fail.Config, Op: fmt.Sprintf("find user %q in stack %s as it was deployed last", f.user, out.Stack), Next: next}
	}
	at := f.at
	if at == "" {
		var err error
		if at, err = filepath.Abs(f.out); err != nil {
			return nil, err
		}
	}
	login, err := clientconfig.For(out, user)
	if err != nil {
		return nil, err
	}
	return login.Files(f.format, at)
}
