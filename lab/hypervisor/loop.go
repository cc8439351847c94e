package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const gib = 1 << 30

// loopsOf lists the loop devices, such as loop3, whose backing file lies at or
// below path. The kernel is asked each time: it cannot be out of date.
func loopsOf(path string) (map[string]string, error) {
	files, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return nil, fmt.Errorf("list loop devices: %w", err)
	}
	found := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // detached since it was listed
		}
		backing := strings.TrimSuffix(strings.TrimSpace(string(content)), " (deleted)")
		if backing == path || strings.HasPrefix(backing, path+"/") {
			found[filepath.Base(filepath.Dir(filepath.Dir(file)))] = backing
		}
	}
	return found, nil
}

// ensureVolumeFile makes the volume's sparse file, or grows it: a new one is
// blank, and an EBS volume never shrinks.
func ensureVolumeFile(path string, sizeGiB int) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder for volumes: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("make the volume's file: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("look at the volume's file: %w", err)
	}
	if want := int64(sizeGiB) * gib; info.Size() < want {
		if err := file.Truncate(want); err != nil {
			return fmt.Errorf("size the volume's file: %w", err)
		}
	}
	return nil
}

// ensureLoop returns the loop device of the file, attaching one if there is
// none, and makes it see the file's present size.
func ensureLoop(path string) (string, error) {
	loops, err := loopsOf(path)
	if err != nil {
		return "", err
	}
	for _, name := range sortedKeys(loops) {
		return name, resizeLoop(name)
	}
	// Another program may take the free device first: then ask for the next.
	for range 32 {
		name, err := attachLoop(path)
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, unix.EBUSY) {
			return "", err
		}
	}
	return "", errors.New("attach a loop device: all are busy; free some with losetup -d")
}

func attachLoop(path string) (string, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("open loop control: %w", err)
	}
	defer func() { _ = control.Close() }()
	number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return "", fmt.Errorf("find a free loop device: %w", err)
	}
	name := fmt.Sprintf("loop%d", number)
	device, err := os.OpenFile(filepath.Join("/dev", name), os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("open the free loop device: %w", err)
	}
	defer func() { _ = device.Close() }()
	backing, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("open the volume's file: %w", err)
	}
	defer func() { _ = backing.Close() }()
	config := unix.LoopConfig{Fd: uint32(backing.Fd())}
	if err := unix.IoctlLoopConfigure(int(device.Fd()), &config); err != nil {
		return "", fmt.Errorf("attach %s to the volume's file: %w", name, err)
	}
	return name, nil
}

func resizeLoop(name string) error {
	device, err := os.OpenFile(filepath.Join("/dev", name), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open loop device %s: %w", name, err)
	}
	defer func() { _ = device.Close() }()
	if err := unix.IoctlSetInt(int(device.Fd()), unix.LOOP_SET_CAPACITY, 0); err != nil {
		return fmt.Errorf("resize loop device %s: %w", name, err)
	}
	return nil
}

// releaseLoops detaches every loop device of the files at or below path and
// waits until the kernel has let go: a device that is still mounted somewhere
// stays until it is unmounted.
func releaseLoops(ctx context.Context, path string) error {
	loops, err := loopsOf(path)
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(loops) {
		if err := detachLoop(name); err != nil {
			return err
		}
	}
	return poll(ctx, "the kernel to let go of "+path, func() bool {
		left, err := loopsOf(path)
		return err == nil && len(left) == 0
	})
}

func detachLoop(name string) error {
	device, err := os.OpenFile(filepath.Join("/dev", name), os.O_RDONLY, 0)
	if err != nil {
		return fmt.Errorf("open loop device %s: %w", name, err)
	}
	defer func() { _ = device.Close() }()
	err = unix.IoctlSetInt(int(device.Fd()), unix.LOOP_CLR_FD, 0)
	if err != nil && !errors.Is(err, unix.ENXIO) {
		return fmt.Errorf("detach loop device %s: %w", name, err)
	}
	return nil
}

// deviceNumbers are the major and minor of a loop device.
func deviceNumbers(name string) (major, minor uint32, err error) {
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join("/dev", name), &st); err != nil {
		return 0, 0, fmt.Errorf("look at loop device %s: %w", name, err)
	}
	return unix.Major(st.Rdev), unix.Minor(st.Rdev), nil
}
