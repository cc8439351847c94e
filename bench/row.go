package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"kraftstack/internal/ui"
)

// Row is one measurement beside its peer.
type Row struct {
	Name string `json:"name"`
	Unit string `json:"unit"` // s or MB
	Ours Sample `json:"ours"`
	// Peer is empty where there is only a bound to keep.
	Peer Sample `json:"peer,omitzero"`
	// PeerName says what the peer is.
	PeerName string `json:"peerName,omitempty"`
	// Limits; zero is none.
	MaxRatio float64 `json:"maxRatio,omitempty"`
	MaxOurs  float64 `json:"maxOurs,omitempty"`
	None     bool    `json:"none,omitempty"` // there must be none
	// Filled in by judge.
	Ratio   float64 `json:"ratio,omitempty"`
	Target  string  `json:"target"`
	Verdict string  `json:"verdict"` // met or missed
}

// Sample is the repeated measurement of one thing.
type Sample struct {
	Values []float64 `json:"values"`
	Median float64   `json:"median"`
}

func (s *Sample) add(value float64) {
	s.Values = append(s.Values, value)
	s.Median = median(s.Values)
}

// timed adds how long f takes, in seconds.
func (s *Sample) timed(f func() error) error {
	began := time.Now()
	if err := f(); err != nil {
		return err
	}
	s.add(time.Since(began).Seconds())
	return nil
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// judge compares the medians with the row's limits.
func (r *Row) judge() {
	met := true
	if r.Peer.Median > 0 {
		r.Ratio = r.Ours.Median / r.Peer.Median
	}
	if r.MaxRatio > 0 {
		r.Target = fmt.Sprintf("<= %.2f x peer", r.MaxRatio)
		met = met && r.Ratio > 0 && r.Ratio <= r.MaxRatio
	}
	if r.MaxOurs > 0 {
		if r.Target != "" {
			r.Target += ", "
		}
		r.Target += fmt.Sprintf("<= %g %s", r.MaxOurs, r.Unit)
		met = met && r.Ours.Median <= r.MaxOurs
	}
	if r.None {
		r.Target = "none"
		met = met && len(r.Ours.Values) > 0 && slices.Max(r.Ours.Values) == 0
	}
	r.Verdict = "missed"
	if met {
		r.Verdict = "met"
	}
}

func writeTable(w io.Writer, rows []Row) error {
	term := ui.For(w, os.Getenv)
	table := ui.NewTable("row", "ours", "peer", "ratio", "target", "verdict", "peer is")
	for i := range rows {
		r := &rows[i]
		r.judge()
		tone, ratio := ui.Good, ""
		if r.Verdict != "met" {
			tone = ui.Bad
		}
		if r.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", r.Ratio)
		}
		table.Row(ui.Cell{Text: r.Name}, ui.Cell{Text: r.Ours.text(r.Unit)}, ui.Cell{Text: r.Peer.text(r.Unit)},
			ui.Cell{Text: ratio}, ui.Cell{Text: r.Target}, ui.Cell{Text: r.Verdict, Tone: tone}, ui.Cell{Text: r.PeerName})
	}
	if err := table.Write(w, "", term.Color); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, caption)
	return err
}

// caption says what the numbers are; bench/README.md says more.
const caption = `
Medians, with the number of runs. Both sides of a row ran in turn, on this machine, in this run.
a  From "every host has booted" until a record is acknowledged by all in-sync replicas.
b  The same command again, with nothing to change.
c  A preview with nothing to change. The peers are floors of Pulumi itself, run the same way on the same
   engine, providers and backend: a program that declares the stack's very resources, each with the
   values that the state has, and computes nothing; and one of as many empty components and as many
   of the smallest resources (tls.PrivateKey with one argument).
   With everything on it is the example of a production stack; how a preview grows has 30 for its peer.
d  A preview with nothing to change: the driver's whole time less that of the engine's process.
e  The report of a preview that this run made: from its first event, decoding included, to text,
   Markdown and JSON, in a process of its own; the most memory that it held, its program's file aside.
f  Kafka's own producer on the bastion, three replicas; what its JVM takes to start is left out.
   Brokers encrypt among themselves on both sides.
g  kraftstack up with users more in the stack file: a resource each, and no other change.
h  Records of 200 bytes to three replicas, acks=all, 400 a second. Both times are of the whole
   command: kraftstack up with another heap in the stack file, and ansible-playbook.
i  The steps roll and roll-leader of each host, which find that there is nothing to do.
j  Bytes of replicas that are where there was none before; kraftstack up with a fourth broker.
k  Network, routes, ACLs, NAT, endpoint and DNS zone of the lab's stack, made from nothing; no hosts.`

// text is the median with its number of values, "" for none.
func (s *Sample) text(unit string) string {
	if len(s.Values) == 0 {
		return ""
	}
	digits := 1
	if s.Median >= 100 {
		digits = 0
	} else if s.Median < 10 {
		digits = 2
	}
	return fmt.Sprintf("%.*f %s (n=%d)", digits, s.Median, unit, len(s.Values))
}

func writeJSON(w io.Writer, rows []Row) error {
	for i := range rows {
		rows[i].judge()
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(map[string]any{"rows": rows})
}
