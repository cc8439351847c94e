package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"kraftstack/tests/counting/check"
)

const (
	pace   = 10 * time.Millisecond // records are handed to the client in steps
	linger = 5 * time.Millisecond  // Kafka's own client waits as long, from 4.0 on
	// A client that looks for a moved leader no more often than every few
	// seconds measures itself.
	metadataAge = 250 * time.Millisecond
	retryPause  = 100 * time.Millisecond
)

// producer is idempotent, wants acknowledgement by all replicas in sync, and
// never sends a value twice itself.
type producer struct {
	run    *Run
	number int
	client *kgo.Client
	seq    map[int32]int64
	next   int32 // partition
}

func newProducer(r *Run, number int) (*producer, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ClientID(fmt.Sprintf("counting-producer-%d", number)),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RecordDeliveryTimeout(r.cfg.DeliveryTimeout),
		kgo.ProducerLinger(linger),
		kgo.MetadataMinAge(metadataAge),
		kgo.RetryBackoffFn(func(int) time.Duration { return retryPause }),
	}, r.cfg.Client...)...)
	if err != nil {
		return nil, fmt.Errorf("set up producer %d: %w", number, err)
	}
	return &producer{run: r, number: number, client: client, seq: map[int32]int64{}}, nil
}

// produce keeps the rate until ctx ends. What a slow cluster holds up is
// caught up with as soon as the client takes records again.
func (p *producer) produce(ctx context.Context) {
	rate := float64(p.run.cfg.Rate) / float64(p.run.cfg.Producers)
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	sent := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for due := int(p.run.now().Seconds() * rate); sent < due && ctx.Err() == nil; sent++ {
			p.send(ctx)
		}
	}
}

func (p *producer) send(ctx context.Context) {
	partition := p.next
	p.next = (p.next + 1) % p.run.cfg.Partitions
	id := check.ID{Producer: p.number, Partition: partition, Seq: p.seq[partition]}
	p.seq[partition]++
	s := check.Send{ID: id, Begin: p.run.now()}
	record := &kgo.Record{Topic: p.run.cfg.Topic, Partition: partition, Value: id.Bytes(p.run.cfg.Size)}
	// A record keeps its own time: the end of producing must not make its
	// outcome unknown.
	p.client.Produce(context.WithoutCancel(ctx), record, func(written *kgo.Record, err error) {
		s.End = p.run.now()
		s.Outcome, s.Offset = outcome(err), written.Offset
		p.run.note(s)
	})
}

// outcome of a send. Only what the broker itself says of a record that it did
// not write is a refusal; of everything else nobody can know.
func outcome(err error) check.Outcome {
	var said *kerr.Error
	switch {
	case err == nil:
		return check.Acked
	case errors.As(err, &said) && !said.Retriable && said != kerr.UnknownServerError:
		return check.Refused
	}
	return check.Unknown
}

// close waits until every record has its outcome.
func (p *producer) close(ctx context.Context) error {
	defer p.client.Close()
	ctx, cancel := context.WithTimeout(ctx, p.run.cfg.DeliveryTimeout+time.Minute)
	defer cancel()
	if err := p.client.Flush(ctx); err != nil {
		return fmt.Errorf("producer %d: %d records have no outcome: %w", p.number, p.client.BufferedProduceRecords(), err)
	}
	return nil
}
