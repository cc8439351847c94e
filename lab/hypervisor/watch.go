package hypervisor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// diskWatch does what udev does on a real machine: when a program that wrote to
// a disk closes it, the disk is looked at again, so that /dev/disk/by-uuid
// follows a mkfs within milliseconds.
type diskWatch struct {
	file *os.File

	mu    sync.Mutex
	calls map[int32]func()
}

func newDiskWatch() (*diskWatch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch disks: %w", err)
	}
	watch := &diskWatch{file: os.NewFile(uintptr(fd), "inotify"), calls: map[int32]func(){}}
	go watch.run()
	return watch, nil
}

// add calls changed after each write to the device node at path has ended. The
// watch goes by itself when the node does.
func (w *diskWatch) add(path string, changed func()) error {
	raw, err := w.file.SyscallConn()
	if err != nil {
		return fmt.Errorf("watch disk %s: %w", path, err)
	}
	var wd int
	var added error
	err = raw.Control(func(fd uintptr) {
		wd, added = unix.InotifyAddWatch(int(fd), path, unix.IN_CLOSE_WRITE)
	})
	if err := errors.Join(err, added); err != nil {
		return fmt.Errorf("watch disk %s: %w", path, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[int32(wd)] = changed
	return nil
}

func (w *diskWatch) close() error { return w.file.Close() }

func (w *diskWatch) run() {
	buffer := make([]byte, 16*1024)
	for {
		n, err := w.file.Read(buffer)
		if err != nil {
			return // closed
		}
		for rest := buffer[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			wd := int32(binary.NativeEndian.Uint32(rest))
			mask := binary.NativeEndian.Uint32(rest[4:])
			size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(rest[12:]))
			w.dispatch(wd, mask)
			rest = rest[min(size, len(rest)):]
		}
	}
}

func (w *diskWatch) dispatch(wd int32, mask uint32) {
	w.mu.Lock()
	changed := w.calls[wd]
	if mask&unix.IN_IGNORED != 0 {
		delete(w.calls, wd)
		changed = nil
	}
	w.mu.Unlock()
	if changed != nil {
		changed()
	}
}
