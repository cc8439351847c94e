package check

import "slices"

// unique: a value that two different sends share would hide the loss of one,
// unless the second is the client's own answer to an unknown first.
func (c *theCase) unique() {
	for _, s := range c.Sends {
		sends := c.sent[s.ID]
		if len(sends) < 2 || s != sends[0] {
			continue
		}
		for _, earlier := range sends[:len(sends)-1] {
			if earlier.Outcome != Unknown {
				c.faultf("%s was sent %d times, and after an answer that was %s", s.ID, len(sends), earlier.Outcome)
				break
			}
		}
	}
}

// lost: acknowledged, and not in the log although later records are.
func (c *theCase) lost() {
	for _, p := range c.parts {
		for _, s := range c.byPart[p] {
			if len(c.seen[s.ID]) == 0 && s.Offset <= c.end(p) {
				c.faultf("%s was acknowledged at offset %d of partition %d and is nowhere", s.ID, s.Offset, p)
			}
		}
	}
}

// tail: acknowledged, and behind all that could be read at the end.
func (c *theCase) tail() {
	for _, p := range c.parts {
		for _, s := range c.byPart[p] {
			if len(c.seen[s.ID]) == 0 && s.Offset > c.end(p) {
				c.faultf("%s was acknowledged at offset %d of partition %d, whose last record is at %d", s.ID, s.Offset, p, c.end(p))
			}
		}
	}
}

// place: at the acknowledged offset are the acknowledged bytes.
func (c *theCase) place() {
	for _, p := range c.parts {
		for _, s := range c.byPart[p] {
			r, there := c.at[place{p, s.Offset}]
			switch {
			case !there:
				if len(c.seen[s.ID]) > 0 {
					c.faultf("%s was acknowledged at offset %d of partition %d and is at %d", s.ID, s.Offset, p, c.seen[s.ID][0].offset)
				}
			case r.ID != s.ID:
				c.faultf("at offset %d of partition %d is %s, and %s was acknowledged there", s.Offset, p, r.ID, s.ID)
			case !r.Intact:
				c.faultf("%s at offset %d of partition %d has other bytes than were sent", s.ID, s.Offset, p)
			}
		}
	}
}

// order: what one producer sent one after another is in the log in that order.
func (c *theCase) order() {
	type writer struct {
		producer, epoch int
		partition       int32
	}
	last := map[writer]int64{}
	for _, p := range c.parts {
		for _, r := range c.Final.Partitions[p] {
			if r.Foreign {
				continue
			}
			w := writer{r.ID.Producer, r.ID.Epoch, p}
			if before, wrote := last[w]; wrote && r.ID.Seq < before {
				c.faultf("at offset %d of partition %d, producer %d's record %d comes behind its record %d", r.Offset, p, w.producer, r.ID.Seq, before)
			}
			last[w] = r.ID.Seq
		}
	}
}

// duplicate: a value is there at most as often as it was sent. With an
// idempotent producer that gives each value to its client once, that is once;
// another copy is explained only by another send of the same value.
func (c *theCase) duplicate() {
	for _, p := range c.parts {
		for _, r := range c.Final.Partitions[p] {
			places := c.seen[r.ID]
			if r.Foreign || len(places) < 2 || places[0] != (place{p, r.Offset}) {
				continue
			}
			if sends := len(c.sent[r.ID]); len(places) > sends && sends > 0 {
				c.faultf("%s was sent %d times and is there %d times, first at offset %d of partition %d", r.ID, sends, len(places), r.Offset, p)
			}
		}
	}
}

// phantom: nothing is there that nobody sent, and nothing that the broker said
// it had refused.
func (c *theCase) phantom() {
	for _, p := range c.parts {
		for _, r := range c.Final.Partitions[p] {
			sends := c.sent[r.ID]
			refused := func(s Send) bool { return s.Outcome == Refused }
			switch {
			case r.Foreign:
				c.faultf("at offset %d of partition %d is a record that is not of this run", r.Offset, p)
			case r.ID.Partition != p:
				c.faultf("at offset %d of partition %d is %s, which was meant for partition %d", r.Offset, p, r.ID, r.ID.Partition)
			case len(sends) == 0:
				c.faultf("at offset %d of partition %d is %s, which nobody sent", r.Offset, p, r.ID)
			case !slices.ContainsFunc(sends, func(s Send) bool { return !refused(s) }):
				c.faultf("at offset %d of partition %d is %s, which the broker had refused", r.Offset, p, r.ID)
			}
		}
	}
}
