package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kraftstack/config"
	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
	"kraftstack/internal/record"
	"kraftstack/internal/ui"
)

func newPatchCommand() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "patch --stack NAME",
		Short: "Install the distribution's updates, host after host",
		Long: `Install what the distribution has newer packages of, on one host at a time:
voters first and the quorum's leader last among them, then the other brokers,
and the bastion at the end. A node's turn comes when the cluster can do without
it, by the same gate as a restart; its Kafka is stopped meanwhile, and the host
is rebooted where the updates ask for it. The next host waits until the node is
healthy and its partitions are in sync.

A host without updates is left alone. What was interrupted goes on with the next
call. The stack's lock is held meanwhile, as up holds it: neither begins while the
other runs. Exit code 10 says that the cluster cannot do without a node now, 8 that
an update failed on a host; the hosts behind it were not touched.`,
		Example: "  kraftstack patch --stack prod\n  kraftstack patch --stack prod --target-host broker-1001 --target-host bastion",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			o.dir, _ = c.Flags().GetString("dir")
			return o.recorded(c, "patch", func(ctx context.Context, run *recordedRun) error {
				return o.patch(ctx, c, run)
			})
		},
	}
	o.register(c)
	flagPatchedHosts(c, &o)
	return c
}

func flagPatchedHosts(c *cobra.Command, o *options) {
	c.Flags().StringSliceVar(&o.hosts, "target-host", nil, "only this host, `NAME` (may be repeated)")
}

// patch reads as what the verb does. It holds the stack's lock meanwhile: a run that
// changes the stack would take nodes out of the cluster as well. Each node's gate holds
// the two apart, and would have one of them wait for nothing.
func (o *options) patch(ctx context.Context, c *cobra.Command, run *recordedRun) error {
	values, err := automation.Config(o.dir, o.stack)
	if err != nil {
		return err
	}
	file, err := config.LoadFile(o.stack, values)
	if err != nil {
		return err
	}
	out, err := automation.Outputs(ctx, o.dir, o.stack)
	if err != nil {
		return err
	}
	var done []cluster.Patched
	err = automation.WithLock(ctx, o.dir, o.stack, "patch", func(ctx context.Context) (err error) {
		done, err = cluster.Patch(ctx, out, o.patchOptions(c, file))
		return err
	})
	run.notePatched(done, err)
	if printed := o.writePatched(c.OutOrStdout(), done); err == nil {
		err = printed
	}
	return err
}

func (o *options) patchOptions(c *cobra.Command, file config.Stack) cluster.PatchOptions {
	terminal := c.ErrOrStderr()
	return cluster.PatchOptions{
		Hosts: o.hosts, GateTimeoutSeconds: file.Rolling.GateTimeoutSeconds,
		Say: func(host, line string) {
			if !o.json {
				_, _ = fmt.Fprintf(terminal, "%s: %s\n", host, line)
			}
		},
	}
}

func (o *options) writePatched(w io.Writer, done []cluster.Patched) error {
	if o.json {
		return writeJSON(w, struct {
			Stack string            `json:"stack"`
			Hosts []cluster.Patched `json:"hosts"` // those that were done, in this order
		}{o.stack, append([]cluster.Patched{}, done...)})
	}
	if len(done) == 0 {
		return nil // the error says why
	}
	return writePatched(w, done)
}

func writePatched(w io.Writer, done []cluster.Patched) error {
	table := ui.NewTable("host", "updates", "rebooted")
	for _, host := range done {
		updates, rebooted := "none", "no"
		if len(host.Packages) > 0 {
			updates = strings.Join(host.Packages, ", ")
		}
		if host.Rebooted {
			rebooted = "yes"
		}
		table.Row(ui.Cell{Text: host.Name}, ui.Cell{Text: updates}, ui.Cell{Text: rebooted})
	}
	return table.Write(w, "", ui.For(w, os.Getenv).Color)
}

// notePatched makes a case of each host for the artifacts.
func (r *recordedRun) notePatched(done []cluster.Patched, err error) {
	for _, host := range done {
		r.more = append(r.more, record.Case{Place: host.Name, Name: "updates"})
	}
	if host, _ := fail.Place(err); host != "" {
		r.more = append(r.more, record.Case{Place: host, Name: "updates", Failure: ui.OneLine(err.Error())})
	}
	r.body = func(w io.Writer) error {
		return writeFenced(w, func(w io.Writer) error { return writePatched(w, done) })
	}
}
