package report

import (
	"fmt"
	"io"
	"strings"
)

// Without are the changes of all that are not among done, by their place.
func Without(all, done []Change) []Change {
	made := map[string]bool{}
	for _, c := range done {
		made[c.Component+" "+c.Step+" "+c.Type] = true
	}
	var left []Change
	for _, c := range all {
		if !made[c.Component+" "+c.Step+" "+c.Type] {
			left = append(left, c)
		}
	}
	return left
}

// WriteLeftOut says what a run that was narrowed to some hosts does not do.
func (r Report) WriteLeftOut(w io.Writer) error {
	if len(r.Hosts) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "only %s: ", strings.Join(r.Hosts, ", "))
	if len(r.LeftOut) == 0 {
		b.WriteString("nothing else was to do or was looked at\n")
	} else {
		fmt.Fprintf(&b, "%d changes that the stack needs are left out\n", len(r.LeftOut))
	}
	for _, c := range r.LeftOut {
		fmt.Fprintf(&b, "  %s\n", strings.Join(strings.Fields(c.Op+" "+c.Component+" "+c.Step), " "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
