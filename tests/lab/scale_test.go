package lab_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kraftstack/internal/report"
)

// TestScale lets a broker join and leave under load. Every record that was
// acknowledged is there at the end, and no produce failed.
func TestScale(t *testing.T) {
	s := shared
	const stack = "scale"
	s.stackFile(t, stack)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	load := s.count(t, stack, "scaled")
	t.Run("out, with the driver killed while partitions move", func(t *testing.T) { scaleOut(t, s, stack, load) })
	t.Run("in is refused where the rest cannot hold the replicas", func(t *testing.T) { scaleInRefused(t, s, stack) })
	t.Run("in", func(t *testing.T) { scaleIn(t, s, stack, load) })
	load.holds(t)
	s.view(t, stack)
}

// brokers writes the stack file with another number of brokers.
func (s story) brokers(t *testing.T, stack, count string, more ...string) {
	t.Helper()
	s.stackFile(t, stack, append([]string{"count: 3\n    instanceType", "count: " + count + "\n    instanceType"}, more...)...)
}

// topics runs kafka-topics.sh on the bastion.
func (s story) topics(t *testing.T, stack, arguments string) string {
	t.Helper()
	return s.ssh(t, stack, "bastion", "sudo /opt/kafka/current/bin/kafka-topics.sh --command-config /etc/kafka/client.properties "+
		"--bootstrap-server broker-1002."+stack+".kafka.internal:9092 "+arguments)
}

func scaleOut(t *testing.T, s story, stack string, load *pair) {
	s.topics(t, stack, "--create --topic big --partitions 6 --replication-factor 3")
	s.ssh(t, stack, "bastion", "seq -f %01000.0f 1 40000 | sudo /opt/kafka/current/bin/kafka-console-producer.sh "+
		"--command-config /etc/kafka/client.properties --bootstrap-server broker-1002."+stack+".kafka.internal:9092 --topic big --command-property acks=all")
	s.brokers(t, stack, "4", "    heap: 384m\n", "    heap: 384m\n  kraftstack:rebalance:\n    throttleMiB: 1\n")
	changes := s.preview(t, stack).Changes
	if !slices.ContainsFunc(changes, func(c report.Change) bool { return c.Step == "rebalance" }) {
		t.Errorf("the preview does not tell that partitions move: %+v", changes)
	}
	load.during(t, "a scale-out whose driver is killed", func() {
		p := s.start(t, "up", "--stack", stack)
		eventually(t, "partitions move", 4*time.Minute, func() (bool, string) {
			r := s.run(t, "ssh", "broker-1001", "--stack", stack, "--", "pgrep -f '[k]afka-node rebalance' || true")
			return strings.TrimSpace(r.stdout) != "", r.stderr
		})
		for _, pid := range append(children(p.cmd.Process.Pid), p.cmd.Process.Pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // some end with their parent
		}
		_ = p.cmd.Wait()
		s.must(t, "unlock", "--stack", stack)
	})
	s.brokers(t, stack, "4")
	load.during(t, "the scale-out that goes on", func() { s.up(t, stack) })
	// broker-1004 is in the zone of broker-1001, and may have half of what that had.
	if held := strings.Count(s.topics(t, stack, "--describe --topic big"), "1004"); held < 3 {
		t.Errorf("broker-1004 is named %d times in topic big, of which it should hold 3 partitions", held)
	}
	limits := s.ssh(t, stack, "bastion", "sudo /opt/kafka/current/bin/kafka-configs.sh --command-config /etc/kafka/client.properties "+
		"--bootstrap-server broker-1002."+stack+".kafka.internal:9092 --describe --entity-type topics --entity-name big")
	if strings.Contains(limits, "throttled") {
		t.Errorf("the limits of the move are still in force:\n%s", limits)
	}
	s.view(t, stack)
	nothing(t, "up after it", s.up(t, stack))
}

func scaleInRefused(t *testing.T, s story, stack string) {
	s.topics(t, stack, "--create --topic wide --partitions 1 --replication-factor 4")
	before := s.instances(t, stack)
	s.brokers(t, stack, "3")
	s.refused(t, 10, []string{"step: admit", "wide-0 has 4 replicas, and 3 brokers stay", "next:"}, "up", "--stack", stack)
	if after := s.instances(t, stack); len(after) != len(before) {
		t.Errorf("the hosts are %v, and were %v", after, before)
	}
	s.topics(t, stack, "--delete --topic wide")
}

func scaleIn(t *testing.T, s story, stack string, load *pair) {
	s.brokers(t, stack, "3")
	load.during(t, "a scale-in", func() { s.up(t, stack) })
	if described := s.topics(t, stack, "--describe"); strings.Contains(described, "1004") {
		t.Errorf("partitions are still on broker 1004:\n%s", described)
	}
	if v := s.view(t, stack); len(v.Brokers) != 3 {
		t.Errorf("the cluster has brokers %+v", v.Brokers)
	}
	if _, there := s.instances(t, stack)["broker-1004"]; there {
		t.Error("broker-1004 still has an instance")
	}
	nothing(t, "up after it", s.up(t, stack))
}
