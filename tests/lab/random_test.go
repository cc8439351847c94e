package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The random story that every run of the tests tells: another seed than TestRandom's.
const (
	shortSteps = 3
	shortSeed  = 35
)

// TestRandomShort is TestRandom's story with another seed, and a few steps of it.
func TestRandomShort(t *testing.T) {
	w := newWanderer(t, "short", shortSeed, 3)
	load := w.count(t, w.stack, w.stack, "--delivery-timeout", "10m")
	for n := 1; n <= shortSteps; n++ {
		w.step(t, n, load)
	}
	load.holds(t)
	if w.kills == 0 {
		t.Error("no driver was killed while members changed; take another seed")
	}
	nothing(t, "preview in the end", w.preview(t, w.stack))
}

// draw is the next card; a deck that is used up is followed by another.
func (w *wanderer) draw() drawn {
	if len(w.deck) == 0 {
		w.deck = deal(w.random, w.decks == 0)
		w.decks++
	}
	card := w.deck[0]
	w.deck = w.deck[1:]
	return card
}

// step changes the stack, lets something go wrong meanwhile, and runs up until it
// ends well. The cluster is whole then.
func (w *wanderer) step(t *testing.T, n int, load *pair) {
	t.Helper()
	card := w.draw()
	what := w.alter(card.change)
	m := w.mishap(t, card)
	name := fmt.Sprintf("step %d: %s; %s (%s, %s)", n, what, card.fault, card.host, card.after)
	t.Log(name)
	load.during(t, strings.ReplaceAll(name, ",", ""), func() {
		w.write(t)
		r := w.befall(t, card, m)
		if card.fault != driverKilled && card.fault != killedAtIt {
			getsOver(t, r)
		}
		w.upAgain(t)
		eventually(t, "the cluster is whole", 5*time.Minute, func() (bool, string) {
			r := w.run(t, "status", "--stack", w.stack)
			return r.code == 0, r.stdout
		})
	})
}
