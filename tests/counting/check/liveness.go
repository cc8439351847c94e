package check

import (
	"math"
	"slices"
	"time"
)

// liveness: the run was busy before anything was done to it, every action was
// followed by acknowledgements, and no partition was silent for too long.
func (c *theCase) liveness() {
	var acks []time.Duration
	for _, p := range c.parts {
		for _, s := range c.byPart[p] {
			acks = append(acks, s.End)
		}
		if gap := longestGap(c.byPart[p], c.Length); c.Limits.MaxGap > 0 && gap > c.Limits.MaxGap {
			c.faultf("partition %d had no acknowledgement for %s, more than %s", p, gap.Round(time.Millisecond), c.Limits.MaxGap)
		}
	}
	slices.Sort(acks)
	c.rate(acks)
	for _, action := range c.Actions {
		if n := within(acks, action.End, action.End+c.Limits.Within); n < c.Limits.AcksAfter {
			c.faultf("%d acknowledgements within %s of %s, fewer than %d", n, c.Limits.Within, action.Name, c.Limits.AcksAfter)
		}
	}
}

// rate: until the first action, or the end.
func (c *theCase) rate(acks []time.Duration) {
	until := c.Length
	for _, action := range c.Actions {
		until = min(until, action.Begin)
	}
	rate := 0.0
	if until > 0 {
		rate = float64(within(acks, 0, until)) / until.Seconds()
	}
	if rate < c.Limits.MinRate {
		c.faultf("%.0f records a second were acknowledged before the first action, fewer than %.0f: too few to tell anything", rate, c.Limits.MinRate)
	}
}

// within counts sorted times from one to another.
func within(times []time.Duration, from, to time.Duration) int {
	first, _ := slices.BinarySearch(times, from)
	last, _ := slices.BinarySearch(times, to+1)
	return last - first
}

// longestGap is the longest time without an acknowledgement, from the first
// one to the end of producing.
func longestGap(sends []Send, length time.Duration) time.Duration {
	if len(sends) == 0 {
		return length
	}
	ends := make([]time.Duration, 0, len(sends)+1)
	for _, s := range sends {
		ends = append(ends, s.End)
	}
	slices.Sort(ends)
	ends = append(ends, max(length, ends[len(ends)-1]))
	var longest time.Duration
	for i := 1; i < len(ends); i++ {
		longest = max(longest, ends[i]-ends[i-1])
	}
	return longest
}

// Phase tells how quick the cluster was in a part of the run. Times are in
// milliseconds, from a send to its acknowledgement.
type Phase struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Acked   int     `json:"acked"`
	Failed  int     `json:"failed"` // refused or unknown
	P50     float64 `json:"p50Millis"`
	P99     float64 `json:"p99Millis"`
	Max     float64 `json:"maxMillis"`
	// MaxGap is the longest time without an acknowledgement on a partition,
	// among those that ended in this part.
	MaxGap float64 `json:"maxGapMillis"`
}

// Phases are the time before the first action, named calm, and each action's.
func Phases(e Evidence) []Phase {
	calm := Action{Name: "calm", End: e.Length}
	for _, action := range e.Actions {
		calm.End = min(calm.End, action.Begin)
	}
	phases := make([]Phase, 0, 1+len(e.Actions))
	for _, action := range append([]Action{calm}, e.Actions...) {
		phases = append(phases, phase(e, action))
	}
	return phases
}

// phase counts a send in the part in which it began.
func phase(e Evidence, action Action) Phase {
	p := Phase{Name: action.Name, Seconds: (action.End - action.Begin).Seconds()}
	var took []time.Duration
	acks := map[int32][]time.Duration{}
	for _, s := range e.Sends {
		if s.Outcome == Acked {
			acks[s.Partition] = append(acks[s.Partition], s.End)
		}
		if s.Begin < action.Begin || s.Begin > action.End {
			continue
		}
		if s.Outcome != Acked {
			p.Failed++
			continue
		}
		took = append(took, s.End-s.Begin)
	}
	for _, ends := range acks {
		slices.Sort(ends)
		for i := 1; i < len(ends); i++ {
			if ends[i] >= action.Begin && ends[i] <= action.End {
				p.MaxGap = max(p.MaxGap, millis(ends[i]-ends[i-1]))
			}
		}
	}
	slices.Sort(took)
	p.Acked, p.P50, p.P99, p.Max = len(took), quantile(took, 0.5), quantile(took, 0.99), quantile(took, 1)
	return p
}

// quantile of sorted times, by the nearest rank.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return millis(sorted[max(0, rank-1)])
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
