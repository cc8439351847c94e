package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// sweep removes what builds that were killed have left in parent. The caller
// holds the lock, so none of them is still running.
func sweep(parent string) error {
	dirs, err := filepath.Glob(filepath.Join(parent, ".building-*"))
	if err != nil {
		return fmt.Errorf("look for unfinished image builds: %w", err)
	}
	var errs []error
	for _, dir := range dirs {
		errs = append(errs, remove(dir))
	}
	return errors.Join(errs...)
}

// remove deletes an unfinished root. debootstrap mounts /proc and /sys in it
// and leaves them when it is killed: they go first, because deleting through
// them would reach the machine itself.
func remove(dir string) error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("read the mount table: %w", err)
	}
	mounts := mountsBelow(string(table), dir)
	for _, point := range mounts {
		if err := unix.Unmount(point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			return fmt.Errorf("unmount %s of an unfinished image build: %w", point, err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove an unfinished image build: %w", err)
	}
	return nil
}

// mountsBelow lists the mount points at or below dir in a mountinfo table,
// deepest first.
func mountsBelow(table, dir string) []string {
	var found []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		if point := fields[4]; point == dir || strings.HasPrefix(point, dir+"/") {
			found = append(found, point)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return len(b) - len(a) })
	return found
}
