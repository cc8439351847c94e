package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a waiting process looks whether a lock is free.
const lockPoll = 200 * time.Millisecond

// Lock takes an exclusive lock on a file, which it makes where it is missing.
// While another process holds it, waiting is called once with that process's id
// ("?" when it is not known) and Lock waits until the lock is free or ctx ends.
// The lock ends with the process at the latest.
func Lock(ctx context.Context, path string, waiting func(holder string)) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	if err := waitForLock(ctx, f, waiting); err != nil {
		f.Close()
		return nil, err
	}
	// Who holds it is for messages only, so a failure to note it is none of ours.
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return func() { f.Close() }, nil
}

func waitForLock(ctx context.Context, f *os.File, waiting func(string)) error {
	ticker := time.NewTicker(lockPoll)
	defer ticker.Stop()
	for told := false; ; {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		if !told && waiting != nil {
			waiting(holder(f))
			told = true
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the lock %s, held by process %s: %w", f.Name(), holder(f), ctx.Err())
		}
	}
}

func holder(f *os.File) string {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 32))
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return pid
	}
	return "?"
}
