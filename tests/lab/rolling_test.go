package lab_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRolling rolls a cluster under load, and where the gate refuses it. Every
// record that was acknowledged is there at the end, and no produce failed.
func TestRolling(t *testing.T) {
	s := shared
	const stack = "rolling"
	s.stackFile(t, stack)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	load := s.count(t, stack, "rolling")
	t.Run("a roll", func(t *testing.T) { rollUnderLoad(t, s, stack, load) })
	t.Run("the gate refuses", func(t *testing.T) { gateRefuses(t, s, stack, load) })
	t.Run("a disk lost", func(t *testing.T) {
		diskLost(t, s, stack, load, func(hosts string) { s.stackFile(t, stack, "    heap: 384m\n", gated+hosts) })
	})
	load.holds(t)
	s.view(t, stack)
}

// gated is a roll whose gate does not wait for long.
const gated = "    heap: 386m\n  kraftstack:rolling:\n    gateTimeoutSeconds: 5\n"

func rollUnderLoad(t *testing.T, s story, stack string, load *pair) {
	s.ssh(t, stack, "broker-1001", "sudo systemctl start kafka-classes || { sudo journalctl -u kafka-classes -o cat --no-pager >&2; exit 1; }")
	before := s.processes(t, stack)
	leader := s.view(t, stack).Quorum.Leader
	s.stackFile(t, stack, "    heap: 384m\n", "    heap: 388m\n")
	load.during(t, "a roll", func() { s.up(t, stack) })
	after := s.processes(t, stack)
	last := ""
	for _, host := range three {
		if after[host] == before[host] {
			t.Errorf("%s was not restarted", host)
		}
		if last == "" || len(after[host].Started) > len(after[last].Started) || after[host].Started > after[last].Started {
			last = host
		}
	}
	if want := fmt.Sprintf("broker-%d", leader); last != want {
		t.Errorf("the quorum's leader, %s, was not restarted last, but %s", want, last)
	}
	// A JVM that finds fault with an archive goes on without it, and says nothing.
	s.ssh(t, stack, "broker-1001", "sudo grep -q /var/cache/kafka/ /proc/$(systemctl show --value -p MainPID kafka)/maps")
}

// gateRefuses: with one broker silent, none may be restarted. up says which
// partitions stand against it, restarts nothing, and goes on when the broker is
// back.
func gateRefuses(t *testing.T, s story, stack string, load *pair) {
	before := s.processes(t, stack)
	s.stackFile(t, stack, "    heap: 384m\n", gated)
	load.during(t, "a broker silent and a roll refused", func() {
		s.withSilent(t, stack, "broker-1003", func() {
			s.refused(t, 10, []string{"step: roll", "was not restarted", "min.insync.replicas 2", "rolling-", "next:"}, "up", "--stack", stack)
		})
	})
	if diff := cmp.Diff(before, s.processes(t, stack)); diff != "" {
		t.Errorf("Kafka was restarted: %s", diff)
	}
	load.during(t, "the roll that goes on", func() {
		eventually(t, "up goes on", 3*time.Minute, func() (bool, string) {
			r := s.run(t, "up", "--stack", stack)
			return r.code == 0, r.stderr
		})
	})
	for host, process := range s.processes(t, stack) {
		if process == before[host] {
			t.Errorf("%s was not restarted in the end", host)
		}
	}
	nothing(t, "up after it", s.up(t, stack))
}
