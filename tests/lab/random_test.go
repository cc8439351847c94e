//go:build long

package lab_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"kraftstack/lab/dist"
	"kraftstack/lab/paths"
)

// The random story's length and seed, and what changes them.
const (
	randomMinutes = 30 // KRAFTSTACK_RANDOM_MINUTES
	randomSeed    = 20 // KRAFTSTACK_RANDOM_SEED
)

// wanderer makes random changes of a stack file, and random trouble meanwhile.
// Everything it does follows from its seed; how many steps there is time for
// does not.
type wanderer struct {
	*ordeal
	random    *rand.Rand
	version   string
	upgradeAt int // the step that upgrades Kafka
	retention int // milliseconds; a setting that Kafka takes over while it runs
	users     int
	brokers   int // 3, or 4
}

// newWanderer is a cluster of the older version of Kafka that runs.
func newWanderer(t *testing.T, stack string, seed int) *wanderer {
	t.Helper()
	w := &wanderer{
		ordeal: &ordeal{story: shared, stack: stack, heap: 384, size: "t3.small"},
		random: rand.New(rand.NewPCG(uint64(seed), 0)), version: olderKafka, retention: 90_000_000, brokers: 3,
	}
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dist.Ensure(context.Background(), cache, olderKafka, os.Stderr); err != nil {
		t.Fatal(err)
	}
	w.write(t)
	t.Cleanup(func() { w.must(t, "destroy", "--stack", w.stack, "--yes") })
	w.up(t, w.stack)
	return w
}

// TestRandom: random changes and faults for half an hour, the upgrade of Kafka
// among them. Every acknowledged record is there at the end as it was produced,
// and a preview is empty.
func TestRandom(t *testing.T) {
	minutes, seed := fromEnvironment(t, "KRAFTSTACK_RANDOM_MINUTES", randomMinutes), fromEnvironment(t, "KRAFTSTACK_RANDOM_SEED", randomSeed)
	t.Logf("seed %d, %d minutes; KRAFTSTACK_RANDOM_SEED=%[1]d tells the same story again", seed, minutes)
	w := newWanderer(t, "random", seed)
	w.upgradeAt = 2 + w.random.IntN(3)
	load := w.count(t, w.stack, w.stack, "--delivery-timeout", "10m")
	end := time.Now().Add(time.Duration(minutes) * time.Minute)
	for step := 1; step <= w.upgradeAt || time.Now().Before(end); step++ {
		w.step(t, step, load)
	}
	load.holds(t)
	nothing(t, "preview in the end", w.preview(t, w.stack))
	if v := w.view(t, w.stack); v.KafkaVersion != "4.3" || v.Metadata.Waits() {
		t.Errorf("in the end Kafka is %s with metadata %+v", v.KafkaVersion, v.Metadata)
	}
}

func fromEnvironment(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s is %q, no number", name, text)
	}
	return n
}

// write makes the stack file what the wanderer wants by now.
func (w *wanderer) write(t *testing.T) {
	t.Helper()
	tail := fmt.Sprintf("    heap: %dm\n    config: {log.retention.ms: %d}\n", w.heap, w.retention)
	if w.users > 0 {
		tail += "  kraftstack:users:\n"
	}
	for i := range w.users {
		tail += fmt.Sprintf("    - {name: wanderer-%d, acls: [{operations: [read], resource: topic:wandering}]}\n", i)
	}
	w.stackFile(t, w.stack, append(ofVersion(w.version, "auto"), "    heap: 384m\n", tail,
		"count: 3\n    instanceType: t3.small", fmt.Sprintf("count: %d\n    instanceType: %s", w.brokers, w.size))...)
}

// alter is a random change of the stack file, and what it is.
func (w *wanderer) alter(step int) string {
	if step == w.upgradeAt {
		w.version = "4.3.0"
		return "Kafka " + w.version
	}
	switch w.random.IntN(5) {
	case 0:
		w.retention++
		return fmt.Sprintf("a live setting, %d", w.retention)
	case 1:
		w.users++
		return fmt.Sprintf("user %d", w.users)
	case 2:
		w.brokers = 7 - w.brokers
		return fmt.Sprintf("%d brokers", w.brokers)
	default:
		w.heap++
		return fmt.Sprintf("a roll, heap %d", w.heap)
	}
}

// step changes the stack, does something to it after a random part of the time
// that up takes, and runs up until it ends well.
func (w *wanderer) step(t *testing.T, step int, load *pair) {
	t.Helper()
	what, host := w.alter(step), three[w.random.IntN(len(three))]
	trouble := []struct {
		name string
		make func(*process)
	}{
		{"nothing", func(*process) {}},
		{"Kafka killed on " + host, func(*process) { w.killKafka(t, host) }},
		{host + " crashed", func(*process) { w.crash(t, host) }},
		{"the bastion crashed", func(*process) { w.crash(t, "bastion") }},
		{"the driver killed", func(p *process) { killTree(t, p) }},
	}[w.random.IntN(5)]
	after := time.Duration(1+w.random.IntN(60)) * time.Second
	name := fmt.Sprintf("step %d: %s; %s after %s", step, what, trouble.name, after)
	t.Log(name)
	load.during(t, strings.ReplaceAll(name, ",", ""), func() {
		w.write(t)
		p := w.start(t, "up", "--stack", w.stack)
		ended := make(chan result, 1)
		go func() { ended <- p.wait(t) }()
		select {
		case <-ended:
			trouble.make(nil)
		case <-time.After(after):
			trouble.make(p)
			<-ended
		}
		w.mended(t)
	})
}

// killTree ends a run and all that it started, as a crash of its machine does; nil
// is a run that has ended.
func killTree(t *testing.T, p *process) {
	t.Helper()
	if p == nil {
		return
	}
	for _, pid := range append(children(p.cmd.Process.Pid), p.cmd.Process.Pid) {
		// It may have ended since it was seen.
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			t.Fatal(err)
		}
	}
}
