package automation

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/internal/fail"
)

// errHeldOnly ends the program that holds a lock: nothing of it is to be done.
var errHeldOnly = errors.New("the lock alone was wanted")

// WithLock does something while this process holds the lock of a stack's state, as
// up does, and lets go of it however that ends. do's context ends when the lock is
// lost. Where another run holds the lock, do is not called, and the failure says who
// does, since when. verb is what the person is told that failed.
//
// The backends have no command that holds a lock and does nothing. An update of which
// the preview is not left out holds it from before its preview on: its program waits
// here until do has ended, and then fails, which ends a preview without a trace in the
// state or in its history. So the lock is the engine's own, in every backend of files
// and buckets, and a process that dies lets go of it.
func WithLock(ctx context.Context, dir, stack, verb string, do func(context.Context) error) error {
	held, release := make(chan struct{}), make(chan struct{})
	cli := newCommand(ctx)
	cli.previews = true
	s, err := open(ctx, dir, stack, func(asked *pulumi.Context) error {
		close(held)
		select {
		case <-release:
		case <-asked.Context().Done(): // the engine has ended, which ends its call
		}
		return errHeldOnly
	}, cli)
	if err != nil {
		return err
	}
	// The lock outlives a context that ends: what do has begun it ends before.
	engine, interrupt := context.WithCancel(context.WithoutCancel(ctx))
	defer interrupt()
	ended := make(chan error, 1)
	go func() {
		defer close(ended)
		ended <- s.hold(engine, verb)
	}()
	select {
	case <-held:
	case err := <-ended:
		return err
	case <-ctx.Done():
		close(release)
		interrupt()
		await(ended)
		return Classify(verb+" stack "+stack, errors.Join(context.Cause(ctx), ctx.Err()), nil)
	}
	return whileHeld(ctx, stack, verb, ended, release, do)
}

// whileHeld calls do, and then lets go of the lock.
func whileHeld(ctx context.Context, stack, verb string, ended <-chan error, release chan<- struct{}, do func(context.Context) error) error {
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	lost, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		await(ended)
		close(lost)
		stop(errors.New("the engine that held the stack's lock has ended"))
	}()
	defer func() {
		close(release)
		<-over
	}()
	err := do(working)
	select {
	case <-lost:
	default:
		return err
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	return &fail.Error{
		Cause: fail.Locked, Op: verb + " stack " + stack, Err: fmt.Errorf("the lock of the stack's state was lost: %w", err),
		Next: "see who took it (kraftstack status --stack " + stack + "), then run the same command again: it goes on where this one stopped",
	}
}

// await returns when the update that holds the lock has ended, however it did: it fails in
// any case.
func await(ended <-chan error) {
	for range ended {
	}
}

// hold runs the update that holds the lock. It never succeeds.
func (s *Stack) hold(ctx context.Context, verb string) error {
	return s.run(ctx, verb, func(apitype.EngineEvent) {}, func(stream chan<- events.EngineEvent) error {
		_, err := s.inner.Up(ctx, optup.EventStreams(stream), optup.ProgressStreams(io.Discard), optup.ErrorProgressStreams(io.Discard))
		return err
	})
}
