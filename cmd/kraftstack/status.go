package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
	"kraftstack/internal/ui"
)

// OutputsFunc gives what the live view needs of a stack.
type OutputsFunc func(ctx context.Context, stack string) (cluster.Outputs, error)

// liveFlags are the flags of the verbs that look at a running cluster.
type liveFlags struct {
	stack   string
	json    bool
	timeout time.Duration

	artifacts string
}

// register adds the flags to a command, and makes their mistakes usage errors.
func (f *liveFlags) register(cmd *cobra.Command, timeout time.Duration, withJSON bool) {
	cmd.Flags().StringVar(&f.stack, "stack", "", "the stack's name (required)")
	cmd.Flags().DurationVar(&f.timeout, "timeout", timeout, "give up after this long")
	if withJSON {
		cmd.Flags().BoolVar(&f.json, "json", false, "print the result as JSON")
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return fail.Usage(cmd.CommandPath(), err) })
}

// registerArtifacts is for a verb whose runs are recorded.
func (f *liveFlags) registerArtifacts(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.artifacts, "artifacts", "", "write reports for a build server to `FOLDER`: Markdown, JUnit, JSON")
}

// options are the flags of a verb whose runs are recorded.
func (f *liveFlags) options(cmd *cobra.Command) *options {
	dir, _ := cmd.Flags().GetString("dir")
	return &options{stack: f.stack, dir: dir, json: f.json, timeout: f.timeout, artifacts: f.artifacts}
}

// check says what is wrong with the flags' values.
func (f *liveFlags) check(cmd *cobra.Command) error {
	switch {
	case f.stack == "":
		return fail.Usage(cmd.CommandPath(), errors.New("--stack is required"))
	case f.timeout <= 0:
		return fail.Usage(cmd.CommandPath(), fmt.Errorf("--timeout is %s, must be more than 0", f.timeout))
	}
	return nil
}

// look is the opening of a verb that looks at a running cluster: its flags are
// checked, its time is bounded, and what the live view needs is at hand.
func (f *liveFlags) look(cmd *cobra.Command, outputs OutputsFunc, do func(context.Context, cluster.Outputs) error) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), f.timeout)
	defer cancel()
	out, err := outputs(ctx, f.stack)
	if err != nil {
		return err
	}
	return do(ctx, out)
}

// noArguments is cobra.NoArgs with a usage error.
func noArguments(cmd *cobra.Command, args []string) error {
	return fail.Usage(cmd.CommandPath(), cobra.NoArgs(cmd, args))
}

func newStatusCommand(outputs OutputsFunc) *cobra.Command {
	var flags liveFlags
	var options cluster.StatusOptions
	cmd := &cobra.Command{
		Use:   "status --stack NAME",
		Short: "Show the running cluster: quorum, brokers, partitions",
		Long: `Show the running cluster as its own hosts describe it, through the bastion or
Session Manager: the quorum with its leader, voters and lag, every broker with
its zone, and the partitions that lack replicas. Exit code 6 says that something
is wrong; what was seen is printed all the same, and every problem is named.

With --hosts every host is asked as well which configuration it runs, and
which it should run.`,
		Example: `  kraftstack status --stack dev
  kraftstack status --stack dev --json | jq .quorum.leader`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return flags.look(cmd, outputs, func(ctx context.Context, out cluster.Outputs) error {
				view, err := cluster.Status(ctx, out, options)
				if err != nil {
					return err
				}
				if err := printView(cmd.OutOrStdout(), view, flags.json); err != nil {
					return err
				}
				return unhealthy(view)
			})
		},
	}
	flags.register(cmd, 30*time.Second, true)
	cmd.Flags().BoolVar(&options.Hosts, "hosts", false, "ask every host for its generation as well")
	return cmd
}

// unhealthy is the error of a cluster that has problems.
func unhealthy(view cluster.View) error {
	if view.Healthy {
		return nil
	}
	noun := "problems"
	if len(view.Problems) == 1 {
		noun = "problem"
	}
	return &fail.Error{
		Cause: fail.Unhealthy, Op: fmt.Sprintf("cluster %s is not healthy: %d %s", view.Stack, len(view.Problems), noun),
		Next: strings.ReplaceAll("kraftstack status --stack NAME --hosts asks the hosts themselves\n"+
			"where a host runs without Kafka (up does not look inside hosts): kraftstack ssh NODE --stack NAME -- sudo systemctl start kafka\n"+
			"where a host is gone: kraftstack refresh --stack NAME, then kraftstack up --stack NAME", "NAME", view.Stack),
	}
}

