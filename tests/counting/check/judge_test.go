package check

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"
)

const each = 200 // records of each partition of the good run

// good is a run in which nothing went wrong: two producers, three partitions,
// three replicas, one action in its middle.
func good() Evidence {
	e := Evidence{
		Length: each * 10 * time.Millisecond,
		Before: Identity{Cluster: "c", Topic: "t", Starts: map[int32]int64{0: 0, 1: 0, 2: 0}},
		After:  Identity{Cluster: "c", Topic: "t", Starts: map[int32]int64{0: 0, 1: 0, 2: 0}},
		Final:  Reading{Name: "the final reader", Partitions: map[int32][]Record{}},
		// The reader that followed stopped a little before the end.
		Followed: Reading{Name: "the following reader", Partitions: map[int32][]Record{}},
		Actions:  []Action{{"restart", 500 * time.Millisecond, 900 * time.Millisecond}},
		Limits:   Limits{MinRate: 200, AcksAfter: 50, Within: time.Second, MaxGap: 100 * time.Millisecond, Replicas: 3},
	}
	for p := range int32(3) {
		for i := range int64(each) {
			id := ID{Producer: int(i % 2), Partition: p, Seq: i / 2}
			begin := time.Duration(i) * 10 * time.Millisecond
			e.Sends = append(e.Sends, Send{ID: id, Begin: begin, End: begin + 3*time.Millisecond, Outcome: Acked, Offset: i})
			e.Final.Partitions[p] = append(e.Final.Partitions[p], Record{Offset: i, ID: id, Intact: true})
		}
		e.Followed.Partitions[p] = slices.Clone(e.Final.Partitions[p][:each-5])
		for broker := range int32(3) {
			e.Replicas = append(e.Replicas, Replica{Partition: p, Broker: 1001 + broker, End: each, Sum: 42, InSync: true})
		}
	}
	return e
}

func TestAGoodRunHasNoFault(t *testing.T) {
	if faults := Judge(good()); len(faults) > 0 {
		t.Errorf("found %+v", faults)
	}
}

// records are partition 1's as the final reader saw them; a fault that the log
// itself has is seen by both readers.
func inLog(change func(records []Record) []Record) func(*Evidence) {
	return func(e *Evidence) {
		e.Final.Partitions[1] = change(e.Final.Partitions[1])
		end := min(each-5, len(e.Final.Partitions[1]))
		e.Followed.Partitions[1] = slices.Clone(e.Final.Partitions[1][:end])
	}
}

// inAcks changes the send that got this offset of partition 1.
func inAcks(offset int64, change func(s *Send)) func(*Evidence) {
	return func(e *Evidence) {
		for i := range e.Sends {
			if e.Sends[i].Partition == 1 && e.Sends[i].Offset == offset {
				change(&e.Sends[i])
				return
			}
		}
	}
}

// seeds are faults of a cluster, of a client or of the run, each with the
// checks that have to find it, and no others may.
var seeds = []struct {
	name string
	seed func(*Evidence)
	want []string
}{
	{"an acknowledged record is gone", inLog(func(r []Record) []Record { return slices.Delete(r, 70, 71) }), []string{"lost"}},
	{"the log lost its tail", inLog(func(r []Record) []Record { return r[:150] }), []string{"tail"}},
	{"the log is empty", func(e *Evidence) { delete(e.Final.Partitions, 1); delete(e.Followed.Partitions, 1) }, []string{"tail"}},
	{"two records changed places", inLog(func(r []Record) []Record {
		r[80].ID, r[82].ID = r[82].ID, r[80].ID
		return r
	}), []string{"place", "order"}},
	{"a record is there twice", inLog(func(r []Record) []Record {
		return append(r, Record{Offset: each, ID: r[each-1].ID, Intact: true})
	}), []string{"duplicate"}},
	{"an old record is written again", inLog(func(r []Record) []Record {
		return append(r, Record{Offset: each, ID: r[10].ID, Intact: true})
	}), []string{"order", "duplicate"}},
	{"a byte changed", inLog(func(r []Record) []Record { r[33].Intact = false; return r }), []string{"place"}},
	{"somebody else wrote", inLog(func(r []Record) []Record {
		return append(r, Record{Offset: each, Foreign: true})
	}), []string{"phantom"}},
	{"a value that nobody sent", inLog(func(r []Record) []Record {
		return append(r, Record{Offset: each, ID: ID{Producer: 7, Partition: 1}, Intact: true})
	}), []string{"phantom"}},
	{"a refused record is there", inAcks(90, func(s *Send) { s.Outcome = Refused }), []string{"phantom"}},
	{"an acknowledgement named another offset", inAcks(60, func(s *Send) { s.Offset = 61 }), []string{"place", "real-time"}},
	{"a record went before an acknowledged one", inAcks(60, func(s *Send) {
		s.Begin, s.End = s.Begin+20*time.Millisecond, s.End+20*time.Millisecond
	}), []string{"real-time"}},
	{"one value is sent twice", func(e *Evidence) { e.Sends = append(e.Sends, e.Sends[0]) }, []string{"unique"}},
	{"the following reader skipped a record", func(e *Evidence) {
		e.Followed.Partitions[2] = slices.Delete(e.Followed.Partitions[2], 20, 21)
	}, []string{"offsets"}},
	{"the following reader went back", func(e *Evidence) {
		e.Followed.Partitions[2] = append(e.Followed.Partitions[2], e.Followed.Partitions[2][3])
	}, []string{"offsets"}},
	{"two readers saw different records", func(e *Evidence) {
		e.Followed.Partitions[2][20].ID.Seq = 999
	}, []string{"offsets"}},
	{"a record was read that is gone later", func(e *Evidence) {
		e.Followed.Partitions[2] = append(e.Followed.Partitions[2], e.Final.Partitions[2][each-5:]...)
		e.Followed.Partitions[2] = append(e.Followed.Partitions[2], Record{Offset: each + 3, ID: ID{Partition: 2, Seq: 7}, Intact: true})
	}, []string{"offsets"}},
	{"the topic was made anew", func(e *Evidence) { e.After.Topic = "u" }, []string{"identity"}},
	{"the cluster is another one", func(e *Evidence) { e.After.Cluster = "d" }, []string{"identity"}},
	{"the log lost its front", func(e *Evidence) { e.After.Starts = map[int32]int64{0: 0, 1: 10, 2: 0} }, []string{"identity"}},
	{"a partition fell silent", func(e *Evidence) {
		e.Limits.MaxGap = 9 * time.Millisecond
	}, []string{"liveness"}},
	{"nothing was acknowledged after the action", func(e *Evidence) {
		e.Actions[0].End = e.Length + time.Second
	}, []string{"liveness"}},
	{"the run was idle", func(e *Evidence) { e.Limits.MinRate = 1000 }, []string{"liveness"}},
	{"a replica has other records", func(e *Evidence) { e.Replicas[4].Sum = 43 }, []string{"replicas"}},
	{"a replica is shorter", func(e *Evidence) { e.Replicas[4].End-- }, []string{"replicas"}},
	{"a replica is out of sync", func(e *Evidence) { e.Replicas[4].InSync = false }, []string{"replicas"}},
	{"a replica is missing", func(e *Evidence) { e.Replicas = e.Replicas[1:] }, []string{"replicas"}},
}

