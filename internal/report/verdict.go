package report

import (
	"fmt"
	"slices"
	"strings"
)

// Verdict is what a report comes to.
type Verdict string

// The verdicts.
const (
	Unchanged Verdict = "no changes"
	Routine   Verdict = "routine"        // nothing to fear was found
	Careful   Verdict = "look closely"   // something to agree to
	Dangerous Verdict = "dangerous"      // data, quorum or safety may be lost
	Refused   Verdict = "refused"        // a policy forbids it
	Failed    Verdict = "preview failed" // what is shown is incomplete
)

// judged is the report with verdict and headline from everything else in it.
func (r Report) judged() Report {
	levels := map[Level][]string{}
	for _, risk := range r.Risks {
		levels[risk.Level] = append(levels[risk.Level], risk.brief())
	}
	var broken []string
	for _, f := range r.Policies {
		if f.Blocks() && !slices.Contains(broken, f.Rule) {
			broken = append(broken, f.Rule)
		}
	}
	failed := slices.ContainsFunc(r.Diagnostics, func(d Diagnostic) bool { return d.Severity == "error" })
	switch {
	case failed:
		r.Verdict, r.Headline = Failed, "what is shown may be incomplete; the diagnostics say why"
	case len(broken) > 0 && len(r.Changes) > 0:
		r.Verdict, r.Headline = Refused, "policy forbids: "+strings.Join(broken, ", ")
	case len(r.Changes) == 0:
		r.Verdict, r.Headline = Unchanged, fmt.Sprintf("%d resources as they should be", r.Unchanged)
	case len(levels[Danger]) > 0:
		r.Verdict, r.Headline = Dangerous, sentence(levels[Danger])
	case len(levels[Review]) > 0:
		r.Verdict, r.Headline = Careful, sentence(levels[Review])
	case len(r.Restarts) > 0:
		r.Verdict, r.Headline = Routine, plural(len(r.Restarts), "node restarts", "nodes restart")+" Kafka, one after another"
	default:
		r.Verdict, r.Headline = Routine, "no host, disk or rule is at risk, and no Kafka restarts"
	}
	if r.Born() {
		r.Headline = "a new cluster; " + r.Headline
	}
	return r
}

// undisturbed says whether every Kafka that runs goes on running.
func (r Report) undisturbed() bool {
	return len(r.Changes) > 0 && len(r.Restarts) == 0 && !r.Born() && !slices.ContainsFunc(r.Risks, func(risk Risk) bool {
		return slices.Contains([]string{riskDisk, riskHost, riskStop, riskQuorum}, risk.Kind)
	})
}

// maxBriefs is how many risks a headline names.
const maxBriefs = 3

func sentence(briefs []string) string {
	if more := len(briefs) - maxBriefs; more > 0 {
		briefs = append(slices.Clone(briefs[:maxBriefs]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(briefs, "; ")
}

// counts are the operations in words: "3 to create, 1 to delete".
func (r Report) counts() string {
	var parts []string
	for _, c := range []struct {
		n    int
		verb string
	}{{r.Counts.Create, "create"}, {r.Counts.Update, "update"}, {r.Counts.Replace, "replace"}, {r.Counts.Delete, "delete"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", c.n, c.verb))
		}
	}
	return strings.Join(parts, ", ")
}
