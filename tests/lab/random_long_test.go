//go:build long

package lab_test

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// The random story's length and seed, and what changes them.
const (
	randomMinutes = 30 // KRAFTSTACK_RANDOM_MINUTES
	randomSeed    = 20 // KRAFTSTACK_RANDOM_SEED
)

// TestRandom: random changes and faults for half an hour, a whole deck of them at
// least: the upgrade of Kafka is among them, and members that change while the driver
// is killed. Every acknowledged record is there at the end as it was produced, and a
// preview is empty.
func TestRandom(t *testing.T) {
	minutes, seed := fromEnvironment(t, "KRAFTSTACK_RANDOM_MINUTES", randomMinutes), fromEnvironment(t, "KRAFTSTACK_RANDOM_SEED", randomSeed)
	t.Logf("seed %d, %d minutes; KRAFTSTACK_RANDOM_SEED=%[1]d tells the same story again", seed, minutes)
	w := newWanderer(t, "random", seed, 3)
	load := w.count(t, w.stack, w.stack, "--delivery-timeout", "10m")
	end := time.Now().Add(time.Duration(minutes) * time.Minute)
	for n := 1; w.decks < 1 || w.decks == 1 && len(w.deck) > 0 || time.Now().Before(end); n++ {
		w.step(t, n, load)
	}
	load.holds(t)
	nothing(t, "preview in the end", w.preview(t, w.stack))
	if v := w.view(t, w.stack); v.KafkaVersion != "4.3" || v.Metadata.Waits() {
		t.Errorf("in the end Kafka is %s with metadata %+v", v.KafkaVersion, v.Metadata)
	}
	if w.kills < 2 {
		t.Errorf("the driver was killed %d times while members changed", w.kills)
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
