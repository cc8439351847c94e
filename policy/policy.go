// Package policy judges what a change would leave behind: rules with ids and
// severities over the same model that a report is made from, and waivers of
// them in the stack file. It looks at every resource that the stack would have,
// changed or not, so a stack cannot slip into what a rule forbids.
package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"kraftstack/config"
	"kraftstack/internal/report"
)

// Rule is one thing that a stack should not be.
type Rule struct {
	ID string
	// Severity is report.Block or report.Warn. Production is the severity in a
	// production stack, where it differs.
	Severity   string
	Production string
	// Text says what the rule wants, and why.
	Text string

	check func(*subject) []hit
}

// hit is one place where a rule is broken.
type hit struct {
	resource string // "" is the stack
	message  string
}

// Rules are the shipped rules, by id.
func Rules() []Rule {
	all := slices.Concat(hostRules(), networkRules(), kafkaRules(), lifeRules())
	slices.SortFunc(all, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// In is the rule's severity in a stack.
func (r Rule) In(stack config.Stack) string {
	if stack.Policy.Production && r.Production != "" {
		return r.Production
	}
	return r.Severity
}

// Judge says which rules the stack would break. Waivers take the edge off what
// they are for; those that are over, name no rule or waive nothing are refused
// by CheckWaivers before.
func Judge(stack config.Stack, resources []report.Resource) []report.Finding {
	findings := []report.Finding{}
	s := newSubject(stack, resources)
	for _, rule := range Rules() {
		severity := rule.In(stack)
		if severity == "" {
			continue
		}
		for _, h := range rule.check(s) {
			finding := report.Finding{Rule: rule.ID, Severity: severity, Resource: h.resource, Message: h.message}
			if w := waiverOf(stack, finding); w != nil {
				finding.Waived = fmt.Sprintf("until %s: %s", w.Until, w.Reason)
			}
			findings = append(findings, finding)
		}
	}
	return findings
}

func waiverOf(stack config.Stack, f report.Finding) *config.Waiver {
	for i, w := range stack.Policy.Waivers {
		if w.Rule == f.Rule && (w.Resource == "" || w.Resource == f.Resource) {
			return &stack.Policy.Waivers[i]
		}
	}
	return nil
}

// longestWaiver is how far ahead a waiver may end: one that nobody looks at
// again is a rule that is gone.
const longestWaiver = 366 * 24 * time.Hour

// CheckWaivers refuses waivers that are over, that never end, or that are for a
// rule that there is not. It lists every problem.
func CheckWaivers(stack config.Stack, now time.Time) error {
	var wrong []string
	for i, w := range stack.Policy.Waivers {
		key := fmt.Sprintf("kraftstack:policy.waivers[%d]", i)
		if !slices.ContainsFunc(Rules(), func(r Rule) bool { return r.ID == w.Rule }) {
			wrong = append(wrong, fmt.Sprintf("%s.rule = %q: there is no such rule; docs/policies.md lists them", key, w.Rule))
		}
		// The form was checked with the stack file. The last day counts whole,
		// wherever on earth it is.
		until, err := time.Parse(time.DateOnly, w.Until)
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("%s.until = %q: is no date", key, w.Until))
		case now.After(until.Add(36 * time.Hour)):
			wrong = append(wrong, fmt.Sprintf("%s.until = %q: is over; mend what %s finds, or agree on another date", key, w.Until, w.Rule))
		case until.Sub(now) > longestWaiver:
			wrong = append(wrong, fmt.Sprintf("%s.until = %q: is more than a year ahead; write a nearer date", key, w.Until))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("waivers of stack %q:\n  %s", stack.Name, strings.Join(wrong, "\n  "))
}
