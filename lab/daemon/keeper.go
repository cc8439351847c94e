package daemon

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"kraftstack/lab/cloud"
	"kraftstack/lab/control"
)

// keeper keeps the AWS API alive and tells of changes in its cloud.
type keeper struct {
	cfg      control.Config
	log      *slog.Logger
	problems *problems
	changes  chan struct{} // holds at most one note

	mu       sync.Mutex
	api      *control.Control
	alive    bool
	restarts int
}

// start runs the API, or takes over the one that runs.
func (k *keeper) start(ctx context.Context) error {
	api, err := control.Start(ctx, k.cfg)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.api, k.alive = api, true
	return nil
}

func (k *keeper) current() *control.Control {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.api
}

func (k *keeper) url() string { return k.current().URL() }

// Snapshot reads the cloud.
func (k *keeper) Snapshot(ctx context.Context) (cloud.Snapshot, error) {
	return k.current().Snapshot(ctx)
}

// watch waits for changes and passes each on. When the API does not answer it
// is brought back, with the same cloud: the API's journal sees to that.
func (k *keeper) watch(ctx context.Context) {
	version := int64(-1)
	for ctx.Err() == nil {
		now, err := k.current().Changes(ctx, version)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			k.log.Error("the AWS API does not answer", "error", err)
			version = -1
			if err := k.bringBack(ctx); errors.Is(err, control.ErrGone) {
				<-ctx.Done() // no further try brings it back, and status says so
			} else if err != nil {
				pause(ctx, retryTime)
			}
		case now != version:
			version = now
			k.tell()
		}
	}
}

// tell leaves a note unless one lies there.
func (k *keeper) tell() {
	select {
	case k.changes <- struct{}{}:
	default:
	}
}

// bringBack starts the API again if it is gone.
func (k *keeper) bringBack(ctx context.Context) error {
	if k.current().Alive(ctx) {
		return nil
	}
	k.mark(false)
	k.problems.set("aws", errors.New("the API does not answer and is being started again"))
	if err := k.start(ctx); err != nil {
		k.problems.set("aws", err)
		k.log.Error("start the AWS API again", "error", err)
		return err
	}
	k.mu.Lock()
	k.restarts++
	k.mu.Unlock()
	k.problems.set("aws", nil)
	k.log.Info("the AWS API is back with the same cloud", "url", k.url())
	k.tell()
	return nil
}

func (k *keeper) mark(alive bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.alive = alive
}

func (k *keeper) status() Cloud {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Cloud{URL: k.api.URL(), PID: k.api.Pid(), Alive: k.alive, Restarts: k.restarts}
}

// pause waits for a time or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
