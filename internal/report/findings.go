package report

import (
	"cmp"
	"slices"
)

// foundOn is one finding with every resource that it is about.
type foundOn struct {
	Finding
	on []string
}

// groupFindings puts equal findings on many resources together: what refuses
// comes first, what is waived last.
func groupFindings(findings []Finding) []foundOn {
	var groups []foundOn
	for _, f := range findings {
		resource := f.Resource
		f.Resource = ""
		i := slices.IndexFunc(groups, func(g foundOn) bool { return g.Finding == f })
		if i < 0 {
			groups = append(groups, foundOn{Finding: f})
			i = len(groups) - 1
		}
		if resource != "" {
			groups[i].on = append(groups[i].on, resource)
		}
	}
	slices.SortStableFunc(groups, func(a, b foundOn) int {
		return cmp.Or(cmp.Compare(findingRank(a.Finding), findingRank(b.Finding)), cmp.Compare(a.Rule, b.Rule))
	})
	return groups
}

func findingRank(f Finding) int {
	switch {
	case f.Waived != "":
		return 2
	case f.Severity == Block:
		return 0
	}
	return 1
}

func (f foundOn) message() string {
	if len(f.on) == 0 {
		return f.Message
	}
	return nameList(f.on) + ": " + f.Message
}

// word is what becomes of the finding.
func (f foundOn) word() string {
	return [...]string{"refused", "warning", "waived"}[findingRank(f.Finding)]
}
