package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"kraftstack/internal/fail"
)

// SmokeTopic is the topic that smoke tests write to. It is made on the first
// run and stays: making and deleting a topic for each run would be two changes
// to the cluster's metadata for one record. Its records go after an hour.
const SmokeTopic = "kraftstack-smoke"

// SmokeTimeout bounds a smoke test where the caller's context does not.
const SmokeTimeout = 60 * time.Second

// SmokeResult is a record's way through the cluster. Its JSON names are an
// interface.
type SmokeResult struct {
	Stack             string  `json:"stack"`
	Topic             string  `json:"topic"`
	Created           bool    `json:"created"` // this run made the topic
	Partition         int32   `json:"partition"`
	Offset            int64   `json:"offset"`
	Leader            int32   `json:"leader"` // broker that the record went to
	ReplicationFactor int     `json:"replicationFactor"`
	ProduceMillis     float64 `json:"produceMillis"` // sent until acknowledged by all in-sync replicas, connections included
	ConsumeMillis     float64 `json:"consumeMillis"` // asked until read back, connections included
}

// Smoke proves that the cluster takes a record and gives it back: it makes the
// smoke topic if there is none, with as many replicas as there are brokers, at
// most three, produces one unique record with acks=all, and reads exactly that
// record back from its offset. Errors are *fail.Error: fail.Unreachable as for
// Dial, fail.Unhealthy with the step (topic, produce, consume) that failed.
func Smoke(ctx context.Context, out Outputs) (SmokeResult, error) {
	ctx, cancel := context.WithTimeout(ctx, SmokeTimeout)
	defer cancel()
	result := SmokeResult{Stack: out.Stack, Topic: SmokeTopic}
	t, err := Dial(ctx, out)
	if err != nil {
		return result, err
	}
	defer func() { _ = t.Close() }()
	client, err := t.Client(
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.UnknownTopicRetries(-1), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		// An idempotent producer cannot give a sent record up: it would wait
		// for a broker that drops the answer for as long as that lasts.
		kgo.DisableIdempotentWrite())
	if err != nil {
		return result, err
	}
	defer client.Close()

	s := smoke{stack: out.Stack, client: client, result: &result}
	if err := s.topic(ctx); err != nil {
		return result, s.failed(ctx, "topic", "make the topic "+SmokeTopic, err)
	}
	record := &kgo.Record{Topic: SmokeTopic, Partition: 0, Value: []byte("kraftstack smoke " + rand.Text())}
	if err := s.produce(ctx, record); err != nil {
		return result, s.failed(ctx, "produce", "produce a record with acks=all", err)
	}
	if err := s.consume(ctx, t, record); err != nil {
		return result, s.failed(ctx, "consume", "read the record back", err)
	}
	return result, nil
}

type smoke struct {
	stack  string
	client *kgo.Client
	result *SmokeResult
}

// topic makes the topic if it is not there. It has one partition: one leader
// and its followers, so that two runs test the same thing.
func (s smoke) topic(ctx context.Context) error {
	admin := kadm.NewClient(s.client)
	brokers, err := admin.ListBrokers(ctx)
	if err != nil {
		return err
	}
	replicas := min(3, len(brokers))
	created, err := admin.CreateTopic(ctx, 1, int16(replicas), map[string]*string{
		"retention.ms":        new("3600000"),
		"segment.ms":          new("600000"), // only closed segments can go
		"min.insync.replicas": new(strconv.Itoa(max(1, replicas-1))),
	}, SmokeTopic)
	switch {
	case err == nil:
		err = created.Err
		s.result.Created = err == nil
	case errors.Is(err, kerr.TopicAlreadyExists):
		err = nil
	}
	return err
}

func (s smoke) produce(ctx context.Context, record *kgo.Record) error {
	began := time.Now()
	acknowledged := make(chan error, 1)
	s.client.Produce(ctx, record, func(_ *kgo.Record, err error) { acknowledged <- err })
	select {
	case err := <-acknowledged:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	s.result.ProduceMillis = millis(time.Since(began))
	s.result.Partition, s.result.Offset = record.Partition, record.Offset
	topics, err := kadm.NewClient(s.client).ListTopics(ctx, SmokeTopic)
	if err != nil {
		return err
	}
	partition := topics[SmokeTopic].Partitions[record.Partition]
	s.result.Leader, s.result.ReplicationFactor = partition.Leader, len(partition.Replicas)
	return partition.Err
}

// consume reads the one record at the offset that the cluster gave it, with a
// client of its own: nothing of the producer's memory can answer for the disk.
func (s smoke) consume(ctx context.Context, t *Tunnel, want *kgo.Record) error {
	began := time.Now()
	reader, err := t.Client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		want.Topic: {want.Partition: kgo.NewOffset().At(want.Offset)},
	}))
	if err != nil {
		return err
	}
	defer reader.Close()
	fetches := reader.PollRecords(ctx, 1)
	if err := fetches.Err(); err != nil {
		return err
	}
	records := fetches.Records()
	if len(records) == 0 {
		return fmt.Errorf("nothing at offset %d", want.Offset)
	}
	if got := records[0]; got.Offset != want.Offset || string(got.Value) != string(want.Value) {
		return fmt.Errorf("offset %d of partition %d holds another record than the one acknowledged there", got.Offset, got.Partition)
	}
	s.result.ConsumeMillis = millis(time.Since(began))
	return nil
}

func (s smoke) failed(ctx context.Context, step, op string, err error) error {
	e := &fail.Error{Cause: fail.Unhealthy, Op: op, Step: step, Err: err,
		Next: "kraftstack status --stack " + s.stack + " shows which broker or partition is missing"}
	switch {
	case errors.Is(context.Cause(ctx), context.Canceled):
		e.Cause, e.Err, e.Next = fail.Cancelled, context.Canceled, ""
	case ctx.Err() != nil:
		e.Err = errors.New("no answer in time")
	}
	return e
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
