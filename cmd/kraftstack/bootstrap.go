package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
	"kraftstack/internal/bootstrap"
	"kraftstack/internal/fail"
)

func newBootstrapCommand() *cobra.Command {
	var flags liveFlags
	var o bootstrap.Options
	cmd := &cobra.Command{
		Use:   "bootstrap --stack NAME",
		Short: "Make the S3 bucket for stacks' state and the KMS key for their secrets",
		Long: `Make the S3 bucket that keeps the state of stacks, and the KMS key that encrypts
the secrets in it, in the region and account of the stack's file: versioned,
encrypted, closed to the public and to plain HTTP. Run it once for an account
and region; running it again mends what was changed and makes nothing new.

Neither belongs to a stack, so no destroy removes them.`,
		Example: "  kraftstack bootstrap --stack prod\n  kraftstack bootstrap --stack prod --bucket my-kafka-state",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(cmd); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), flags.timeout)
			defer cancel()
			from, err := cmd.Flags().GetString("dir")
			if err != nil {
				return err
			}
			dir, err := prepare(ctx, from, flags.stack)
			if err != nil {
				return err
			}
			values, err := automation.Config(dir, flags.stack)
			if err != nil {
				return err
			}
			o.Region, o.Profile = values["aws:region"], values["aws:profile"]
			result, err := bootstrap.Run(ctx, o)
			if err != nil {
				return bootstrapFailed(flags.stack, err)
			}
			if flags.json {
				return writeJSON(cmd.OutOrStdout(), result)
			}
			return printBootstrap(cmd, flags.stack, result)
		},
	}
	flags.register(cmd, 2*time.Minute, true)
	cmd.Flags().StringVar(&o.Bucket, "bucket", "", "the bucket's name (default kraftstack-state-ACCOUNT-REGION)")
	cmd.Flags().StringVar(&o.Alias, "key-alias", "", "the KMS key's alias, without alias/ (default kraftstack-state)")
	return cmd
}

func bootstrapFailed(stack string, err error) error {
	cause := fail.Config
	if errors.Is(err, context.DeadlineExceeded) {
		cause = fail.Unreachable
	}
	return &fail.Error{
		Cause: cause, Op: "make the place for the state of stack " + stack, Err: err,
		Next: "mend the cause and run it again: what is there is kept",
	}
}

func printBootstrap(cmd *cobra.Command, stack string, r bootstrap.Result) error {
	what := "was there already, and is as it should be"
	if r.Made {
		what = "is made"
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), `bucket %s %s
key    %s

  store stacks there    %s
  encrypt with the key  add this line to Pulumi.%s.yaml before its first up:
                        secretsprovider: %s
`, r.Bucket, what, r.KeyARN, r.Login(), stack, r.SecretsProvider)
	return err
}
