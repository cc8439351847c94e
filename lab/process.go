package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"kraftstack/lab/daemon"
)

// endDaemon stops the lab's daemon, if there is one: by its socket, then by
// SIGTERM, then by SIGKILL. It returns when the daemon's lock is free. Hosts
// run on.
func endDaemon(ctx context.Context, labDir string) error {
	lock := daemon.LockPath(labDir)
	if free, err := lockFree(lock); free || err != nil {
		return err
	}
	_ = daemon.NewClient(labDir).Stop(ctx) // a daemon that hangs gets signals below
	if waitFree(ctx, lock, stopTimeout) == nil {
		return nil
	}
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		pid, err := daemonProcess(lock)
		if err != nil {
			return err
		}
		if err := unix.Kill(pid, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("end the lab's daemon, process %d: %w", pid, err)
		}
		if err := waitFree(ctx, lock, stopTimeout); err == nil {
			return nil
		}
	}
	return fmt.Errorf("the lab's daemon holds %s even after SIGKILL; next: see which process has it open with `fuser %s`", lock, lock)
}

// daemonProcess reads which process holds the lock, and refuses one that does
// not look like the daemon: process ids are used again.
func daemonProcess(lock string) (int, error) {
	text, err := os.ReadFile(lock)
	if err != nil {
		return 0, fmt.Errorf("find the lab's daemon: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("find the lab's daemon: %s names no process; next: see which process has it open with `fuser %s`", lock, lock)
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return 0, fmt.Errorf("find the lab's daemon, process %d: %w", pid, err)
	}
	if !strings.Contains(string(line), "\x00lab\x00daemon\x00") {
		return 0, fmt.Errorf("process %d holds %s and is not the lab's daemon; next: end it by hand", pid, lock)
	}
	return pid, nil
}

// lockFree tries the lock for a moment.
func lockFree(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the lab's daemon: %w", err)
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the lab's daemon: lock %s: %w", path, err)
	}
	return true, nil
}

// waitFree waits for one condition: nobody holds the lock.
func waitFree(ctx context.Context, path string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(daemonPoll)
	defer ticker.Stop()
	for {
		if free, err := lockFree(path); free || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until %s is free: %w", path, ctx.Err())
		}
	}
}
