package lab_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLiveChanges: what Kafka takes over while it runs restarts nothing, and a
// value that it refuses changes nothing.
func TestLiveChanges(t *testing.T) {
	s := shared
	const stack = "live"
	s.stackFile(t, stack)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	load := s.count(t, stack, "live")
	t.Run("a live change restarts nothing", func(t *testing.T) { liveChange(t, s, stack, load) })
	t.Run("a refused value changes nothing", func(t *testing.T) { refusedValue(t, s, stack) })
	load.holds(t)
	s.view(t, stack)
}

const dynamicDefaults = "sudo /opt/kafka/current/bin/kafka-configs.sh --command-config /etc/kafka/client.properties " +
	"--bootstrap-server broker-1002.live.kafka.internal:9092 --describe --entity-type brokers --entity-default"

func liveChange(t *testing.T, s story, stack string, load *pair) {
	before := s.processes(t, stack)
	s.stackFile(t, stack, "    heap: 384m\n", "    heap: 384m\n    config:\n      log.retention.ms: 90000000\n      num.io.threads: 40\n")
	preview := s.preview(t, stack)
	if len(preview.Restarts) != 0 || len(preview.Settings) != 2 {
		t.Errorf("preview restarts %v and shows %+v", preview.Restarts, preview.Settings)
	}
	for _, setting := range preview.Settings {
		if !setting.Live {
			t.Errorf("%s is not live", setting.Name)
		}
	}
	load.during(t, "a live change", func() { s.up(t, stack) })
	set := s.ssh(t, stack, "bastion", dynamicDefaults)
	// 16 threads become 40 by 32: Kafka takes no more than twice as many.
	for _, want := range []string{"log.retention.ms=90000000", "num.io.threads=40"} {
		if !strings.Contains(set, want) {
			t.Errorf("the brokers do not have %s:\n%s", want, set)
		}
	}
	nothing(t, "up after it", s.up(t, stack))
	s.stackFile(t, stack)
	load.during(t, "its revert", func() { s.up(t, stack) })
	if set := s.ssh(t, stack, "bastion", dynamicDefaults); strings.Contains(set, "log.retention.ms") || strings.Contains(set, "num.io.threads=40") {
		t.Errorf("what the stack file no longer says is still in force:\n%s", set)
	}
	if diff := cmp.Diff(before, s.processes(t, stack)); diff != "" {
		t.Errorf("Kafka was restarted: %s", diff)
	}
}

func refusedValue(t *testing.T, s story, stack string) {
	const sums = "sudo sh -c 'sha256sum /etc/kafka/*.properties /etc/kafka/jvm.env /etc/kafka/generation /var/lib/kraftstack/manifest'"
	before, files := s.processes(t, stack), s.ssh(t, stack, "broker-1002", sums)
	s.stackFile(t, stack, "    heap: 384m\n", "    heap: 380m\n    config:\n      log.retention.ms: soon\n")
	s.refused(t, 8, []string{"step: admit", "log.retention.ms", "next: correct kafka.config"}, "up", "--stack", stack)
	if now := s.ssh(t, stack, "broker-1002", sums); now != files {
		t.Errorf("the refused value changed files:\n%s\nthey were\n%s", now, files)
	}
	if diff := cmp.Diff(before, s.processes(t, stack)); diff != "" {
		t.Errorf("Kafka was restarted: %s", diff)
	}
	s.stackFile(t, stack)
	s.up(t, stack)
}
