// Package drift gathers what differs between a stack and the world, from each
// place that can tell, into one report: the cloud, the hosts, what the cluster
// itself holds.
package drift

import (
	"context"
	"fmt"
	"io"
	"strings"

	"kraftstack/internal/fail"
)

// Finding is one thing that is not as the stack made it.
type Finding struct {
	Place string `json:"place"` // a host, a component, a topic
	What  string `json:"what"`
}

// Part is one place that can tell, and how it is asked.
type Part struct {
	Name string // "cloud", "users"
	Look func(context.Context) ([]Finding, error)
}

// Looked is what one part told.
type Looked struct {
	Name     string    `json:"name"`
	Findings []Finding `json:"findings"`
	Error    string    `json:"error,omitempty"` // why nothing is known of it

	err error
}

// Report is what all parts told.
type Report struct {
	Stack string   `json:"stack"`
	Parts []Looked `json:"parts"`
}

// Look asks every part, one after another: a part that cannot be asked stops no
// other.
func Look(ctx context.Context, stack string, parts []Part) Report {
	r := Report{Stack: stack}
	for _, part := range parts {
		looked := Looked{Name: part.Name, Findings: []Finding{}}
		found, err := part.Look(ctx)
		if err != nil {
			looked.err, looked.Error = err, err.Error()
		} else {
			looked.Findings = append(looked.Findings, found...)
		}
		r.Parts = append(r.Parts, looked)
	}
	return r
}

// Err is the failure that the report stands for: drift if anything was found,
// else what kept a part from being asked, else nil.
func (r Report) Err() error {
	found := 0
	var unknown error
	for _, part := range r.Parts {
		found += len(part.Findings)
		if part.err != nil && unknown == nil {
			unknown = fmt.Errorf("the %s could not be asked: %w", part.Name, part.err)
		}
	}
	if found == 0 {
		return unknown
	}
	noun := "things differ"
	if found == 1 {
		noun = "thing differs"
	}
	return &fail.Error{
		Cause: fail.Drift, Op: "look for drift of stack " + r.Stack, Err: fmt.Errorf("%d %s from what the stack made", found, noun),
		Next: "find out who changed it, and why\nkraftstack refresh and up take back what differs in the cloud; docs/runbook.md has the rest",
	}
}

// WriteText writes the report for a terminal or a log.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "stack %s\n", r.Stack)
	for _, part := range r.Parts {
		switch {
		case part.Error != "":
			fmt.Fprintf(&b, "%s: not known: %s\n", part.Name, part.Error)
		case len(part.Findings) == 0:
			fmt.Fprintf(&b, "%s: as the stack made it\n", part.Name)
		default:
			fmt.Fprintf(&b, "%s: %d findings\n", part.Name, len(part.Findings))
		}
		for _, f := range part.Findings {
			fmt.Fprintf(&b, "  %s: %s\n", f.Place, f.What)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