func TestEverySeededFaultIsFoundByName(t *testing.T) {
	caught := map[string]bool{}
	for _, c := range seeds {
		e := good()
		c.seed(&e)
		var got []string
		for _, fault := range Judge(e) {
			got = append(got, fault.Check)
			caught[fault.Check] = true
			if fault.Count == 0 || len(fault.Examples) == 0 {
				t.Errorf("%s: %s is told without an example", c.name, fault.Check)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: found by %v, want %v\n%+v", c.name, got, c.want, Judge(e))
		}
	}
	for _, name := range Checks() {
		if !caught[name] {
			t.Errorf("no seeded fault is for the check %q", name)
		}
	}
	if len(caught) != len(Checks()) {
		t.Errorf("checks %v, and found were %v", Checks(), slices.Sorted(maps.Keys(caught)))
	}
}

// What is allowed: an unknown send that is there, one that is not, and a copy
// that a second send of the same value explains.
func TestWhatIsNoFault(t *testing.T) {
	e := good()
	last := e.Final.Partitions[1][each-1].ID
	inAcks(each-1, func(s *Send) { s.Outcome = Unknown })(&e)
	again := Send{ID: last, Begin: e.Length, End: e.Length + time.Millisecond, Outcome: Acked, Offset: each}
	gone := Send{ID: ID{Producer: 1, Partition: 1, Seq: 1 << 20}, Begin: e.Length, End: e.Length, Outcome: Unknown}
	e.Sends = append(e.Sends, again, gone)
	e.Final.Partitions[1] = append(e.Final.Partitions[1], Record{Offset: each, ID: last, Intact: true})
	if faults := Judge(e); len(faults) > 0 {
		t.Errorf("found %+v", faults)
	}
}

func TestAValueTellsItsID(t *testing.T) {
	seen := map[string]bool{}
	for _, size := range []int{0, 100, 1000} {
		for i := range 50 {
			id := ID{Producer: i % 3, Epoch: i % 2, Partition: int32(i % 5), Seq: int64(i)}
			value := id.Bytes(size)
			got, intact, err := Parse(value)
			if err != nil || got != id || !intact {
				t.Fatalf("%s comes back as %s, intact %v, %v", id, got, intact, err)
			}
			if size == 0 {
				continue
			}
			if seen[string(value[20:])] {
				t.Fatalf("%s is filled as another", id)
			}
			seen[string(value[20:])] = true
			changed := bytes.Clone(value)
			changed[len(changed)-1] ^= 1
			if _, intact, _ := Parse(changed); intact {
				t.Fatalf("a changed byte of %s is not seen", id)
			}
		}
	}
	for _, foreign := range []string{"", "hello", "|", "1/2/3|x", "a/b/c/d|"} {
		if _, _, err := Parse([]byte(foreign)); err == nil {
			t.Errorf("%q is taken for a value", foreign)
		}
	}
}

func TestPhases(t *testing.T) {
	e := good()
	inAcks(60, func(s *Send) { s.End = s.Begin + 80*time.Millisecond })(&e)
	inAcks(61, func(s *Send) { s.Outcome = Unknown })(&e)
	phases := Phases(e)
	if len(phases) != 2 {
		t.Fatalf("%d phases", len(phases))
	}
	calm, action := phases[0], phases[1]
	if calm.Name != "calm" || calm.P50 != 3 || calm.P99 != 3 || calm.Seconds != 0.5 || calm.Failed != 0 {
		t.Errorf("calm: %+v", calm)
	}
	if action.Name != "restart" || action.Max != 80 || action.P50 != 3 || action.Failed != 1 || action.Acked+action.Failed != 3*41 {
		t.Errorf("action: %+v", action)
	}
	if action.MaxGap != 30 {
		t.Errorf("the longest gap is %v, want that of 60, which came late, and 61, which never came", action.MaxGap)
	}
}
