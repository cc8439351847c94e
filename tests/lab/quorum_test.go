//go:build long

package lab_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// quorumStory is a cluster with controllers of their own, under the counting pair.
type quorumStory struct {
	story
	stack string
	load  *pair
}

// voters are what the cluster says, if it answers.
func (q *quorumStory) voters(t *testing.T) (ids []int32) {
	t.Helper()
	for _, voter := range q.view(t, q.stack).Quorum.Voters {
		ids = append(ids, voter.ID)
	}
	return ids
}

func (q *quorumStory) expectVoters(t *testing.T, want ...int32) {
	t.Helper()
	if got := q.voters(t); !slices.Equal(got, want) {
		t.Errorf("the voters are %v, want %v", got, want)
	}
	nothing(t, "up after it", q.up(t, q.stack))
}

// killedDuring kills an up while kafka-node changes the quorum on a host, and runs it
// again.
func (q *quorumStory) killedDuring(t *testing.T, host string) {
	t.Helper()
	calls := func() string {
		return strings.TrimSpace(q.run(t, "ssh", host, "--stack", q.stack, "--",
			"sudo journalctl -q -t sudo --no-pager | grep -c 'COMMAND=.*[k]afka-node quorum' || true").stdout)
	}
	before := calls()
	p := q.start(t, "up", "--stack", q.stack)
	eventually(t, "the quorum changes", 5*time.Minute, func() (bool, string) {
		now, told := calls(), p.stderr.String()
		// A host that is new to the stack cannot be asked before up has ended.
		return now > before && now != "0" || strings.Contains(told, "waiting for the voters"), told
	})
	killTree(t, p)
	_ = p.cmd.Wait()
	q.must(t, "unlock", "--stack", q.stack)
	q.up(t, q.stack)
}

// TestQuorumMoves: brokers become voters by a restart, and give the quorum to
// controllers of their own, which do not give it back.
func TestQuorumMoves(t *testing.T) {
	q := &quorumStory{story: shared, stack: "moves"}
	file := func(controllers string) { q.stackFile(t, q.stack, "    mode: combined\n    count: 3\n", controllers) }
	const apart = "    mode: dedicated\n    from: combined\n    count: 3\n    instanceType: t3.small\n    volume:\n      sizeGiB: 1\n"
	file("    mode: combined\n    count: 1\n")
	t.Cleanup(func() { q.must(t, "destroy", "--stack", q.stack, "--yes") })
	q.up(t, q.stack)
	// A broker that stops without a controller holds its partitions for 45 s.
	q.load = q.count(t, q.stack, "moved", "--delivery-timeout", "5m", "--max-gap", "20s")
	t.Run("brokers become voters", func(t *testing.T) {
		file("    mode: combined\n    count: 3\n")
		q.load.during(t, "one voter becomes three", func() { q.up(t, q.stack) })
		q.expectVoters(t, 1001, 1002, 1003)
	})
	t.Run("from combined to dedicated, with the driver killed", func(t *testing.T) {
		file(strings.Replace(apart, "    from: combined\n", "", 1))
		q.refused(t, 3, []string{"controllers.mode was combined", "write from: combined"}, "preview", "--stack", q.stack)
		file(apart)
		q.load.during(t, "combined becomes dedicated", func() { q.killedDuring(t, "controller-1") })
		q.expectVoters(t, 1, 2, 3)
		for _, host := range three {
			if roles := q.ssh(t, q.stack, host, "sudo grep ^process.roles= /etc/kafka/server.properties"); strings.TrimSpace(roles) != "process.roles=broker" {
				t.Errorf("%s has %s", host, roles)
			}
		}
	})
	t.Run("and not back", func(t *testing.T) {
		file("    mode: combined\n    count: 3\n")
		q.refused(t, 3, []string{"controllers.mode was dedicated", "write mode: dedicated again"}, "preview", "--stack", q.stack)
		file(strings.Replace(apart, "    from: combined\n", "", 1))
		running := q.processes(t, q.stack)
		q.up(t, q.stack)
		if diff := cmp.Diff(running, q.processes(t, q.stack)); diff != "" {
			t.Errorf("Kafka was restarted: %s", diff)
		}
	})
	q.load.holds(t)
}