func printView(w io.Writer, view cluster.View, asJSON bool) error {
	if asJSON {
		return writeJSON(w, view)
	}
	t := ui.For(w, os.Getenv)
	var b strings.Builder
	title := "cluster " + view.Stack + "  " + view.ClusterID
	if view.KafkaVersion != "" {
		title += "  Kafka " + view.KafkaVersion
	}
	b.WriteString(ui.Paint(title, ui.Strong, t.Color) + "\n")
	if m := view.Metadata; m != nil {
		fmt.Fprintf(&b, "metadata version %d is finalized", m.Finalized)
		if m.Waits() {
			fmt.Fprintf(&b, "; %d waits for kafka.finalize: auto, and until then an older kafka.version is the way back", m.Supported)
		}
		b.WriteString("\n")
	}
	quorumTable(&b, view, t.Color)
	brokerTable(&b, view, t.Color)
	if p := view.Partitions; p != nil {
		fmt.Fprintf(&b, "\npartitions  %d in %d topics, %d under-replicated, %d below min.insync.replicas, %d offline\n",
			p.Total, p.Topics, p.UnderReplicated, p.UnderMinISR, p.Offline)
	}
	usersLine(&b, view)
	if c := view.Certificates; c != nil {
		fmt.Fprintf(&b, "\ncertificates  until %s, %s\n", c.End.UTC().Format("2006-01-02 15:04"), map[string]string{
			cluster.CertificatesValid: "renewed by the first up from " + c.Due.UTC().Format("2006-01-02 15:04") + " on",
			cluster.CertificatesDue:   "due: the next up renews them", cluster.CertificatesEnded: "ended: run kraftstack up",
		}[c.State])
	}
	hostTable(&b, view, t.Color)
	if view.Healthy {
		b.WriteString("\n" + ui.Paint("healthy", ui.Good, t.Color) + "\n")
	} else {
		b.WriteString("\n" + ui.Paint("not healthy", ui.Bad, t.Color) + "\n")
		for _, problem := range view.Problems {
			b.WriteString("  " + problem + "\n")
		}
	}
	for _, warning := range view.Warnings {
		b.WriteString("  " + ui.Paint("warning", ui.Strong, t.Color) + ": " + warning + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func quorumTable(b *strings.Builder, view cluster.View, color bool) {
	q := view.Quorum
	if q == nil {
		return
	}
	fmt.Fprintf(b, "\nquorum  epoch %d\n", q.Epoch)
	table := ui.NewTable("id", "host", "role", "lag", "state")
	row := func(r cluster.Replica, role string) {
		lag := strconv.FormatInt(r.Lag, 10)
		if r.Lag < 0 {
			lag = "unknown"
		}
		state := ui.Cell{Text: "caught up", Tone: ui.Good}
		if !r.CaughtUp {
			state = ui.Cell{Text: "behind", Tone: ui.Bad}
		}
		if r.ID == q.Leader {
			role = "leader"
		}
		table.Row(ui.Cell{Text: strconv.Itoa(int(r.ID))}, ui.Cell{Text: r.Host}, ui.Cell{Text: role}, ui.Cell{Text: lag}, state)
	}
	for _, r := range q.Voters {
		row(r, "voter")
	}
	for _, r := range q.Observers {
		row(r, "observer")
	}
	_ = table.Write(b, "  ", color) // a strings.Builder takes everything
}

func brokerTable(b *strings.Builder, view cluster.View, color bool) {
	b.WriteString("\nbrokers\n")
	table := ui.NewTable("id", "host", "rack", "instance", "disk", "state")
	for _, broker := range view.Brokers {
		state := ui.Cell{Text: "alive", Tone: ui.Good}
		if !broker.Alive {
			state = ui.Cell{Text: "dead", Tone: ui.Bad}
		}
		table.Row(ui.Cell{Text: strconv.Itoa(int(broker.ID))}, ui.Cell{Text: broker.Host},
			ui.Cell{Text: broker.Rack}, ui.Cell{Text: broker.Instance}, diskCell(broker.Disk), state)
	}
	_ = table.Write(b, "  ", color)
}

// diskCell is how full a broker's disk is.
func diskCell(disk *cluster.Disk) ui.Cell {
	if disk == nil {
		return ui.Cell{Text: "unknown"}
	}
	return ui.Cell{Text: fmt.Sprintf("%d %%", disk.Used())}
}

// usersLine tells of the users, and all that differs from the stack.
func usersLine(b *strings.Builder, view cluster.View) {
	if view.Users == nil {
		return
	}
	fmt.Fprintf(b, "\nusers  %d in the stack, %d differences on the cluster\n", len(view.Users.Users), view.Users.Differences())
	userDifferences(b, *view.Users)
}

func hostTable(b *strings.Builder, view cluster.View, color bool) {
	if len(view.Hosts) == 0 {
		return
	}
	b.WriteString("\nhosts\n")
	table := ui.NewTable("host", "service", "wanted", "running")
	for _, h := range view.Hosts {
		tone := ui.Good
		if h.Error != "" || h.Service != "active" || h.GenerationRunning != h.GenerationWanted || len(h.Differs) > 0 {
			tone = ui.Bad
		}
		table.Row(ui.Cell{Text: h.Name}, ui.Cell{Text: h.Service, Tone: tone},
			ui.Cell{Text: h.GenerationWanted}, ui.Cell{Text: h.GenerationRunning})
	}
	_ = table.Write(b, "  ", color)
}

// writeJSON prints one indented JSON document.
func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
