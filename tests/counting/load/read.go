package load

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"kraftstack/tests/counting/check"
)

// reader reads every partition from its beginning, assigned by hand: no group,
// whose commits would tell nothing of the log.
type reader struct {
	name   string
	client *kgo.Client

	mu    sync.Mutex
	seen  map[int32][]check.Record
	moved chan struct{} // something new was seen
}

func newReader(cfg Config, name string) (*reader, error) {
	from := map[int32]kgo.Offset{}
	for p := range cfg.Partitions {
		from[p] = kgo.NewOffset().AtStart()
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ClientID("counting-reader"),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{cfg.Topic: from}),
		kgo.MetadataMinAge(metadataAge),
		kgo.RetryBackoffFn(func(int) time.Duration { return retryPause }),
	}, cfg.Client...)...)
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", name, err)
	}
	return &reader{name: name, client: client, seen: map[int32][]check.Record{}, moved: make(chan struct{}, 1)}, nil
}

// follow reads until the client is closed. An error of a fetch is the client's
// to repeat: what it never brings is missing in the end.
func (r *reader) follow() {
	for {
		fetches := r.client.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		r.mu.Lock()
		fetches.EachRecord(func(record *kgo.Record) {
			id, intact, err := check.Parse(record.Value)
			r.seen[record.Partition] = append(r.seen[record.Partition], check.Record{
				Offset: record.Offset, ID: id, Intact: intact, Foreign: err != nil,
			})
		})
		r.mu.Unlock()
		select {
		case r.moved <- struct{}{}:
		default:
		}
	}
}

// reach waits until everything before the end offsets was read, as long as
// there is something new every half minute. What is missing then is for the
// checks to tell.
func (r *reader) reach(ctx context.Context, ends map[int32]int64) error {
	const patience = 30 * time.Second
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for !r.past(ends) {
		select {
		case <-r.moved:
			timer.Reset(patience)
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", r.name, ctx.Err())
		}
	}
	return nil
}

func (r *reader) past(ends map[int32]int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, end := range ends {
		if records := r.seen[p]; end > 0 && (len(records) == 0 || records[len(records)-1].Offset < end-1) {
			return false
		}
	}
	return true
}

func (r *reader) reading() check.Reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	copied := make(map[int32][]check.Record, len(r.seen))
	for p, records := range r.seen {
		copied[p] = slices.Clone(records)
	}
	return check.Reading{Name: r.name, Partitions: copied}
}

func (r *reader) close() { r.client.Close() }
