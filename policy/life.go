package policy

import (
	"fmt"

	"kraftstack/internal/report"
)

// lifeRules are about what a change takes away.
func lifeRules() []Rule {
	return []Rule{
		{
			ID: "volume-replaced", Severity: report.Block,
			Text: "No data volume is replaced by an empty one: the node's replicas would have to come from others, if there are any.",
			check: func(s *subject) []hit {
				return volumesThat(s, "replace", "its data volume is replaced by an empty one")
			},
		},
		{
			ID: "volume-deleted", Severity: report.Warn, Production: report.Block,
			Text:  "A data volume is deleted on purpose alone, and in production with a waiver for it.",
			check: func(s *subject) []hit { return volumesThat(s, "delete", "its data volume is deleted") },
		},
		{
			ID: "protection-removed", Severity: report.Warn, Production: report.Block,
			Text:  "What is protected against deletion stays so.",
			check: unprotected,
		},
		{
			ID: "voters-together", Severity: report.Block,
			Text:  "One run takes away the hosts of fewer voters than make a majority.",
			check: votersTogether,
		},
	}
}

func volumesThat(s *subject, op, message string) []hit {
	return each(s.all, func(r report.Resource) []string {
		return only(r.Type == typeVolume && r.Op == op && isNode(r), message)
	})
}

func unprotected(s *subject) []hit {
	return each(s.all, func(r report.Resource) []string { return only(r.Unprotected, "its protection is taken away") })
}

func votersTogether(s *subject) []hit {
	voters, down := report.VotersDown(s.all)
	if voters > 0 && len(down) > (voters-1)/2 {
		return []hit{{"quorum", fmt.Sprintf("the hosts of %d of %d voters are stopped or replaced in one run", len(down), voters)}}
	}
	return nil
}
