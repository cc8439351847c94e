// Package check judges what a counting producer and its readers saw of one
// topic. It is pure: evidence in, faults out, so that every check can be shown
// to find the fault that it is for.
//
// The checks are the union of those of Jepsen's Kafka workload, of Redpanda's
// consistency checker and of Kafka's own system tests.
package check

import "time"

// ID names one value. No two values of a run have the same, and a value tells
// its own.
type ID struct {
	Producer  int   `json:"producer"`
	Epoch     int   `json:"epoch"` // which life of that producer
	Partition int32 `json:"partition"`
	Seq       int64 `json:"seq"` // from 0, per producer, epoch and partition
}

// Outcome is what the client was told of a send.
type Outcome string

// The outcomes. An unknown one may have been written or not.
const (
	Acked   Outcome = "acked"
	Refused Outcome = "refused" // the broker said that it did not write it
	Unknown Outcome = "unknown"
)

// Send is one send of a value. Times count from the beginning of the run.
type Send struct {
	ID
	Begin, End time.Duration
	Outcome    Outcome
	Offset     int64 // where it is, if acked
}

// Record is what a reader saw at one offset.
type Record struct {
	Offset int64
	ID     ID
	// Intact says that the bytes are those of the value that ID names. A record
	// that names no value at all is not intact and has Foreign set.
	Intact, Foreign bool
}

// Reading is what one reader saw: each partition's records in the order in
// which they came.
type Reading struct {
	Name       string
	Partitions map[int32][]Record
}

// Identity is what must not change under a topic while it is used.
type Identity struct {
	Cluster string
	Topic   string          // its id
	Starts  map[int32]int64 // each partition's first offset
}

// Replica is one copy of a partition, read from the broker that holds it.
type Replica struct {
	Partition, Broker int32
	End               int64 // the offset behind its last record
	Sum               uint64
	InSync            bool
}

// Action is something that was done to the cluster while the pair ran.
type Action struct {
	Name       string
	Begin, End time.Duration
}

// Limits are what a run must keep.
type Limits struct {
	// MinRate of acknowledged records a second must be reached before the
	// first action, so that an idle run cannot pass.
	MinRate float64
	// AcksAfter is how many acknowledgements there must be within Within of
	// each action's end.
	AcksAfter int
	Within    time.Duration
	// MaxGap is the longest time without an acknowledgement on any partition;
	// zero is no limit.
	MaxGap time.Duration
	// Replicas is how many copies each partition must have.
	Replicas int
}

// Evidence is all that is known of a run.
type Evidence struct {
	Length        time.Duration // of the time in which was produced
	Sends         []Send
	Followed      Reading // of the reader that ran beside the producers
	Final         Reading // of a fresh reader, from the beginning, after the end
	Before, After Identity
	Replicas      []Replica
	Actions       []Action
	Limits        Limits
}
