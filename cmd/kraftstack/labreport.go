package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"kraftstack/lab"
)

const mib = 1 << 20

// writeLabReport shows a lab's state to a reader.
func writeLabReport(out io.Writer, report lab.Report) error {
	var b strings.Builder
	switch report.State {
	case lab.StateDown:
		b.WriteString("lab: down; bring it up with `kraftstack lab up`\n")
	case lab.StateOrphaned:
		fmt.Fprintf(&b, "lab: its daemon is gone; what still runs of %s runs on\n", report.LabDir)
		b.WriteString("  take it over with `kraftstack lab up` (hosts that do not run boot again), or remove it with `kraftstack lab down`\n")
	case lab.StateUp:
		writeRunningLab(&b, report)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func writeRunningLab(b *strings.Builder, report lab.Report) {
	d := report.Daemon
	fmt.Fprintf(b, "lab: up since %s, daemon is process %d with %d MB\n", d.Since.Local().Format(time.DateTime), d.PID, d.MemoryBytes/mib)
	fmt.Fprintf(b, "  AWS API  %s%s\n", report.Cloud.URL, unless(report.Cloud.Alive, "  (does not answer)"))
	fmt.Fprintf(b, "  folder   %s\n", report.LabDir)
	if len(report.Faults) > 0 {
		fmt.Fprintf(b, "  faults   %s\n", strings.Join(report.Faults, ", "))
	}
	if len(report.Hosts) == 0 {
		b.WriteString("  hosts    none yet; `kraftstack up --stack lab` makes some\n")
	} else {
		writeLabHosts(b, report)
	}
	for _, problem := range report.Problems {
		fmt.Fprintf(b, "  problem  %s\n", problem)
	}
}

func writeLabHosts(b *strings.Builder, report lab.Report) {
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\n  HOST\tINSTANCE\tSTATE\tADDRESS\tPUBLIC\tMEMORY")
	for _, h := range report.Hosts {
		public := h.PublicIP
		if public == "" {
			public = "-"
		}
		state := h.State
		if h.Waiting != "" {
			state += ", waits for " + h.Waiting
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%d MB\n", h.Name, h.Instance, state, h.PrivateIP, public, h.Memory/mib)
	}
	_ = table.Flush() // a strings.Builder takes everything
}

func unless(ok bool, text string) string {
	if ok {
		return ""
	}
	return text
}
