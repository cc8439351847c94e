package policy

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"kraftstack/tests/golden"
)

// TestReference holds docs/policies.md to the rules.
func TestReference(t *testing.T) {
	var b strings.Builder
	b.WriteString(head)
	for _, r := range Rules() {
		severity := cmp.Or(r.Severity, "silent")
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.ID, severity, cmp.Or(r.Production, severity), r.Text)
	}
	b.WriteString(foot)
	golden.CompareFile(t, "../docs/policies.md", b.String())
}

const head = `# Policies

Rules that judge what a change would leave behind, every resource of the stack,
changed or not. ` + "`kraftstack preview`" + ` reports what they find. ` + "`kraftstack up`" + `
computes a preview before it changes anything; what a rule blocks is refused with
exit code 7. ` + "`destroy`" + ` is not judged: it asks for the stack's name.

That preview makes ` + "`up`" + ` take as long as one more ` + "`kraftstack preview`" + `
does. With ` + "`--plan`" + `, or on a terminal where it asks, ` + "`up`" + ` computes it anyway,
and the rules cost nothing.

This page is made from the rules in ` + "`policy/`" + ` (` + "`make golden`" + `).

| rule | severity | in production | what it wants |
|---|---|---|---|
`

const foot = `
**In production** is a stack named ` + "`prod`, `production` or `prod-…`" + `, or one that says
` + "`kraftstack:policy: {production: true}`" + `.

## Waivers

` + "```yaml" + `
kraftstack:policy:
  waivers:
    - rule: volume-deleted
      resource: broker-1004 data   # left out: wherever it is broken
      reason: The fourth broker goes; its partitions were moved.
      until: "2027-01-31"
` + "```" + `

A waiver has a reason and an end, at most a year ahead. What it covers is still in
every report, as waived. One that is over, or for a rule that there is not, is
refused with exit code 3 before anything starts.
`
