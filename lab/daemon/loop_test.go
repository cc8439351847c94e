package daemon

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kraftstack/lab/cloud"
)

// script answers the loop and notes how often it is asked.
type script struct {
	snapshotErr  error
	reconcileErr error
	read, made   int
}

func (s *script) Snapshot(context.Context) (cloud.Snapshot, error) {
	s.read++
	return cloud.Snapshot{}, s.snapshotErr
}

func (s *script) Reconcile(context.Context, cloud.Snapshot) error {
	s.made++
	return s.reconcileErr
}

func startLoop(t *testing.T, s *script) (chan struct{}, *problems) {
	t.Helper()
	changes := make(chan struct{}, 100)
	found := &problems{}
	l := &loop{cloud: s, hosts: s, problems: found, log: slog.New(slog.DiscardHandler), timing: defaultTiming()}
	go l.run(t.Context(), changes)
	synctest.Wait()
	return changes, found
}

func TestLoopActsOnceOnABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		changes, _ := startLoop(t, s)
		if s.made != 1 {
			t.Fatalf("reconciled %d times at the start", s.made)
		}
		for range 20 {
			changes <- struct{}{}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s.made != 2 {
			t.Errorf("a burst made it %d", s.made)
		}
	})
}

func TestLoopTriesAgainAndSaysWhatIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{reconcileErr: errors.New("no disk")}
		_, found := startLoop(t, s)
		if got := found.list(); !slices.Equal(got, []string{"hosts: no disk"}) {
			t.Errorf("problems are %q", got)
		}
		s.reconcileErr = nil
		time.Sleep(retryTime + time.Millisecond)
		synctest.Wait()
		if got := found.list(); s.made != 2 || len(got) != 0 {
			t.Errorf("after the retry: made %d, problems %q", s.made, got)
		}
	})
}

func TestLoopDoesNotTouchHostsWithoutACloud(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{snapshotErr: errors.New("connection refused")}
		_, found := startLoop(t, s)
		time.Sleep(10 * retryTime)
		synctest.Wait()
		if s.made != 0 || s.read < 10 {
			t.Errorf("read %d times, made %d", s.read, s.made)
		}
		if got := found.list(); !slices.Equal(got, []string{"cloud: connection refused"}) {
			t.Errorf("problems are %q", got)
		}
	})
}

func TestLoopLooksNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		startLoop(t, s)
		time.Sleep(checkTime + time.Millisecond)
		synctest.Wait()
		if s.made != 2 {
			t.Errorf("made %d", s.made)
		}
	})
}
