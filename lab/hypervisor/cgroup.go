package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const cgroupRoot = "/sys/fs/cgroup"

// killPatience bounds the wait for killed processes, and then for the kernel to
// let their groups go.
const killPatience = 20 * time.Second

// cgroups are the control groups of one host, one in each hierarchy. A host
// must have its own: systemd in one host would otherwise kill another's units.
// They are also how a host is found again: whatever runs in them is its.
type cgroups []string

// hierarchies lists the cgroup mounts that a host's systemd or the lab uses:
// the one of a pure v2 machine, or systemd's own, v2's, and the memory
// controller's of a v1 machine.
func hierarchies() []string {
	var st unix.Statfs_t
	if unix.Statfs(cgroupRoot, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
		return []string{cgroupRoot}
	}
	var found []string
	for _, name := range []string{"systemd", "unified", "memory"} {
		dir := filepath.Join(cgroupRoot, name)
		err := unix.Statfs(dir, &st)
		if err == nil && (st.Type == unix.CGROUP_SUPER_MAGIC || st.Type == unix.CGROUP2_SUPER_MAGIC) {
			found = append(found, dir)
		}
	}
	return found
}

func cgroupsOf(name string) cgroups {
	var dirs cgroups
	for _, dir := range hierarchies() {
		dirs = append(dirs, filepath.Join(dir, name))
	}
	return dirs
}

func (c cgroups) ensure() error {
	if len(c) == 0 {
		return fmt.Errorf("no cgroup hierarchy is mounted at %s: hosts cannot be kept apart", cgroupRoot)
	}
	for _, dir := range c {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make control group: %w", err)
		}
	}
	return nil
}

// pids lists every process in the groups and below, sorted.
func (c cgroups) pids() []int {
	var all []int
	for _, dir := range c {
		// Groups vanish while they are walked: what is gone has no processes.
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				all = append(all, pidsIn(path)...)
			}
			return nil
		})
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func pidsIn(group string) (pids []int) {
	content, _ := os.ReadFile(filepath.Join(group, "cgroup.procs"))
	for field := range strings.FieldsSeq(string(content)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// kill ends every process in the groups and waits for the last of them.
func (c cgroups) kill(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, killPatience)
	defer cancel()
	return poll(ctx, "the processes in "+filepath.Base(c.first())+" to end", func() bool {
		pids := c.pids()
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		return len(pids) == 0
	})
}

func (c cgroups) first() string {
	if len(c) == 0 {
		return "no control group"
	}
	return c[0]
}

// remove deletes the empty groups, deepest first. The kernel calls a group busy
// for a moment after its last process has ended.
func (c cgroups) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, killPatience)
	defer cancel()
	var last error
	err := poll(ctx, "control groups to be empty", func() bool {
		last = c.removeOnce()
		return !errors.Is(last, unix.EBUSY)
	})
	return errors.Join(err, last)
}

func (c cgroups) removeOnce() error {
	var errs []error
	for _, dir := range c {
		var dirs []string
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		slices.Reverse(dirs)
		for _, path := range dirs {
			if err := unix.Rmdir(path); err != nil && !errors.Is(err, unix.ENOENT) {
				errs = append(errs, fmt.Errorf("remove control group %s: %w", path, err))
			}
		}
	}
	return errors.Join(errs...)
}

// memory is what the group's processes hold without the page cache, in bytes;
// 0 where no memory controller counts it.
func (c cgroups) memory() int64 {
	for _, dir := range c {
		content, err := os.ReadFile(filepath.Join(dir, "memory.stat"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(content)) {
			fields := strings.Fields(line)
			if len(fields) == 2 && (fields[0] == "total_rss" || fields[0] == "anon") {
				n, _ := strconv.ParseInt(fields[1], 10, 64)
				return n
			}
		}
	}
	return 0
}
