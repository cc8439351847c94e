package report

import (
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/internal/automation"
)

// Resource is one resource as it would be after the change: what policies
// judge. Secrets and values that are not known yet are in none of the inputs'
// places: see IsSecret and IsUnknown.
type Resource struct {
	automation.Place
	Op      string         // create, update, replace, delete, or same
	Inputs  map[string]any // of a deleted one, the last
	Old     map[string]any // nil where there was none
	Protect bool
	// Unprotected says that a protection is taken away.
	Unprotected bool
}

// Collector builds a Report from events.
type Collector struct {
	stack       string
	changes     []Change
	seen        map[string]int // URN to index in changes
	same        map[string]bool
	texts       map[string][]text // by URN
	resources   map[string]Resource
	restarts    []restart // in the events' order, which is the chain's
	diagnostics []Diagnostic
	places      map[string]automation.Place
	known       map[string]string // long texts that many resources have alike
	// reading has the resources that a refresh reads, by URN.
	reading map[string]bool
}

// NewCollector begins a report on a stack.
func NewCollector(stack string) *Collector {
	return &Collector{
		stack: stack, seen: map[string]int{}, texts: map[string][]text{}, same: map[string]bool{}, resources: map[string]Resource{},
		places: map[string]automation.Place{}, reading: map[string]bool{}, known: map[string]string{},
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
	case event.DiagnosticEvent != nil:
		c.diagnose(*event.DiagnosticEvent)
	}
}

func (c *Collector) add(m apitype.StepEventMetadata) {
	place, ok := automation.PlaceOf(m)
	if !ok {
		return
	}
	c.places[m.URN] = place
	op := opName(m.Op)
	if op == "" && m.Op != apitype.OpSame {
		return
	}
	c.keep(m, place, op)
	if op == "" {
		if !place.IsComponent() {
			c.same[m.URN] = true
		}
		return
	}
	change := Change{Op: op, Component: place.Component, Step: place.Step, Type: place.Type, Keys: changedKeys(m)}
	change.restarts = change.Step == "roll" && restarts(m)
	if op == "update" || op == "replace" {
		change.Values = values(m, change.Keys)
		if len(c.texts[m.URN]) == 0 { // a replacement tells it twice
			c.texts[m.URN] = texts(m, place, change.Keys)
		}
	}
	if i, again := c.seen[m.URN]; again {
		// A replacement is told in several events: one row, and the worst word.
		row := &c.changes[i]
		if row.Op != op {
			row.Op = "replace"
		}
		// The deletion that comes first does not know why.
		if len(row.Keys) == 0 {
			row.Keys, row.Values = change.Keys, change.Values
		}
		return
	}
	c.seen[m.URN] = len(c.changes)
	c.changes = append(c.changes, change)
	if change.restarts {
		c.restarts = append(c.restarts, restartOf(m, change.Component))
	}
}

// keep notes a resource for the risks and the policies.
func (c *Collector) keep(m apitype.StepEventMetadata, place automation.Place, op string) {
	r := Resource{Place: place, Op: op}
	if op == "" {
		r.Op = "same"
	}
	if before, again := c.resources[m.URN]; again {
		r.Old = before.Old
		if before.Op != r.Op {
			r.Op = "replace"
		}
	}
	if m.Old != nil {
		r.Old, r.Inputs, r.Protect = m.Old.Inputs, m.Old.Inputs, m.Old.Protect
	}
	if m.New != nil {
		r.Inputs, r.Protect = m.New.Inputs, m.New.Protect
		r.Unprotected = m.Old != nil && m.Old.Protect && !m.New.Protect
	}
	c.share(r.Old)
	c.share(r.Inputs)
	c.resources[m.URN] = r
}

// longText is from how many bytes on a text is worth a look whether another
// resource has the same.
const longText = 1024

// share keeps a text once that many resources have, such as the toolkit that is
// copied to every host of a fleet.
func (c *Collector) share(inputs map[string]any) {
	for key, value := range inputs {
		text, ok := value.(string)
		if !ok || len(text) < longText {
			continue
		}
		first, known := c.known[text]
		if !known {
			c.known[text], first = text, text
		}
		inputs[key] = first
	}
}

// diagnose keeps what was said to people, once each.
func (c *Collector) diagnose(d apitype.DiagnosticEvent) {
	message := strings.TrimSpace(automation.Plain(d.Message))
	if d.Severity != "error" && d.Severity != "warning" || d.Ephemeral || message == "" {
		return
	}
	place := c.places[d.URN]
	said := Diagnostic{Severity: d.Severity, Component: place.Component, Step: place.Step, Message: printable(message)}
	if !slices.Contains(c.diagnostics, said) {
		c.diagnostics = append(c.diagnostics, said)
	}
}

// Resources are all that the stack would have, and those that it would lose,
// in the order of a report.
func (c *Collector) Resources() []Resource {
	all := make([]Resource, 0, len(c.resources))
	for _, r := range c.resources {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Resource) int {
		return Change{Component: a.Component, Step: a.Step, Type: a.Type}.compare(Change{Component: b.Component, Step: b.Step, Type: b.Type})
	})
	return all
}

// Report is what was collected so far.
func (c *Collector) Report() Report {
	r := Report{
		Stack: c.stack, Unchanged: len(c.same), Changes: append([]Change{}, c.changes...),
		Restarts: []string{}, Losses: []string{},
		Diffs: group(slices.Concat(slices.Collect(maps.Values(c.texts))...)), Policies: []Finding{}, Diagnostics: append([]Diagnostic{}, c.diagnostics...),
	}
	slices.SortStableFunc(r.Changes, Change.compare)
	slices.SortFunc(r.Diagnostics, func(a, b Diagnostic) int {
		return strings.Compare(a.Severity+a.Component+a.Step+a.Message, b.Severity+b.Component+b.Step+b.Message)
	})
	for _, change := range r.Changes {
		r.Counts.add(change.Op)
		if change.loses() {
			r.Losses = append(r.Losses, change.Op+" "+change.place())
		}
	}
	for _, restart := range c.restarts {
		r.Restarts = append(r.Restarts, restart.node)
	}
	resources := c.Resources()
	r.Settings = settings(resources, r.Restarts)
	r.Risks = risks(r, resources, waves(c.restarts))
	return r.judged()
}

// The types whose loss is the loss of a host, and of its data.
const (
	typeInstance = "aws:ec2/instance:Instance"
	typeVolume   = "aws:ebs/volume:Volume"
)

func (c Change) loses() bool {
	return (c.Op == "delete" || c.Op == "replace") && (c.Type == typeInstance || c.Type == typeVolume)
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
