// Package report makes a preview readable: one model of what would change,
// built from the engine's events, and its renderings as text, Markdown and
// JSON. It leads with what a reviewer fears: disks and hosts that go, quorum
// members that are touched, brokers that restart, rules that open.
//
// A report of the same change is the same text, byte for byte: it holds no
// time, no duration and no order that the engine's scheduling decides. It
// holds no secret, and no difference between two secrets.
package report

import (
	"cmp"
	"slices"
)

// Report is what one preview, or one run, would do or did.
type Report struct {
	Stack   string  `json:"stack"`
	Verdict Verdict `json:"verdict"`
	// Headline says in one line why the verdict is what it is.
	Headline string `json:"headline"`
	Counts   Counts `json:"counts"`
	// Unchanged counts the resources that stay as they are, components aside.
	Unchanged int `json:"unchanged"`
	// Risks are what a reviewer fears, the worst first.
	Risks []Risk `json:"risks"`
	// Restarts are the nodes whose Kafka restarts, in the order in which they
	// do, one after another.
	Restarts []string `json:"restarts"`
	// Settings are the properties of Kafka that change on running hosts.
	Settings []Setting `json:"settings"`
	// Losses are the hosts and disks that are deleted or replaced.
	Losses  []string `json:"losses"`
	Changes []Change `json:"changes"`
	// Diffs are the texts that differ, the same difference on many hosts once.
	Diffs       []Diff       `json:"diffs"`
	Policies    []Finding    `json:"policies"`
	Diagnostics []Diagnostic `json:"diagnostics"`
	// Hosts are what the run was narrowed to; none is the whole stack. LeftOut
	// are the changes that the stack needs and the run does not make.
	Hosts   []string `json:"hosts,omitempty"`
	LeftOut []Change `json:"leftOut,omitempty"`
}

// Counts is how many resources, components included, each operation has.
type Counts struct {
	Create  int `json:"create"`
	Update  int `json:"update"`
	Replace int `json:"replace"`
	Delete  int `json:"delete"`
}

// Change is one resource that does not stay as it is.
type Change struct {
	Op        string   `json:"op"` // create, update, replace or delete
	Component string   `json:"component"`
	Step      string   `json:"step"`
	Type      string   `json:"type"`
	Keys      []string `json:"keys,omitempty"`   // the properties that differ
	Values    []Value  `json:"values,omitempty"` // how the short ones of them differ

	restarts bool // a Kafka that runs
}

// Value is how one property differs, as a person reads it.
type Value struct {
	Key string `json:"key"`
	Old string `json:"old"`
	New string `json:"new"`
}

// Diagnostic is what the engine or the program said beside its events.
type Diagnostic struct {
	Severity  string `json:"severity"` // error or warning
	Component string `json:"component,omitempty"`
	Step      string `json:"step,omitempty"`
	Message   string `json:"message"`
}

// Finding is what a policy says about a resource, or about the stack.
type Finding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"` // block or warn
	// Resource is "component step", or empty for the stack as a whole.
	Resource string `json:"resource,omitempty"`
	Message  string `json:"message"`
	// Waived is why the finding does not count, and until when; empty where
	// it does.
	Waived string `json:"waived,omitempty"`
}

// The severities of a Finding.
const (
	Block = "block" // up refuses it
	Warn  = "warn"  // up goes on
)

// Blocks says whether the finding refuses an up.
func (f Finding) Blocks() bool { return f.Severity == Block && f.Waived == "" }

// Refused says whether a policy refuses the change.
func (r Report) Refused() bool { return slices.ContainsFunc(r.Policies, Finding.Blocks) }

// Born says whether a cluster was made that was not there: its quorum stood for
// the first time.
func (r Report) Born() bool {
	return slices.ContainsFunc(r.Changes, func(c Change) bool {
		return c.Op == "create" && c.Component == "quorum" && c.Step == "stands"
	})
}

// WithPolicies is the report with what the policies found, which may change
// its verdict.
func (r Report) WithPolicies(findings []Finding) Report {
	r.Policies = slices.Clone(findings)
	if r.Policies == nil {
		r.Policies = []Finding{}
	}
	return r.judged()
}

// WithFailure is the report of a preview that ended with an error: what it
// shows may be incomplete. The text must hold no secret.
func (r Report) WithFailure(text string) Report {
	r.Diagnostics = slices.Clone(r.Diagnostics)
	if !slices.ContainsFunc(r.Diagnostics, func(d Diagnostic) bool { return d.Severity == "error" }) {
		r.Diagnostics = append(r.Diagnostics, Diagnostic{Severity: "error", Message: text})
	}
	return r.judged()
}

// place is where a change is, as one word or two.
func (c Change) place() string { return placeName(c.Component, c.Step) }

func placeName(component, step string) string {
	if step == "" {
		return component
	}
	return component + " " + step
}

func (c Change) compare(other Change) int {
	return cmp.Or(compareComponents(c.Component, other.Component), compareSteps(c.Step, other.Step), cmp.Compare(c.Type, other.Type))
}

func (c *Counts) add(op string) {
	switch op {
	case "create":
		c.Create++
	case "update":
		c.Update++
	case "replace":
		c.Replace++
	case "delete":
		c.Delete++
	}
}
