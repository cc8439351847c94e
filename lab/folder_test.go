package lab

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestFolderOfSomebodyElseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := prepareFolder(dir); err == nil || !strings.Contains(err.Error(), "KRAFTSTACK_LAB_DIR") {
		t.Errorf("prepare: %v", err)
	}
	if err := removeFolder(dir); err == nil {
		t.Error("a folder that is no lab's was removed")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestFolderComesAndGoes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "lab")
	for range 2 { // a second `up` finds it
		if err := prepareFolder(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeFolder(dir); err != nil {
		t.Fatal(err)
	}
	if err := removeFolder(dir); err != nil {
		t.Errorf("removing it again: %v", err)
	}
}

func TestFolderWithAMountIsKept(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	dir := filepath.Join(t.TempDir(), "lab")
	if err := prepareFolder(dir); err != nil {
		t.Fatal(err)
	}
	point := filepath.Join(dir, backendName)
	if err := unix.Mount("none", point, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(point, unix.MNT_DETACH) })
	if err := removeFolder(dir); err == nil || !strings.Contains(err.Error(), point) {
		t.Errorf("error is %v", err)
	}
}

func TestLockFolderFollowsARemovedOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	if err := prepareFolder(dir); err != nil {
		t.Fatal(err)
	}
	unlock, err := lockFolder(t.Context(), dir, func() { t.Error("a free lock made us wait") })
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan struct{})
	got := make(chan error, 1)
	go func() {
		_, err := lockFolder(t.Context(), dir, func() { close(waiting) })
		got <- err
	}()
	<-waiting
	if err := removeFolder(dir); err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := <-got; !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock of a removed folder gives %v", err)
	}
}

func TestLockFolderEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockFolder(t.Context(), dir, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := lockFolder(ctx, dir, func() {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}
