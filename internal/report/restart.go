package report

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// restart is one node whose Kafka restarts. Nodes with the same batch do so
// together: "" is a node by itself.
type restart struct{ node, batch string }

// restarts says whether the roll of a node restarts a Kafka that runs: where the
// generation in its command line changes, or where it runs again because the
// host was changed by hand (its environment is what says so). A new way to reach
// the host, or another order, restarts nothing; and a new host has nothing to
// restart.
func restarts(m apitype.StepEventMetadata) bool {
	return m.Op == apitype.OpUpdate &&
		(rollFlag(m.Old, "generation") != rollFlag(m.New, "generation") || slices.Contains(changedKeys(m), "environment"))
}

func restartOf(m apitype.StepEventMetadata, node string) restart {
	return restart{node: node, batch: rollFlag(m.New, "together")}
}

func rollFlag(state *apitype.StepEventStateMetadata, name string) string {
	if state == nil {
		return ""
	}
	call, _ := state.Inputs["create"].(string)
	return callFlags(call)[name]
}

// waves is how many restarts follow each other.
func waves(all []restart) int {
	n, batches := 0, map[string]bool{}
	for _, r := range all {
		if r.batch == "" {
			n++
		} else {
			batches[r.batch] = true
		}
	}
	return n + len(batches)
}

func (f *finder) restarts(nodes []string, waves int) {
	order := "one node after another, the quorum's leader last of the voters"
	if waves < len(nodes) {
		order = fmt.Sprintf("in %d waves, one after another", waves)
	}
	for _, node := range nodes {
		f.add(Note, riskRestart, "Kafka restarts, "+order+"; "+Estimate(waves), node)
	}
}

// restartSeconds is what a restart of one node is reckoned at: orderly stop,
// start, and replicas in sync again. Lab hosts take less; a broker that holds
// much data takes more. restartLimit is what `kafka-node roll` takes at most:
// two minutes for the cluster to agree, ten to serve again.
const (
	restartSeconds = 30
	restartLimit   = 720
)

// Estimate says how long some restarts may take, one after another. It is no
// measurement, so it is the same each time.
func Estimate(restarts int) string {
	return fmt.Sprintf("about %s, an estimate of %d s each (at most %s, after which a roll fails)",
		roundTime(restarts*restartSeconds), restartSeconds, roundTime(restarts*restartLimit))
}

// roundTime writes seconds as people say them.
func roundTime(seconds int) string {
	switch {
	case seconds < 120:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 2*3600:
		return fmt.Sprintf("%d min", (seconds+59)/60)
	}
	return fmt.Sprintf("%d h", (seconds+3599)/3600)
}
