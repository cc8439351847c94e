package report

import (
	"fmt"
	"strings"
)

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
