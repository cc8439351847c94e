package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Destroy removes everything the lab has on the machine: hosts (their plug is
// pulled), mounts, loop devices, volumes with their data, namespaces, control
// groups. It needs nothing but the state file and what the machine shows, works
// after any crash, and may be repeated. The Hypervisor is closed by it.
func (h *Hypervisor) Destroy(ctx context.Context) error {
	errs := []error{h.Close()}
	h.mu.Lock()
	defer h.mu.Unlock()
	// Those that a killed daemon had only just started may not be in a control
	// group yet.
	for _, pid := range h.processesLeft() {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	names, err := h.machineNames()
	errs = append(errs, err)
	var group errgroup.Group
	for _, name := range names {
		group.Go(func() error {
			groups := cgroupsOf(name)
			return errors.Join(groups.kill(ctx), groups.remove(ctx))
		})
	}
	errs = append(errs, group.Wait(), h.removeNamespaces(), h.unmountAll())
	errs = append(errs, releaseLoops(ctx, filepath.Join(h.cfg.Dir, "volumes")))
	if h.state.Redirects {
		errs = append(errs, applyNFT(ctx, "", removeTable(redirectTable(h.prefix))))
	}
	for _, dir := range []string{"/run/systemd/nspawn/propagate", "/run/systemd/nspawn/unix-export"} {
		leftovers, err := filepath.Glob(filepath.Join(dir, h.prefix+"*"))
		errs = append(errs, err)
		for _, path := range leftovers {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	// The state file goes last and only after success: it is the way to try again.
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("take the lab's hosts down: %w; run it again", err)
	}
	for _, name := range []string{"hosts", "images", "volumes", "console", filepath.Base(statePath(h.cfg.Dir))} {
		if err := os.RemoveAll(filepath.Join(h.cfg.Dir, name)); err != nil {
			return fmt.Errorf("remove the lab's files: %w", err)
		}
	}
	h.state = newState()
	return nil
}

// machineNames lists the hosts by what the machine has, not by the state alone:
// every control group with the lab's prefix.
func (h *Hypervisor) machineNames() ([]string, error) {
	names := map[string]bool{}
	for id := range h.state.Hosts {
		names[h.hostName(id)] = true
	}
	for _, dir := range hierarchies() {
		found, err := filepath.Glob(filepath.Join(dir, h.prefix+"*"))
		if err != nil {
			return nil, fmt.Errorf("list control groups: %w", err)
		}
		for _, path := range found {
			names[filepath.Base(path)] = true
		}
	}
	return sortedKeys(names), nil
}

func (h *Hypervisor) removeNamespaces() error {
	paths, err := filepath.Glob(netnsPath(h.prefix + "*"))
	errs := []error{err}
	for _, path := range paths {
		errs = append(errs, removeNetns(filepath.Base(path)))
	}
	return errors.Join(errs...)
}

// unmountAll unmounts everything below the lab's hosts folder, the newest first.
func (h *Hypervisor) unmountAll() error {
	points, err := h.mountsHere()
	if err != nil {
		return err
	}
	var errs []error
	for _, point := range points {
		if err := unix.Unmount(point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) {
			errs = append(errs, fmt.Errorf("unmount %s: %w", point, err))
		}
	}
	return errors.Join(errs...)
}

func (h *Hypervisor) mountsHere() ([]string, error) {
	points, err := mountPoints()
	if err != nil {
		return nil, err
	}
	var here []string
	for _, point := range slices.Backward(points) {
		if strings.HasPrefix(point, filepath.Join(h.cfg.Dir, "hosts")+"/") {
			here = append(here, point)
		}
	}
	return here, nil
}

// Leftovers lists what of this lab is on the machine: after Destroy, nothing.
func (h *Hypervisor) Leftovers() ([]string, error) {
	var found []string
	patterns := []string{netnsPath(h.prefix + "*"), "/run/systemd/nspawn/*/" + h.prefix + "*", filepath.Join(h.cfg.Dir, "hosts", "*"), filepath.Join(h.cfg.Dir, "volumes", "*")}
	for _, dir := range hierarchies() {
		patterns = append(patterns, filepath.Join(dir, h.prefix+"*"))
	}
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("look for what the lab left: %w", err)
		}
		found = append(found, paths...)
	}
	points, err := h.mountsHere()
	if err != nil {
		return nil, err
	}
	for _, point := range points {
		found = append(found, "mount "+point)
	}
	loops, err := loopsOf(filepath.Join(h.cfg.Dir, "volumes"))
	if err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(loops) {
		found = append(found, "loop device "+name)
	}
	for _, pid := range h.processesLeft() {
		found = append(found, fmt.Sprintf("process %d", pid))
	}
	tables, err := exec.Command("nft", "list", "tables").Output()
	if err != nil {
		return nil, fmt.Errorf("list the machine's packet filter tables: %w", err)
	}
	if strings.Contains(string(tables), redirectTable(h.prefix)) {
		found = append(found, "packet filter table "+redirectTable(h.prefix))
	}
	return found, nil
}

// processesLeft finds machines of this lab wherever they are, by the name that
// their supervisor was given.
func (h *Hypervisor) processesLeft() []int {
	var found []int
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(content), "\x00--machine="+h.prefix) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			found = append(found, pid)
		}
	}
	return found
}
