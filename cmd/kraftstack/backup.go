package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
	"kraftstack/internal/backup"
	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
)

const backupTimeout = 5 * time.Minute

// bucketFlag says where backups are.
func bucketFlag(cmd *cobra.Command, bucket *string) {
	cmd.Flags().StringVar(bucket, "bucket", "", "the S3 bucket of the backups (default that of kraftstack bootstrap: kraftstack-state-ACCOUNT-REGION)")
}

func newBackupCommand(outputs OutputsFunc) *cobra.Command {
	var flags liveFlags
	var bucket string
	cmd := &cobra.Command{
		Use:   "backup --stack NAME",
		Short: "Store the stack's state and the quorum's metadata in S3",
		Long: `Store in S3 what nothing could make again: the stack's state, its secrets
encrypted as the backend has them, and the metadata of the quorum, copied from its
leader while it runs: topics and their ids, where partitions are, users and rules.
It has no records: those are on the brokers' disks. It changes nothing, and may run
from a timer. kraftstack restore brings it back.`,
		Example: "  kraftstack backup --stack prod\n  kraftstack backup --stack prod --bucket my-kafka-backups --json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(cmd); err != nil {
				return err
			}
			o := flags.options(cmd)
			return o.recorded(cmd, "backup", func(ctx context.Context, _ *recordedRun) error {
				stored, err := takeBackup(ctx, o, bucket, outputs)
				if err != nil {
					return err
				}
				if flags.json {
					return writeJSON(cmd.OutOrStdout(), stored)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "backup %s of stack %s: state %d bytes, metadata %d bytes\n",
					stored.ID, stored.Stack, stored.State.Bytes, stored.Metadata.Bytes)
				return err
			})
		},
	}
	flags.register(cmd, backupTimeout, true)
	flags.registerArtifacts(cmd)
	bucketFlag(cmd, &bucket)
	cmd.AddCommand(newBackupListCommand())
	return cmd
}

func takeBackup(ctx context.Context, o *options, bucket string, outputs OutputsFunc) (backup.Manifest, error) {
	taken := time.Now()
	store, err := openStore(ctx, o, bucket)
	if err != nil {
		return backup.Manifest{}, err
	}
	out, err := outputs(ctx, o.stack)
	if err != nil {
		return backup.Manifest{}, err
	}
	state, err := automation.Export(ctx, o.dir, o.stack)
	if err != nil {
		return backup.Manifest{}, err
	}
	view, err := cluster.Status(ctx, out, cluster.StatusOptions{})
	if err != nil {
		return backup.Manifest{}, err
	}
	if view.Quorum == nil || view.Quorum.Leader < 0 {
		return backup.Manifest{}, &fail.Error{
			Cause: fail.Unhealthy, Op: "back stack " + o.stack + " up", Err: errors.New("its quorum has no leader to copy the metadata from; nothing was stored"),
			Next: "kraftstack status --stack " + o.stack,
		}
	}
	metadata, err := cluster.CopyMetadata(ctx, out, view.Quorum.Leader)
	if err != nil {
		return backup.Manifest{}, err
	}
	m := backup.Manifest{ID: backup.NewID(taken), Stack: o.stack, Taken: taken.UTC(), ClusterID: out.ClusterID, KafkaVersion: view.KafkaVersion}
	for _, voter := range view.Quorum.Voters {
		m.Voters = append(m.Voters, backup.Voter{ID: voter.ID, DirectoryID: voter.DirectoryID})
	}
	m, err = store.Put(ctx, m, state, metadata)
	return m, storeFailed(o.stack, err)
}

// openStore finds the bucket in the account and region of the stack's file.
func openStore(ctx context.Context, o *options, bucket string) (*backup.Store, error) {
	values, err := automation.Config(o.dir, o.stack)
	if err != nil {
		return nil, err
	}
	store, err := backup.Open(ctx, backup.Options{Region: values["aws:region"], Profile: values["aws:profile"], Bucket: bucket})
	return store, storeFailed(o.stack, err)
}

func storeFailed(stack string, err error) error {
	if err == nil {
		return nil
	}
	cause, next := fail.Config, "check that the credentials of this stack's account may use the bucket, then run the same command again"
	switch {
	case errors.Is(err, backup.ErrNoBucket):
		next = "kraftstack bootstrap --stack " + stack + " makes the usual bucket; another one is named with --bucket"
	case errors.Is(err, backup.ErrNone):
		next = "kraftstack backup list --stack " + stack + " shows what is there"
	case errors.Is(err, context.DeadlineExceeded):
		cause = fail.Unreachable
	}
	return &fail.Error{Cause: cause, Op: "use the backups of stack " + stack, Err: err, Next: next}
}

func newBackupListCommand() *cobra.Command {
	var flags liveFlags
	var bucket string
	cmd := &cobra.Command{
		Use:     "list --stack NAME",
		Short:   "List the backups of a stack, oldest first",
		Example: "  kraftstack backup list --stack prod",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(cmd); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), flags.timeout)
			defer cancel()
			o := flags.options(cmd)
			var err error
			if o.dir, err = prepare(ctx, o.dir, o.stack); err != nil {
				return err
			}
			store, err := openStore(ctx, o, bucket)
			if err != nil {
				return err
			}
			ids, err := store.List(ctx, o.stack)
			if err != nil {
				return storeFailed(o.stack, err)
			}
			if flags.json {
				return writeJSON(cmd.OutOrStdout(), ids)
			}
			for _, id := range ids {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), id); err != nil {
					return err
				}
			}
			return nil
		},
	}
	flags.register(cmd, 30*time.Second, true)
	bucketFlag(cmd, &bucket)
	return cmd
}
