package check

import (
	"fmt"
	"maps"
	"slices"
)

// Fault is what one check found.
type Fault struct {
	Check    string   `json:"check"` // a name of Checks
	Count    int      `json:"count"`
	Examples []string `json:"examples"` // the first few
}

// examples is how many of a kind are told in full.
const examples = 5

// Judge makes every check and returns the faults, in the order of Checks. None
// means that the run holds.
func Judge(e Evidence) []Fault {
	c := newCase(e)
	faults := []Fault{}
	for _, check := range checks() {
		c.found = nil
		check.run(c)
		if len(c.found) > 0 {
			faults = append(faults, Fault{Check: check.name, Count: len(c.found), Examples: c.found[:min(len(c.found), examples)]})
		}
	}
	return faults
}

// Checks are the names of all checks.
func Checks() []string {
	var names []string
	for _, check := range checks() {
		names = append(names, check.name)
	}
	return names
}

func checks() []struct {
	name string
	run  func(*theCase)
} {
	return []struct {
		name string
		run  func(*theCase)
	}{
		{"unique", (*theCase).unique},
		{"lost", (*theCase).lost},
		{"tail", (*theCase).tail},
		{"place", (*theCase).place},
		{"order", (*theCase).order},
		{"duplicate", (*theCase).duplicate},
		{"phantom", (*theCase).phantom},
		{"offsets", (*theCase).offsets},
		{"identity", (*theCase).identity},
		{"real-time", (*theCase).realTime},
		{"liveness", (*theCase).liveness},
		{"replicas", (*theCase).replicas},
	}
}

// place is where a record is.
type place struct {
	partition int32
	offset    int64
}

// theCase is the evidence with what several checks look up.
type theCase struct {
	Evidence
	found []string

	sent   map[ID][]Send    // every send of a value
	seen   map[ID][]place   // where the final reader saw it
	at     map[place]Record // what the final reader saw there
	ends   map[int32]int64  // the last offset that the final reader saw
	parts  []int32          // every partition that anybody wrote or read
	byPart map[int32][]Send // acknowledged sends of each
}

func newCase(e Evidence) *theCase {
	c := &theCase{
		Evidence: e,
		sent:     make(map[ID][]Send, len(e.Sends)), seen: make(map[ID][]place, len(e.Sends)),
		at: make(map[place]Record, len(e.Sends)), ends: map[int32]int64{}, byPart: map[int32][]Send{},
	}
	known := map[int32]bool{}
	for _, s := range e.Sends {
		c.sent[s.ID] = append(c.sent[s.ID], s)
		known[s.Partition] = true
		if s.Outcome == Acked {
			c.byPart[s.Partition] = append(c.byPart[s.Partition], s)
		}
	}
	for p, records := range e.Final.Partitions {
		known[p] = true
		c.ends[p] = -1
		for _, r := range records {
			at := place{p, r.Offset}
			c.at[at] = r
			c.ends[p] = max(c.ends[p], r.Offset)
			if !r.Foreign {
				c.seen[r.ID] = append(c.seen[r.ID], at)
			}
		}
	}
	c.parts = slices.Sorted(maps.Keys(known))
	return c
}

func (c *theCase) faultf(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

// end is the last offset that the final reader saw in a partition, -1 for none.
func (c *theCase) end(partition int32) int64 {
	if end, ok := c.ends[partition]; ok {
		return end
	}
	return -1
}
