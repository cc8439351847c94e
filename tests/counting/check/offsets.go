package check

import (
	"slices"
	"time"
)

// offsets: each reader saw them rise; the one that followed skipped none that
// the final one saw; and both saw the same at each.
func (c *theCase) offsets() {
	for _, p := range c.parts {
		c.rising(c.Final, p)
		c.rising(c.Followed, p)
		followed := map[int64]Record{}
		for _, r := range c.Followed.Partitions[p] {
			followed[r.Offset] = r
			final, there := c.at[place{p, r.Offset}]
			switch {
			case !there:
				c.faultf("%s saw %s at offset %d of partition %d, and %s saw nothing there", c.Followed.Name, r.ID, r.Offset, p, c.Final.Name)
			case final != r:
				c.faultf("at offset %d of partition %d %s saw %s and %s saw %s", r.Offset, p, c.Followed.Name, r.ID, c.Final.Name, final.ID)
			}
		}
		c.skipped(p, followed)
	}
}

func (c *theCase) rising(reading Reading, p int32) {
	last := int64(-1)
	for _, r := range reading.Partitions[p] {
		if r.Offset <= last {
			c.faultf("%s saw offset %d of partition %d after offset %d", reading.Name, r.Offset, p, last)
		}
		last = r.Offset
	}
}

// skipped: between the first and the last record that the following reader saw.
func (c *theCase) skipped(p int32, followed map[int64]Record) {
	records := c.Followed.Partitions[p]
	if len(records) == 0 {
		return
	}
	last := records[len(records)-1].Offset
	for _, r := range c.Final.Partitions[p] {
		if _, seen := followed[r.Offset]; !seen && r.Offset <= last {
			c.faultf("%s skipped offset %d of partition %d", c.Followed.Name, r.Offset, p)
		}
	}
}

// identity: the same cluster, the same topic, and no record gone at its front.
func (c *theCase) identity() {
	if c.Before.Cluster != c.After.Cluster {
		c.faultf("the cluster's id was %s and is %s", c.Before.Cluster, c.After.Cluster)
	}
	if c.Before.Topic != c.After.Topic {
		c.faultf("the topic's id was %s and is %s", c.Before.Topic, c.After.Topic)
	}
	for _, p := range c.parts {
		if before, after := c.Before.Starts[p], c.After.Starts[p]; before != after {
			c.faultf("partition %d began at offset %d and begins at %d", p, before, after)
		}
	}
}

// realTime: a record that was sent after another had been acknowledged comes
// behind it.
func (c *theCase) realTime() {
	for _, p := range c.parts {
		byBegin, byEnd := slices.Clone(c.byPart[p]), slices.Clone(c.byPart[p])
		slices.SortFunc(byBegin, func(a, b Send) int { return compare(a.Begin, b.Begin) })
		slices.SortFunc(byEnd, func(a, b Send) int { return compare(a.End, b.End) })
		highest, next := int64(-1), 0
		for _, s := range byBegin {
			for ; next < len(byEnd) && byEnd[next].End < s.Begin; next++ {
				highest = max(highest, byEnd[next].Offset)
			}
			if s.Offset <= highest {
				c.faultf("%s was sent when offset %d of partition %d was acknowledged, and got offset %d", s.ID, highest, p, s.Offset)
			}
		}
	}
}

func compare(a, b time.Duration) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// replicas: every copy of a partition is in sync and has the same records.
func (c *theCase) replicas() {
	byPart := map[int32][]Replica{}
	for _, r := range c.Replicas {
		byPart[r.Partition] = append(byPart[r.Partition], r)
	}
	for _, p := range c.parts {
		copies := byPart[p]
		if len(copies) != c.Limits.Replicas {
			c.faultf("partition %d has %d replicas that could be read, not %d", p, len(copies), c.Limits.Replicas)
		}
		for _, r := range copies {
			if !r.InSync {
				c.faultf("the replica of partition %d on broker %d is not in sync", p, r.Broker)
			}
			if first := copies[0]; r.End != first.End || r.Sum != first.Sum {
				c.faultf("the replicas of partition %d on brokers %d and %d differ: they end at %d and %d, their sums are %016x and %016x",
					p, first.Broker, r.Broker, first.End, r.End, first.Sum, r.Sum)
			}
		}
	}
}
