// Package report makes a preview readable: one model of what would change,
// built from the engine's events, and its renderings. It leads with what a
// reviewer fears: hosts and disks that go, brokers that restart.
package report

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/rogpeppe/go-internal/diff"

	"kraftstack/internal/automation"
)

// Report is what one preview, or one run, would do or did.
type Report struct {
	Stack     string   `json:"stack"`
	Changes   []Change `json:"changes"`
	Unchanged int      `json:"unchanged"`
	// Restarts are the nodes whose Kafka restarts, in the order in which they
	// do, one after another.
	Restarts []string `json:"restarts"`
	// Losses are the hosts and disks that are deleted or replaced.
	Losses []string `json:"losses"`
	// Hosts are what the run was narrowed to; none is the whole stack. LeftOut
	// are the changes that the stack needs and the run does not make.
	Hosts   []string `json:"hosts,omitempty"`
	LeftOut []Change `json:"leftOut,omitempty"`
}

// Change is one resource that does not stay as it is.
type Change struct {
	Op        string     `json:"op"` // create, update, replace or delete
	Component string     `json:"component"`
	Step      string     `json:"step"`
	Type      string     `json:"type"`
	Keys      []string   `json:"keys,omitempty"`  // the properties that differ
	Texts     []TextDiff `json:"texts,omitempty"` // what differs in texts of several lines
}

// TextDiff is a unified diff of one property.
type TextDiff struct {
	Property string `json:"property"`
	Diff     string `json:"diff"`
}

// Collector builds a Report from events.
type Collector struct {
	report Report
	seen   map[string]int // URN to index in Changes
	// reading has the resources that a refresh reads, by URN.
	reading map[string]bool
}

// NewCollector begins a report on a stack.
func NewCollector(stack string) *Collector {
	return &Collector{
		report: Report{Stack: stack, Changes: []Change{}, Restarts: []string{}, Losses: []string{}},
		seen:   map[string]int{}, reading: map[string]bool{},
	}
}

// Watch is an automation.Watcher.
func (c *Collector) Watch(event apitype.EngineEvent) {
	switch {
	case event.ResourcePreEvent != nil:
		c.add(event.ResourcePreEvent.Metadata)
		c.reading[event.ResourcePreEvent.Metadata.URN] = event.ResourcePreEvent.Metadata.Op == apitype.OpRefresh
	case event.ResOutputsEvent != nil && c.reading[event.ResOutputsEvent.Metadata.URN]:
		// What a refresh found is known only after it has read.
		c.add(event.ResOutputsEvent.Metadata)
	}
}

func (c *Collector) add(m apitype.StepEventMetadata) {
	place, ok := automation.PlaceOf(m)
	if !ok {
		return
	}
	op := opName(m.Op)
	if op == "" {
		if m.Op == apitype.OpSame && !place.IsComponent() {
			c.report.Unchanged++
		}
		return
	}
	change := Change{
		Op: op, Component: place.Component, Step: place.Step, Type: place.Type,
		Keys: changedKeys(m), Texts: textDiffs(m),
	}
	if i, again := c.seen[m.URN]; again {
		// A replacement is told in several events: one row, and the worst word.
		row := &c.report.Changes[i]
		if row.Op != op {
			row.Op = "replace"
		}
		// The deletion that comes first does not know why.
		if len(row.Keys) == 0 {
			row.Keys, row.Texts = change.Keys, change.Texts
		}
		return
	}
	c.seen[m.URN] = len(c.report.Changes)
	c.report.Changes = append(c.report.Changes, change)
}

// Report is what was collected so far.
func (c *Collector) Report() Report {
	r := c.report
	for _, change := range r.Changes {
		if change.restarts() {
			r.Restarts = append(r.Restarts, change.Component)
		}
		if change.loses() {
			r.Losses = append(r.Losses, change.Op+" "+change.Component+" "+change.Step)
		}
	}
	return r
}

// restarts says whether a running Kafka restarts: where the roll's command line,
// which names the wanted generation, changes. A new way to reach the host alone
// restarts nothing.
func (c Change) restarts() bool {
	return c.Step == "roll" && c.Op == "update" && (len(c.Keys) == 0 || slices.Contains(c.Keys, "create"))
}

// Born says whether a cluster was made that was not there: its quorum stood for
// the first time.
func (r Report) Born() bool {
	return slices.ContainsFunc(r.Changes, func(c Change) bool {
		return c.Op == "create" && c.Component == "quorum" && c.Step == "stands"
	})
}

func (c Change) loses() bool {
	stateful := []string{"aws:ec2/instance:Instance", "aws:ebs/volume:Volume"}
	return (c.Op == "delete" || c.Op == "replace") && slices.Contains(stateful, c.Type)
}

// opName is an operation in a reviewer's words; "" for what changes nothing.
func opName(op apitype.OpType) string {
	switch op {
	case apitype.OpCreate:
		return "create"
	case apitype.OpUpdate:
		return "update"
	case apitype.OpReplace, apitype.OpCreateReplacement, apitype.OpDeleteReplaced:
		return "replace"
	case apitype.OpDelete:
		return "delete"
	default:
		return ""
	}
}

func changedKeys(m apitype.StepEventMetadata) []string {
	var keys []string
	for key := range m.DetailedDiff {
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		keys = slices.Clone(m.Diffs)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// hidden is what the engine puts in the place of a secret before it sends an
// event.
const hidden = "[secret]"

// textDiffs shows what differs in texts of several lines. A text that is secret
// on one side is shown on neither.
func textDiffs(m apitype.StepEventMetadata) []TextDiff {
	if m.Old == nil || m.New == nil {
		return nil
	}
	var texts []TextDiff
	for _, key := range changedKeys(m) {
		old, _ := m.Old.Inputs[key].(string)
		wanted, _ := m.New.Inputs[key].(string)
		if old == wanted || old == hidden || wanted == hidden || !strings.Contains(old+wanted, "\n") {
			continue
		}
		texts = append(texts, TextDiff{Property: key, Diff: unified(old, wanted)})
	}
	return texts
}

// unified drops the header of a diff: the names in it are of no file.
func unified(old, wanted string) string {
	text := string(diff.Diff("old", []byte(old), "new", []byte(wanted)))
	if at := strings.Index(text, "\n@@"); at >= 0 {
		return text[at+1:]
	}
	return text
}
