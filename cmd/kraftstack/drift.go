package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kraftstack/config"
	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
	"kraftstack/internal/drift"
	"kraftstack/internal/record"
	"kraftstack/internal/report"
	"kraftstack/program"
)

func newDriftCommand() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use: "drift", Short: "Find what differs between the stack and the world",
		Long: `Drift asks the cloud, the cluster and every host what differs from what the stack
made, and changes nothing: one report with one exit code, fit for a timer. Exit code 9 says
that something differs. What the stack file asks for and was never applied is
no drift: preview shows that.`,
		Example: "  kraftstack drift --stack prod\n  kraftstack drift --stack prod --json | jq '.parts[] | select(.findings != [])'",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			o.dir, _ = c.Flags().GetString("dir")
			return o.recorded(c, "drift", func(ctx context.Context, run *recordedRun) error {
				found := drift.Look(ctx, o.stack, o.driftParts(run))
				run.body = func(w io.Writer) error { return writeFenced(w, found.WriteText) }
				run.noteDrift(found)
				err := found.WriteText(c.OutOrStdout())
				if o.json {
					err = writeJSON(c.OutOrStdout(), found)
				}
				if err != nil {
					return err
				}
				return found.Err()
			})
		},
	}
	o.register(c)
	o.registerEvents(c)
	return c
}

// driftParts are the places that can tell, the quickest first.
func (o *options) driftParts(run *recordedRun) []drift.Part {
	return []drift.Part{
		{Name: "cloud", Look: func(ctx context.Context) ([]drift.Finding, error) { return o.cloudDrift(ctx, run) }},
		{Name: "cluster", Look: o.clusterDrift},
		{Name: "users", Look: o.userDrift},
		{Name: "hosts", Look: o.hostDrift},
	}
}

// cloudDrift is what a refresh would find.
func (o *options) cloudDrift(ctx context.Context, run *recordedRun) ([]drift.Finding, error) {
	stack, err := automation.Open(ctx, o.dir, o.stack, program.Deploy, false)
	if err != nil {
		return nil, err
	}
	collector := report.NewCollector(o.stack)
	if err := stack.PreviewRefresh(ctx, run.watch(collector.Watch)); err != nil {
		return nil, err
	}
	var found []drift.Finding
	for _, change := range collector.Report().Changes {
		what := "is changed: " + strings.Join(change.Keys, ", ")
		if change.Op == "delete" {
			what = "is gone"
		}
		found = append(found, drift.Finding{Place: strings.TrimSpace(change.Component + " " + change.Step), What: what})
	}
	return found, nil
}

// clusterDrift is what is wrong with the running cluster.
func (o *options) clusterDrift(ctx context.Context) ([]drift.Finding, error) {
	outputs, err := automation.Outputs(ctx, o.dir, o.stack)
	if err != nil {
		return nil, err
	}
	view, err := cluster.Status(ctx, outputs, cluster.StatusOptions{})
	if err != nil {
		return nil, err
	}
	var found []drift.Finding
	for _, problem := range view.Problems {
		found = append(found, drift.Finding{Place: "cluster", What: problem})
	}
	return found, nil
}

// userDrift is what the cluster's users, access rules and quotas have or lack.
func (o *options) userDrift(ctx context.Context) ([]drift.Finding, error) {
	outputs, err := automation.Outputs(ctx, o.dir, o.stack)
	if err != nil || outputs.Access.Clients == config.ClientsPlaintext {
		return nil, err // without names there are neither users nor rules
	}
	view, err := cluster.Users(ctx, outputs)
	if err != nil {
		return nil, err
	}
	return userFindings(view), nil
}

func userFindings(view cluster.UsersView) []drift.Finding {
	var found []drift.Finding
	for _, d := range view.Differing() {
		what, _, _ := strings.Cut(d.What, ",")
		for _, line := range d.Lines {
			found = append(found, drift.Finding{Place: d.Who, What: what + " " + line})
		}
	}
	return found
}

// hostDrift is what an audit of every host finds. Hosts that could not be asked
// are the failure of this part, unless others tell of drift already.
func (o *options) hostDrift(ctx context.Context) ([]drift.Finding, error) {
	outputs, err := automation.Outputs(ctx, o.dir, o.stack)
	if err != nil {
		return nil, err
	}
	audit, err := cluster.AuditHosts(ctx, outputs)
	if err != nil {
		return nil, err
	}
	var found []drift.Finding
	for _, host := range audit.Differing() {
		for _, d := range host.Drift {
			found = append(found, drift.Finding{Place: host.Name, What: d.Kind + " " + d.What + ": " + d.Why})
		}
	}
	if len(found) == 0 {
		return nil, drifted(audit)
	}
	for _, host := range audit.Unknown() {
		found = append(found, drift.Finding{Place: host.Name, What: "could not be asked: " + host.Error})
	}
	return found, nil
}

// writeFenced puts a text for a terminal into Markdown as it is.
func writeFenced(w io.Writer, write func(io.Writer) error) error {
	var text strings.Builder
	if err := write(&text); err != nil {
		return err
	}
	fence := strings.Repeat("`", 3)
	_, err := fmt.Fprintf(w, "%stext\n%s%s\n", fence, strings.ReplaceAll(text.String(), fence, "'''"), fence)
	return err
}

// noteDrift makes a case of each part for the artifacts.
func (r *recordedRun) noteDrift(found drift.Report) {
	for _, part := range found.Parts {
		one := record.Case{Place: part.Name, Name: "as the stack made it", Failure: part.Error}
		for _, f := range part.Findings {
			one.Failure += f.Place + ": " + f.What + "\n"
		}
		r.more = append(r.more, one)
	}
}
