package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// socketDir is short, because the name of a socket has 108 bytes at most.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ks")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestClientAndSocket(t *testing.T) {
	dir := socketDir(t)
	// A dead daemon's socket must not be in the way.
	if err := os.WriteFile(SocketPath(dir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want := Status{Daemon: Process{PID: 7}, Cloud: Cloud{URL: "http://127.0.0.1:1", Alive: true}, Faults: []string{"hold-boot"}}
	ctx, stop := context.WithCancel(t.Context())
	var faults []string
	a := &api{
		log:    slog.New(slog.DiscardHandler),
		status: func() Status { return want },
		stop:   stop,
		fault: func(name string, on bool) error {
			if name != "hold-boot" || !on {
				return errors.New("no fault " + name)
			}
			faults = append(faults, name)
			return nil
		},
	}
	ended := make(chan error, 1)
	go func() { ended <- a.serve(ctx, SocketPath(dir)) }()
	c := NewClient(dir)
	waitFor(t, func() bool { _, err := c.Status(t.Context()); return err == nil })

	got, err := c.Status(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("status differs, %v:\n%s", err, diff)
	}
	if err := c.Fault(t.Context(), "hold-boot", true); err != nil || len(faults) != 1 {
		t.Errorf("fault: %v, %v", err, faults)
	}
	if err := c.Fault(t.Context(), "nonsense", true); err == nil || !strings.Contains(err.Error(), "no fault nonsense") {
		t.Errorf("an unknown fault gives %v", err)
	}
	info, err := os.Stat(SocketPath(dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket mode: %v, %v", info, err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after the stop: %v", err)
	}
}

func TestClientWithoutALab(t *testing.T) {
	_, err := NewClient(filepath.Join(t.TempDir(), "none")).Status(t.Context())
	if !errors.Is(err, ErrNotRunning) {
		t.Errorf("error is %v", err)
	}
}

func TestStateIsKept(t *testing.T) {
	dir := t.TempDir()
	want := state{Providers: map[string]int{"aws": 1, "tls": 2}}
	if err := want.save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := loadState(dir)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("state differs, %v:\n%s", err, diff)
	}
	if err := os.WriteFile(filepath.Join(dir, stateName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadState(dir); err == nil || !strings.Contains(err.Error(), "lab down") {
		t.Errorf("a broken state gives %v", err)
	}
}
