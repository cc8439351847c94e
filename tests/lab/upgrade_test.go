//go:build long

package lab_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestUpgrade: to a new version and back under load, then forward for good, and
// no way back any more.
func TestUpgrade(t *testing.T) {
	s := shared
	const stack = "upgrade"
	fetchOlderKafka(t)
	s.stackFile(t, stack, ofVersion(olderKafka, "auto")...)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	born := s.view(t, stack).Metadata
	load := s.count(t, stack, "upgrade")

	s.stackFile(t, stack, ofVersion("4.3.0", "manual")...)
	load.during(t, "the upgrade, not finalized", func() { s.up(t, stack) })
	v := s.view(t, stack)
	if v.KafkaVersion != "4.3" || v.Metadata.Finalized != born.Finalized || !v.Metadata.Waits() {
		t.Errorf("Kafka %s with metadata %+v; it was %+v", v.KafkaVersion, v.Metadata, born)
	}

	s.stackFile(t, stack, ofVersion(olderKafka, "manual")...)
	load.during(t, "the way back", func() { s.up(t, stack) })
	if v := s.view(t, stack); v.KafkaVersion != "4.2" || v.Metadata.Finalized != born.Finalized {
		t.Errorf("after the way back Kafka is %s with metadata %+v", v.KafkaVersion, v.Metadata)
	}

	s.stackFile(t, stack, ofVersion("4.3.0", "auto")...)
	load.during(t, "the upgrade, finalized", func() { s.up(t, stack) })
	if v := s.view(t, stack); v.KafkaVersion != "4.3" || v.Metadata.Finalized <= born.Finalized || v.Metadata.Waits() {
		t.Errorf("after the upgrade Kafka is %s with metadata %+v", v.KafkaVersion, v.Metadata)
	}

	before := s.processes(t, stack)
	s.stackFile(t, stack, ofVersion(olderKafka, "auto")...)
	load.during(t, "a way back that is refused", func() {
		s.refused(t, 8, []string{"step: admit", "finalized at", "next: keep kafka.version"}, "up", "--stack", stack)
	})
	if diff := cmp.Diff(before, s.processes(t, stack)); diff != "" {
		t.Errorf("the refused downgrade changed hosts: %s", diff)
	}
	s.stackFile(t, stack, ofVersion("4.3.0", "auto")...)
	s.up(t, stack)
	load.holds(t)
}
