// Package load produces numbered values at a steady rate, follows them with a
// reader, and reads the whole topic again at the end: what package check
// judges.
package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"kraftstack/tests/counting/check"
)

// Config is how a run is made.
type Config struct {
	Client     []kgo.Opt // how to reach the cluster
	Topic      string    // made if it is not there; nobody else may write to it
	Partitions int32
	Replicas   int16
	Producers  int
	Rate       int // records a second, of all producers together
	Size       int // bytes of a value
	// DeliveryTimeout is after how long a producer gives a record up; its
	// outcome is unknown then. Kafka's own client has 120 s by default.
	DeliveryTimeout time.Duration
	// Settle is how long the run waits, at its end, for all replicas to be in
	// sync.
	Settle time.Duration
	Limits check.Limits
}

// Run is a run that goes on. Begin, End and Acked may be called from any
// goroutine.
type Run struct {
	cfg       Config
	began     time.Time
	producers []*producer
	follower  *reader
	stop      context.CancelFunc
	working   sync.WaitGroup

	mu       sync.Mutex
	evidence check.Evidence
	acked    int
	before   int                      // acknowledged when the last action ended
	open     map[string]time.Duration // actions that have begun
}

// Start makes the topic and begins to produce and to follow.
func Start(ctx context.Context, cfg Config) (*Run, error) {
	cfg.Limits.Replicas = int(cfg.Replicas)
	r := &Run{cfg: cfg, open: map[string]time.Duration{}}
	if err := r.createTopic(ctx); err != nil {
		return nil, err
	}
	var err error
	if r.evidence.Before, err = r.identity(ctx); err != nil {
		return nil, err
	}
	r.evidence.Limits = cfg.Limits
	if r.follower, err = newReader(cfg, "the following reader"); err != nil {
		return nil, err
	}
	for i := range cfg.Producers {
		p, err := newProducer(r, i)
		if err != nil {
			return nil, err
		}
		r.producers = append(r.producers, p)
	}
	var working context.Context
	working, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.began = time.Now()
	for _, p := range r.producers {
		r.working.Go(func() { p.produce(working) })
	}
	go r.follower.follow()
	return r, nil
}

// now is the time since the run began.
func (r *Run) now() time.Duration { return time.Since(r.began) }

// Begin notes that something is being done to the cluster.
func (r *Run) Begin(action string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[action] = r.now()
}

// End notes that it is done.
func (r *Run) End(action string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	begin, ok := r.open[action]
	if !ok {
		return fmt.Errorf("action %q has not begun", action)
	}
	delete(r.open, action)
	r.evidence.Actions = append(r.evidence.Actions, check.Action{Name: action, Begin: begin, End: r.now()})
	r.before = r.acked
	return nil
}

// Acked is how many records were acknowledged so far.
func (r *Run) Acked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.acked
}

func (r *Run) note(s check.Send) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.evidence.Sends = append(r.evidence.Sends, s)
	if s.Outcome == check.Acked {
		r.acked++
	}
}

// Stop ends producing, waits for every outcome, and reads everything again.
// The error is of the reading: without it there is nothing to judge.
func (r *Run) Stop(ctx context.Context) (check.Evidence, error) {
	r.awaitRecovery(ctx)
	r.stop()
	r.working.Wait()
	r.mu.Lock()
	r.evidence.Length = r.now()
	r.mu.Unlock()
	var errs []error
	for _, p := range r.producers {
		errs = append(errs, p.close(ctx))
	}
	defer r.follower.close()
	if err := errors.Join(errs...); err != nil {
		return check.Evidence{}, err
	}
	if err := r.readAgain(ctx); err != nil {
		return check.Evidence{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.evidence, nil
}

// awaitRecovery goes on for as long as the last action's end may take to be followed by the
// acknowledgements that are wanted after it: a run that is told to stop at once would
// be judged by what it had no time for.
func (r *Run) awaitRecovery(ctx context.Context) {
	r.mu.Lock()
	actions, wanted := len(r.evidence.Actions), r.before+r.cfg.Limits.AcksAfter
	r.mu.Unlock()
	if actions == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Limits.Within)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for r.Acked() < wanted {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return // the judge tells of it
		}
	}
}

// readAgain gathers what there is at the end.
func (r *Run) readAgain(ctx context.Context) error {
	replicas, ends, err := r.settled(ctx)
	if err != nil {
		return err
	}
	final, err := newReader(r.cfg, "the final reader")
	if err != nil {
		return err
	}
	defer final.close()
	go final.follow()
	for _, reader := range []*reader{final, r.follower} {
		if err := reader.reach(ctx, ends); err != nil {
			return err
		}
	}
	after, err := r.identity(ctx)
	if err != nil {
		return err
	}
	copies, err := r.copies(ctx, replicas, ends)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.evidence.Final, r.evidence.Followed = final.reading(), r.follower.reading()
	r.evidence.After, r.evidence.Replicas = after, copies
	return nil
}
