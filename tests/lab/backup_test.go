package lab_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kraftstack/internal/backup"
)

// TestBackup loses what only a backup can bring back: the stack's state, then the
// metadata of all voters.
func TestBackup(t *testing.T) {
	s := shared
	const stack = "backup"
	s.stackFile(t, stack)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	toolsMoveRecords(t, s, stack)
	s.refused(t, 3, []string{"kraftstack-state-", "next: kraftstack bootstrap --stack backup"}, "backup", "--stack", stack)
	s.must(t, "bootstrap", "--stack", stack)
	var taken backup.Manifest
	s.mustJSON(t, &taken, "backup", "--stack", stack)
	if len(taken.Voters) != 3 || taken.State.Bytes == 0 || taken.Metadata.Bytes == 0 {
		t.Errorf("the backup is %+v", taken)
	}
	if listed := s.must(t, "backup", "list", "--stack", stack); strings.TrimSpace(listed) != taken.ID {
		t.Errorf("the list of backups is %q, and there is %s", listed, taken.ID)
	}
	load := s.count(t, stack, "backed-up", "--delivery-timeout", "10m")
	load.during(t, "a backup", func() { s.must(t, "backup", "--stack", stack) })
	t.Run("the state is lost", func(t *testing.T) {
		load.during(t, "the state lost and back", func() { stateLost(t, s, stack) })
	})
	t.Run("a quorum that lives keeps its metadata", func(t *testing.T) {
		load.during(t, "a voter without its metadata", func() { metadataKept(t, s, stack) })
	})
	load.holds(t)
	t.Run("all voters lose the metadata", func(t *testing.T) { metadataLost(t, s, stack) })
}

func stateLost(t *testing.T, s story, stack string) {
	env := s.environment(t)
	s.refused(t, 3, []string{"it has a state with", "--yes replaces it"}, "restore", "state", "--stack", stack)
	s.refused(t, 3, []string{"there is no such backup", "kraftstack backup list"}, "restore", "state", "--stack", stack, "--backup", "20010101T000000.000Z")
	remove := exec.Command(lookPath(t, "pulumi", env), "stack", "rm", "--force", "--yes", "--preserve-config", "--stack", stack, "--cwd", s.dir)
	remove.Env = append(remove.Environ(), env...)
	if out, err := remove.CombinedOutput(); err != nil {
		t.Fatalf("lose the state: %v\n%s", err, out)
	}
	if lost := s.preview(t, stack); lost.Unchanged != 0 {
		t.Errorf("without its state the stack has %d resources still", lost.Unchanged)
	}
	s.must(t, "restore", "state", "--stack", stack)
	nothing(t, "preview with the restored state", s.preview(t, stack))
	nothing(t, "up with the restored state", s.up(t, stack))
	s.view(t, stack)
}

func metadataKept(t *testing.T, s story, stack string) {
	before := s.processes(t, stack)
	s.script(t, stack, "broker-1002", loseMetadata)
	s.refused(t, 10, []string{"broker-1001", "broker-1003", "which is a majority: nothing was changed"}, "restore", "metadata", "--stack", stack)
	after := s.processes(t, stack)
	for _, host := range []string{"broker-1001", "broker-1003"} {
		if diff := cmp.Diff(before[host], after[host]); diff != "" {
			t.Errorf("Kafka on %s was restarted: %s", host, diff)
		}
	}
}

// loseMetadata ends Kafka as a crash does, and lets it start without its metadata.
const loseMetadata = `set -e
systemctl kill --kill-whom=main --signal=KILL kafka.service
systemctl stop kafka.service
rm -rf /var/lib/kafka/data/__cluster_metadata-0
systemctl start kafka.service
`

func metadataLost(t *testing.T, s story, stack string) {
	topic := s.topics(t, stack, "--describe --topic orders")
	var taken backup.Manifest
	s.mustJSON(t, &taken, "backup", "--stack", stack)
	for _, host := range three {
		s.script(t, stack, host, loseMetadata)
	}
	if r := s.run(t, "status", "--stack", stack); r.code == 0 {
		t.Errorf("without metadata the cluster is healthy; this story could not fail:\n%s", r.stdout)
	}
	s.must(t, "restore", "metadata", "--stack", stack)
	v := s.view(t, stack)
	if len(v.Brokers) != 3 || len(v.Quorum.Voters) != 3 {
		t.Errorf("the cluster has brokers %+v and voters %+v", v.Brokers, v.Quorum.Voters)
	}
	id := func(described string) string {
		_, rest, _ := strings.Cut(described, "TopicId: ")
		return strings.Fields(rest + " none")[0]
	}
	if after := s.topics(t, stack, "--describe --topic orders"); id(after) != id(topic) {
		t.Errorf("topic orders was\n%s\nand is\n%s", topic, after)
	}
	readOrders(t, s, stack)
	s.must(t, "smoke", "--stack", stack)
	nothing(t, "preview with the restored metadata", s.preview(t, stack))
}
