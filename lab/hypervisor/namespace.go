package hypervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

const netnsDir = "/run/netns"

func netnsPath(name string) string { return filepath.Join(netnsDir, name) }

// onOwnThread runs fn on a thread that is in no goroutine's hands but this one,
// and gives the thread back only in the network namespace that it came from.
// Where that fails the goroutine ends with the thread still locked, and the
// runtime throws the thread away.
func onOwnThread(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := unix.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			done <- fmt.Errorf("open this thread's network namespace: %w", err)
			return
		}
		defer func() { _ = unix.Close(home) }()
		err = fn()
		if unix.Setns(home, unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// inNetns runs fn with its thread in the named network namespace. Sockets that
// fn opens stay in that namespace for good.
func inNetns(name string, fn func() error) error {
	return onOwnThread(func() error {
		fd, err := unix.Open(netnsPath(name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open network namespace %s: %w", name, err)
		}
		defer func() { _ = unix.Close(fd) }()
		if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace %s: %w", name, err)
		}
		return fn()
	})
}

// netnsExists says whether the name is a mounted namespace. A plain file, left
// by a crash between making it and mounting on it, does not count.
func netnsExists(name string) bool {
	var st unix.Statfs_t
	return unix.Statfs(netnsPath(name), &st) == nil && st.Type == unix.NSFS_MAGIC
}

// ensureNetns makes the named network namespace unless it is there.
func ensureNetns(name string) error {
	if netnsExists(name) {
		return nil
	}
	if err := os.MkdirAll(netnsDir, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", netnsDir, err)
	}
	file, err := os.OpenFile(netnsPath(name), os.O_CREATE|os.O_RDONLY, 0o444)
	if err != nil {
		return fmt.Errorf("make network namespace %s: %w", name, err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("make network namespace %s: %w", name, err)
	}
	return onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make network namespace %s: %w", name, err)
		}
		self := fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid())
		if err := unix.Mount(self, netnsPath(name), "none", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("name network namespace %s: %w", name, err)
		}
		return nil
	})
}

// removeNetns takes the name away; the namespace and the links in it go with
// their last user. It is no error when it is not there.
func removeNetns(name string) error {
	path := netnsPath(name)
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove network namespace %s: %w", name, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove network namespace %s: %w", name, err)
	}
	return nil
}

// sysctl sets net.* keys in the current thread's network namespace. key is a
// path below /proc/sys/net.
func sysctl(key, value string) error {
	if err := os.WriteFile(filepath.Join("/proc/sys/net", key), []byte(value), 0o644); err != nil {
		return fmt.Errorf("set net/%s to %s: %w", key, value, err)
	}
	return nil
}
