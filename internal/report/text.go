package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// signs mark an operation at the start of a line, as Pulumi does.
var signs = map[string]string{"create": "+", "update": "~", "replace": "±", "delete": "-"}

// WriteText writes the report for a terminal or a log: one line that says it
// all, what to fear, then component by component.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	if len(r.Changes) == 0 {
		fmt.Fprintf(&b, "stack %s: no changes, %d resources as they should be\n", r.Stack, r.Unchanged)
		_, err := io.WriteString(w, b.String())
		return err
	}
	fmt.Fprintf(&b, "stack %s: %s, %d unchanged\n", r.Stack, r.counts(), r.Unchanged)
	for _, loss := range r.Losses {
		fmt.Fprintf(&b, "  ! %s\n", loss)
	}
	if len(r.Restarts) > 0 {
		fmt.Fprintf(&b, "  Kafka restarts, one after another: %s\n", strings.Join(r.Restarts, ", "))
	} else {
		b.WriteString("  no Kafka restarts\n")
	}
	for _, component := range r.components() {
		fmt.Fprintf(&b, "\n%s\n", component)
		for _, change := range r.Changes {
			if change.Component == component {
				change.write(&b)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Report) counts() string {
	var parts []string
	for _, op := range []string{"create", "update", "replace", "delete"} {
		n := 0
		for _, change := range r.Changes {
			if change.Op == op {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, op))
		}
	}
	return strings.Join(parts, ", ")
}

// components are the changed ones, in the order of the graph.
func (r Report) components() []string {
	var names []string
	for _, change := range r.Changes {
		if !slices.Contains(names, change.Component) {
			names = append(names, change.Component)
		}
	}
	return names
}

func (c Change) write(b *strings.Builder) {
	what := c.Step
	if what == "" {
		what = c.Type
	}
	line := fmt.Sprintf("  %s %s", signs[c.Op], what)
	if len(c.Keys) > 0 && c.Op != "create" && c.Op != "delete" {
		line += "  (" + strings.Join(c.Keys, ", ") + ")"
	}
	b.WriteString(line + "\n")
	for _, text := range c.Texts {
		for diffLine := range strings.Lines(text.Diff) {
			b.WriteString("      " + strings.TrimRight(diffLine, "\n") + "\n")
		}
	}
}

// Summary is what a run did, in one line; for a refresh, what it found.
func (r Report) Summary(verb string) string {
	if verb == "refresh" {
		return r.found()
	}
	if len(r.Changes) == 0 {
		return fmt.Sprintf("%s: stack %s is as it should be, nothing was changed", verb, r.Stack)
	}
	done := strings.NewReplacer(" to create", " created", " to update", " updated",
		" to replace", " replaced", " to delete", " deleted").Replace(r.counts())
	return fmt.Sprintf("%s: stack %s: %s, %d unchanged", verb, r.Stack, done, r.Unchanged)
}

// found is what a refresh found to differ between the cloud and the state.
func (r Report) found() string {
	if len(r.Changes) == 0 {
		return fmt.Sprintf("refresh: stack %s: the cloud is as the state says", r.Stack)
	}
	words := map[string]string{"delete": "gone", "update": "changed"}
	var lines []string
	for _, change := range r.Changes {
		line := fmt.Sprintf("  %s %s", change.Component, change.Step)
		if word, ok := words[change.Op]; ok {
			line += " is " + word
		} else {
			line += ": " + change.Op
		}
		lines = append(lines, line)
	}
	return fmt.Sprintf("refresh: stack %s: the state has taken over what differs in the cloud\n%s\nnext: kraftstack preview --stack %s shows what up would do about it",
		r.Stack, strings.Join(lines, "\n"), r.Stack)
}
