package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/internal/cluster"
	"kraftstack/internal/ui"
)

func newSmokeCommand(outputs OutputsFunc) *cobra.Command {
	var flags liveFlags
	cmd := &cobra.Command{
		Use:   "smoke --stack NAME",
		Short: "Produce a record and read exactly that record back",
		Long: `Produce one unique record, acknowledged by all in-sync replicas, and read
exactly that record back from its offset, through the bastion.

The record goes to the topic ` + cluster.SmokeTopic + `, which the first run makes with as
many replicas as there are brokers, at most three. The topic stays; its records
go after an hour. Exit code 6 says that the cluster did not do it, and in which
step.`,
		Example: `  kraftstack smoke --stack dev
  kraftstack smoke --stack dev --json | jq .produceMillis`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(cmd); err != nil {
				return err
			}
			o := flags.options(cmd)
			return o.recorded(cmd, "smoke", func(ctx context.Context, _ *recordedRun) error {
				out, err := outputs(ctx, flags.stack)
				if err != nil {
					return err
				}
				result, err := cluster.Smoke(ctx, out)
				if err != nil {
					return err
				}
				if flags.json {
					return writeJSON(cmd.OutOrStdout(), result)
				}
				return printSmoke(cmd.OutOrStdout(), result)
			})
		},
	}
	flags.register(cmd, time.Minute, true)
	flags.registerArtifacts(cmd)
	return cmd
}

func printSmoke(w io.Writer, r cluster.SmokeResult) error {
	t := ui.For(w, os.Getenv)
	made := ""
	if r.Created {
		made = " (made now)"
	}
	_, err := fmt.Fprintf(w, "%s  one record through cluster %s\n  topic     %s%s, %d replicas\n  written   partition %d, offset %d, broker %d, %.0f ms\n  read      the same record, %.0f ms\n",
		ui.Paint("passed", ui.Good, t.Color), r.Stack, r.Topic, made, r.ReplicationFactor,
		r.Partition, r.Offset, r.Leader, r.ProduceMillis, r.ConsumeMillis)
	return err
}
