package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
	"kraftstack/internal/backup"
	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
	"kraftstack/internal/record"
)

// restoring is what the two ways to restore have in common.
type restoring struct {
	flags      liveFlags
	bucket, id string
}

func newRestoreCommand(outputs OutputsFunc) *cobra.Command {
	cmd := &cobra.Command{
		Use: "restore", Short: "Bring back what kraftstack backup has stored",
		Args: noArguments, RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(newRestoreStateCommand(), newRestoreMetadataCommand(outputs))
	return cmd
}

func (r *restoring) register(cmd *cobra.Command) {
	r.flags.register(cmd, 15*time.Minute, false)
	r.flags.registerArtifacts(cmd)
	bucketFlag(cmd, &r.bucket)
	cmd.Flags().StringVar(&r.id, "backup", "", "which one, as kraftstack backup list has it (default the newest)")
}

// run finds the backup, and does something with it in a recorded run.
func (r *restoring) run(cmd *cobra.Command, verb string, do func(context.Context, *options, *recordedRun, *backup.Store, backup.Manifest) error) error {
	if err := r.flags.check(cmd); err != nil {
		return err
	}
	o := r.flags.options(cmd)
	return o.recorded(cmd, verb, func(ctx context.Context, run *recordedRun) error {
		store, err := openStore(ctx, o, r.bucket)
		if err != nil {
			return err
		}
		found, err := store.Find(ctx, o.stack, r.id)
		if err != nil {
			return storeFailed(o.stack, err)
		}
		return do(ctx, o, run, store, found)
	})
}

func newRestoreStateCommand() *cobra.Command {
	var r restoring
	var yes bool
	cmd := &cobra.Command{
		Use:   "state --stack NAME",
		Short: "Make the state of a backup that of the stack",
		Long: `Make the state of a backup that of the stack, in the state backend that is in use.
A state that has resources is replaced with --yes alone; it is kept in the stack's
records. What was changed after the backup is not in it: refresh and preview before
the next up.`,
		Example: "  kraftstack restore state --stack prod\n  kraftstack restore state --stack prod --backup 20261129T065400.000Z --yes",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.run(cmd, "restore state", func(ctx context.Context, o *options, run *recordedRun, store *backup.Store, found backup.Manifest) error {
				if err := restoreState(ctx, o, run, store, found, yes); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "stack %s has the state of backup %s\n  next: kraftstack refresh --stack %[1]s, then kraftstack preview --stack %[1]s\n", o.stack, found.ID)
				return err
			})
		},
	}
	r.register(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "replace a state that has resources")
	return cmd
}

func restoreState(ctx context.Context, o *options, run *recordedRun, store *backup.Store, found backup.Manifest, yes bool) error {
	before, err := automation.Export(ctx, o.dir, o.stack)
	if err != nil {
		return err
	}
	count, err := automation.Resources(before)
	if err != nil && !yes {
		return err // a state that cannot be read is what a restore is for
	}
	if count > 0 && !yes {
		return &fail.Error{
			Cause: fail.Config, Op: "restore the state of stack " + o.stack, Err: fmt.Errorf("it has a state with %d resources; nothing was changed", count),
			Next: "look at it with kraftstack preview --stack " + o.stack + "; --yes replaces it",
		}
	}
	state, err := store.State(ctx, found)
	if err != nil {
		return storeFailed(o.stack, err)
	}
	if before != nil {
		if _, err := record.Backup(run.folder, run.Run, before); err != nil {
			return err
		}
	}
	return automation.Import(ctx, o.dir, o.stack, state)
}

func newRestoreMetadataCommand(outputs OutputsFunc) *cobra.Command {
	var r restoring
	cmd := &cobra.Command{
		Use:   "metadata --stack NAME",
		Short: "Give a quorum that has lost its metadata that of a backup",
		Long: `Give a quorum whose voters have lost their metadata that of a backup, so that the
brokers' disks can be read again. It stops Kafka on all nodes, puts the metadata in
its place and starts Kafka; what was there before is kept on each node. It refuses
(exit code 10) where a majority of the voters has its metadata still: such a quorum
has more than any backup, and goes on by itself.

What was changed after the backup is unknown to the cluster afterwards: a topic that
is younger than the backup is gone, and brokers put its records aside.`,
		Example: "  kraftstack restore metadata --stack prod",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.run(cmd, "restore metadata", func(ctx context.Context, o *options, _ *recordedRun, store *backup.Store, found backup.Manifest) error {
				waiting, err := restoreMetadata(ctx, o, store, found, outputs)
				if err != nil {
					return err
				}
				outcome := "and its cluster is healthy"
				if len(waiting) > 0 {
					outcome = fmt.Sprintf("and there is no Kafka yet on %s\n  next: kraftstack up --stack %s", strings.Join(waiting, ", "), o.stack)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "stack %s has the metadata of backup %s, %s\n", o.stack, found.ID, outcome)
				return err
			})
		},
	}
	r.register(cmd)
	return cmd
}

func restoreMetadata(ctx context.Context, o *options, store *backup.Store, found backup.Manifest, outputs OutputsFunc) (waiting []string, err error) {
	out, err := outputs(ctx, o.stack)
	if err != nil {
		return nil, err
	}
	if found.ClusterID != out.ClusterID {
		return nil, &fail.Error{
			Cause: fail.Config, Op: "restore the metadata of stack " + o.stack,
			Err: fmt.Errorf("backup %s is of cluster %s, and the stack's is %s; nothing was changed", found.ID, found.ClusterID, out.ClusterID),
		}
	}
	archive, err := store.Metadata(ctx, found)
	if err != nil {
		return nil, storeFailed(o.stack, err)
	}
	directories := map[int32]string{}
	for _, voter := range found.Voters {
		directories[voter.ID] = voter.DirectoryID
	}
	waiting, err = cluster.RestoreMetadata(ctx, out, archive, directories)
	if err != nil || len(waiting) > 0 {
		return waiting, err
	}
	wrong, err := cluster.AwaitHealthy(ctx, out)
	if err != nil {
		return nil, &fail.Error{
			Cause: fail.Unhealthy, Op: "wait until the cluster of stack " + o.stack + " is healthy with its restored metadata", Err: errors.Join(err, fmt.Errorf("%v", wrong)),
			Next: "kraftstack status --stack " + o.stack,
		}
	}
	return nil, nil
}
