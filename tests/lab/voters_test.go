//go:build long

package lab_test

import (
	"fmt"
	"testing"
)

// TestQuorum changes the voters of a cluster: more, fewer, one with another disk.
// Every record that was acknowledged is there at the end, and no produce failed.
func TestQuorum(t *testing.T) {
	q := &quorumStory{story: shared, stack: "quorum"}
	q.write(t, 3, "")
	t.Cleanup(func() { q.must(t, "destroy", "--stack", q.stack, "--yes") })
	q.up(t, q.stack)
	q.load = q.count(t, q.stack, "voted", "--delivery-timeout", "5m")
	t.Run("a controller's disk is lost", q.controllerLost)
	t.Run("three become five, with the driver killed", q.grows)
	t.Run("five become three, with the driver killed", q.shrinks)
	q.load.holds(t)
}

// write writes the stack file.
func (q *quorumStory) write(t *testing.T, controllers int, more string) {
	t.Helper()
	q.stackFile(t, q.stack, "    mode: combined\n    count: 3\n",
		fmt.Sprintf("    mode: dedicated\n    count: %d\n    instanceType: t3.small\n    volume:\n      sizeGiB: 1\n%s", controllers, more))
}

const lostController = "  kraftstack:hosts:\n    lostDisks: {controller-2: 1}\n"

func (q *quorumStory) controllerLost(t *testing.T) {
	before := q.directory(t, q.stack, 2)
	q.load.during(t, "a controller's disk lost", func() {
		q.loseDisk(t, q.stack, "controller-2")
		q.refused(t, 8, []string{"controller-2", "step: configure", "is empty", "lostDisks: {controller-2: 1}"}, "up", "--stack", q.stack)
		q.write(t, 3, lostController)
		q.up(t, q.stack)
	})
	if after := q.directory(t, q.stack, 2); after == before {
		t.Errorf("the voter has directory %s still", after)
	}
	q.expectVoters(t, 1, 2, 3)
}

func (q *quorumStory) grows(t *testing.T) {
	running := q.processes(t, q.stack)
	q.write(t, 5, lostController)
	q.load.during(t, "three voters become five", func() { q.killedDuring(t, "controller-1") })
	q.expectVoters(t, 1, 2, 3, 4, 5)
	for host, process := range q.processes(t, q.stack) {
		if process != running[host] {
			t.Errorf("Kafka on %s was restarted", host)
		}
	}
}

func (q *quorumStory) shrinks(t *testing.T) {
	q.write(t, 3, lostController)
	q.load.during(t, "five voters become three", func() { q.killedDuring(t, "controller-1") })
	q.expectVoters(t, 1, 2, 3)
	if _, there := q.instances(t, q.stack)["controller-5"]; there {
		t.Error("controller-5 still has an instance")
	}
}
