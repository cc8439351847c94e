package automation

import (
	"context"
	"errors"
	"io"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// Watcher receives an operation's engine events, in order and from one
// goroutine.
type Watcher func(apitype.EngineEvent)

// Up makes the stack what its file says; with a plan, exactly what the plan
// says.
func (s *Stack) Up(ctx context.Context, watch Watcher) error {
	return s.run(ctx, "up", watch, func(stream chan<- events.EngineEvent) error {
		_, err := s.inner.Up(ctx, optup.EventStreams(stream), optup.SuppressOutputs(),
			optup.Target(s.options.Targets), optup.Plan(s.options.Plan), optup.Message(s.options.Message),
			optup.ProgressStreams(io.Discard), optup.ErrorProgressStreams(io.Discard))
		return err
	})
}

// Preview computes what Up would do, and writes it to the plan if one is asked
// for. It changes nothing and dials no host.
func (s *Stack) Preview(ctx context.Context, watch Watcher) error {
	if err := s.preparePlan(); err != nil {
		return err
	}
	return s.run(ctx, "preview", watch, func(stream chan<- events.EngineEvent) error {
		_, err := s.inner.Preview(ctx, optpreview.EventStreams(stream),
			optpreview.Target(s.options.Targets), optpreview.Plan(s.options.Plan),
			optpreview.ProgressStreams(io.Discard), optpreview.ErrorProgressStreams(io.Discard))
		return err
	})
}

// Refresh reads the cloud into the state: what was changed or removed behind
// the program's back. It sees no drift inside hosts.
func (s *Stack) Refresh(ctx context.Context, watch Watcher) error {
	return s.run(ctx, "refresh", watch, func(stream chan<- events.EngineEvent) error {
		_, err := s.inner.Refresh(ctx, optrefresh.EventStreams(stream),
			optrefresh.Target(s.options.Targets), optrefresh.Message(s.options.Message),
			optrefresh.ProgressStreams(io.Discard), optrefresh.ErrorProgressStreams(io.Discard))
		return err
	})
}

// PreviewRefresh tells what Refresh would find, and changes nothing.
func (s *Stack) PreviewRefresh(ctx context.Context, watch Watcher) error {
	return s.run(ctx, "compare with the cloud", watch, func(stream chan<- events.EngineEvent) error {
		_, err := s.inner.PreviewRefresh(ctx, optrefresh.EventStreams(stream), optrefresh.Target(s.options.Targets),
			optrefresh.ProgressStreams(io.Discard), optrefresh.ErrorProgressStreams(io.Discard))
		return err
	})
}

// Destroy removes everything the stack made, unless its protection is on. The stack itself stays, empty, with
// its history.
func (s *Stack) Destroy(ctx context.Context, watch Watcher) error {
	if err := s.checkProtection(ctx); err != nil {
		return err
	}
	return s.run(ctx, "destroy", watch, func(stream chan<- events.EngineEvent) error {
		_, err := s.inner.Destroy(ctx, optdestroy.EventStreams(stream), optdestroy.Message(s.options.Message),
			optdestroy.ProgressStreams(io.Discard), optdestroy.ErrorProgressStreams(io.Discard))
		return err
	})
}

// run runs an operation and classifies its failure. A stack that is not there is
// made first, where the stack was opened so.
func (s *Stack) run(
	ctx context.Context, name string, watch Watcher, operate func(chan<- events.EngineEvent) error,
) error {
	op := name + " stack " + s.Name
	var seen failures
	err := drained(watch, &seen, operate)
	if isMissing(err) {
		if !s.create {
			return notDeployed(s.Name)
		}
		if err = s.inner.Workspace().CreateStack(ctx, s.Name); err == nil {
			err = drained(watch, &seen, operate)
		}
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), ctx.Err(), err)
	}
	return Classify(op, err, &seen)
}

// drained reads the events beside the operation: the SDK's sender blocks while
// nobody reads, and on its error path it may leave the stream open, so the end
// of the operation ends the reading too.
func drained(watch Watcher, seen *failures, operate func(chan<- events.EngineEvent) error) error {
	stream := make(chan events.EngineEvent)
	done := make(chan struct{})
	read := make(chan struct{})
	go func() {
		defer close(read)
		for {
			select {
			case event, open := <-stream:
				if !open {
					return
				}
				if event.Error == nil {
					seen.note(event.EngineEvent)
					watch(event.EngineEvent)
				}
			case <-done:
				return
			}
		}
	}()
	err := operate(stream)
	close(done)
	<-read
	return err
}
