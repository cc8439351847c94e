package engine_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"kraftstack/internal/automation"
	"kraftstack/internal/fail"
)

// heldLock: while a lock is held, nothing else changes the stack; and it leaves no
// trace, however the holding ends.
func heldLock(t *testing.T, s *stack) {
	state, history := traces(t, s)
	ended := errors.New("how it ended")
	err := automation.WithLock(t.Context(), s.dir, s.name, "patch", func(ctx context.Context) error {
		lockedOut(t, s.run((*automation.Stack).Up).err)
		lockedOut(t, automation.WithLock(ctx, s.dir, s.name, "patch", func(context.Context) error {
			t.Error("two hold the lock")
			return nil
		}))
		_, err := automation.Unlock(ctx, s.dir, s.name, 0, false)
		lockedOut(t, err)
		return ended
	})
	if !errors.Is(err, ended) {
		t.Errorf("what is done under the lock ended with %v", err)
	}
	free(t, s)

	cancelled, cancel := context.WithCancel(t.Context())
	err = automation.WithLock(cancelled, s.dir, s.name, "patch", func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run ended with %v", err)
	}
	free(t, s)
	var failure *fail.Error
	err = automation.WithLock(cancelled, s.dir, s.name, "patch", func(context.Context) error { return nil })
	if !errors.As(err, &failure) || failure.Cause != fail.Cancelled {
		t.Errorf("a run that was cancelled before ended with %v", err)
	}
	free(t, s)
	lostLock(t, s)

	stateAfter, historyAfter := traces(t, s)
	if stateAfter != state || historyAfter != history {
		t.Errorf("the state was changed, or its history: %d entries, and then %d", history, historyAfter)
	}
	s.run((*automation.Stack).Up).nothing(t, "up after the lock was held")
}

// lostLock: whoever kills the engine that holds the lock ends what is done under it.
func lostLock(t *testing.T, s *stack) {
	err := automation.WithLock(t.Context(), s.dir, s.name, "patch", func(ctx context.Context) error {
		held, err := automation.Holder(ctx, s.dir, s.name)
		if err != nil || held == nil {
			t.Fatalf("the lock is held by %v (%v)", held, err)
		}
		if err := syscall.Kill(held.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		return context.Cause(ctx)
	})
	lockedOut(t, err)
	if !strings.Contains(err.Error(), "was lost") {
		t.Errorf("it is not said that the lock was lost: %v", err)
	}
	if held, err := automation.Unlock(t.Context(), s.dir, s.name, 0, false); held == nil || err != nil {
		t.Errorf("the lock that is left: %v (%v)", held, err)
	}
}

// lockedOut wants a failure that says that another run has the lock.
func lockedOut(t *testing.T, err error) {
	t.Helper()
	var failure *fail.Error
	if !errors.As(err, &failure) || failure.Cause != fail.Locked || failure.Next == "" {
		t.Errorf("beside a held lock: %v", err)
		return
	}
	if text := err.Error(); !strings.Contains(text, "lost") && (!strings.Contains(text, "(pid ") || !strings.Contains(text, "since 20")) {
		t.Errorf("who holds the lock, since when, is not told: %v", err)
	}
}

// free wants nobody to hold the lock.
func free(t *testing.T, s *stack) {
	t.Helper()
	if held, err := automation.Holder(t.Context(), s.dir, s.name); held != nil || err != nil {
		t.Errorf("the lock is held %v (%v)", held, err)
	}
}

// traces are the stack's state, and how many operations its history has.
func traces(t *testing.T, s *stack) (state string, history int) {
	t.Helper()
	text, err := automation.Export(t.Context(), s.dir, s.name)
	if err != nil {
		t.Fatal(err)
	}
	past, err := automation.History(t.Context(), s.dir, s.name, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), len(past)
}
