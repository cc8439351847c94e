package daemon

import (
	"context"
	"log/slog"
	"time"

	"kraftstack/lab/cloud"
)

// A change is settled for settleTime before it is acted on, since changes come
// in bursts. What failed is tried again after retryTime, and the cloud is read
// every checkTime even when nobody told of a change.
const (
	settleTime = 30 * time.Millisecond
	retryTime  = 2 * time.Second
	checkTime  = 30 * time.Second
)

// wanted is where the wanted state is read.
type wanted interface {
	Snapshot(ctx context.Context) (cloud.Snapshot, error)
}

// maker makes a wanted state true.
type maker interface {
	Reconcile(ctx context.Context, snapshot cloud.Snapshot) error
}

// loop makes true what the cloud says, each time it changes.
type loop struct {
	cloud    wanted
	hosts    maker
	problems *problems
	log      *slog.Logger
	timing   timing
}

// timing is what a test shortens.
type timing struct{ settle, retry, check time.Duration }

func defaultTiming() timing { return timing{settle: settleTime, retry: retryTime, check: checkTime} }

// run reconciles once, and then after each change, until ctx ends.
func (l *loop) run(ctx context.Context, changes <-chan struct{}) {
	for {
		wait := l.timing.check
		if !l.once(ctx) {
			wait = l.timing.retry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-changes:
			timer.Stop()
			settle(ctx, changes, l.timing.settle)
		}
	}
}

// settle returns when no change has come for a while, or after ten such whiles.
func settle(ctx context.Context, changes <-chan struct{}, quiet time.Duration) {
	end := time.NewTimer(10 * quiet)
	defer end.Stop()
	for {
		still := time.NewTimer(quiet)
		select {
		case <-changes:
			still.Stop()
		case <-still.C:
			return
		case <-end.C:
			still.Stop()
			return
		case <-ctx.Done():
			still.Stop()
			return
		}
	}
}

// once reads the cloud and makes it true. It reports whether all went well.
func (l *loop) once(ctx context.Context) bool {
	snapshot, err := l.cloud.Snapshot(ctx)
	if ctx.Err() != nil {
		return true
	}
	l.problems.set("cloud", err)
	if err != nil {
		l.log.Error("read the cloud", "error", err)
		return false
	}
	err = l.hosts.Reconcile(ctx, snapshot)
	if ctx.Err() != nil {
		return true
	}
	l.problems.set("hosts", err)
	if err != nil {
		l.log.Error("make the cloud true", "error", err)
	}
	return err == nil
}
