package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
	"kraftstack/internal/record"
	"kraftstack/internal/ui"
)

func newAuditCommand(outputs OutputsFunc) *cobra.Command {
	var flags liveFlags
	cmd := &cobra.Command{
		Use:   "audit --stack NAME",
		Short: "Compare every host with what the stack made of it",
		Long: `Compare every host, the bastion included, with what the stack made of it:
files, modes, the unpacked Kafka, overrides of units, kernel settings, the
generation that runs, sockets that other hosts can reach, sshd, and who can log
in. Pulumi's refresh sees the cloud, and not into hosts.

Exit code 9 says that something differs, 5 that a host could not be asked. What
up --repair would mend is marked; the rest is for a person to judge.`,
		Example: "  kraftstack audit --stack prod\n  kraftstack audit --stack prod --json | jq '.hosts[] | select(.drift != [])'",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(cmd); err != nil {
				return err
			}
			o := flags.options(cmd)
			return o.recorded(cmd, "audit", func(ctx context.Context, run *recordedRun) error {
				out, err := outputs(ctx, flags.stack)
				if err != nil {
					return err
				}
				audit, err := cluster.AuditHosts(ctx, out)
				if err != nil {
					return err
				}
				run.noteAudit(audit)
				if flags.json {
					err = writeJSON(cmd.OutOrStdout(), audit)
				} else {
					err = writeAudit(cmd.OutOrStdout(), audit)
				}
				if err != nil {
					return err
				}
				return drifted(audit)
			})
		},
	}
	flags.register(cmd, cluster.AuditTimeout, true)
	flags.registerArtifacts(cmd)
	return cmd
}

func writeAudit(w io.Writer, audit cluster.Audit) error {
	t := ui.For(w, os.Getenv)
	var b strings.Builder
	var clean []string
	table := ui.NewTable("host", "kind", "what", "why", "mended by up --repair")
	for _, host := range audit.Hosts {
		switch {
		case host.Error != "":
			table.Row(ui.Cell{Text: host.Name, Tone: ui.Bad}, ui.Cell{Text: "not known"}, ui.Cell{}, ui.Cell{Text: host.Error}, ui.Cell{})
		case len(host.Drift) == 0:
			clean = append(clean, host.Name)
		}
		for _, d := range host.Drift {
			mended := ui.Cell{Text: "no", Tone: ui.Bad}
			if d.Mendable() {
				mended = ui.Cell{Text: "yes"}
			}
			table.Row(ui.Cell{Text: host.Name, Tone: ui.Bad}, ui.Cell{Text: d.Kind}, ui.Cell{Text: d.What}, ui.Cell{Text: d.Why}, mended)
		}
	}
	if !audit.Clean {
		if err := table.Write(&b, "", t.Color); err != nil {
			return err
		}
	}
	if len(clean) > 0 {
		b.WriteString(ui.Paint("as the stack made them: "+strings.Join(clean, ", "), ui.Good, t.Color) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// noteAudit makes a case of each host for the artifacts.
func (r *recordedRun) noteAudit(audit cluster.Audit) {
	for _, host := range audit.Hosts {
		one := record.Case{Place: host.Name, Name: "as the stack made it", Failure: host.Error}
		for _, d := range host.Drift {
			one.Failure += d.Kind + " " + d.What + ": " + d.Why + "\n"
		}
		r.more = append(r.more, one)
	}
	r.body = func(w io.Writer) error {
		return writeFenced(w, func(w io.Writer) error { return writeAudit(w, audit) })
	}
}

// drifted is the error of an audit that found something.
func drifted(audit cluster.Audit) error {
	stack := " --stack " + audit.Stack
	if differing := audit.Differing(); len(differing) > 0 {
		return &fail.Error{
			Cause: fail.Drift, Op: fmt.Sprintf("audit stack %s: %d of %d hosts are not as the stack made them", audit.Stack, len(differing), len(audit.Hosts)),
			Next: "kraftstack up" + stack + " --repair applies the stack to these hosts again\nlook first who changed them, and why: kraftstack ssh HOST" + stack,
		}
	}
	if unknown := audit.Unknown(); len(unknown) > 0 {
		return &fail.Error{
			Cause: fail.Unreachable, Op: fmt.Sprintf("audit stack %s: %d of %d hosts could not be asked", audit.Stack, len(unknown), len(audit.Hosts)),
			Next: "kraftstack status" + stack + " --hosts shows which hosts answer",
		}
	}
	return nil
}
