package daemon

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// maxLogBytes bounds the log: when it is reached the file becomes the one old
// file, so that a lab left running takes twice this at most.
const maxLogBytes = 4 << 20

// logFile is an append-only file that turns over at a size. The process's own
// output streams follow it, so that a crash of the runtime is written there too.
type logFile struct {
	mu   sync.Mutex
	path string
	max  int64
	file *os.File
	size int64
}

func openLog(path string, limit int64) (*logFile, error) {
	l := &logFile{path: path, max: limit}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open the daemon's log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("open the daemon's log: %w", err)
	}
	l.file, l.size = f, info.Size()
	return nil
}

func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size+int64(len(p)) > l.max {
		if err := l.turnOver(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

// turnOver makes the full file the old one and begins a new one.
func (l *logFile) turnOver() error {
	if err := os.Rename(l.path, l.path+".old"); err != nil {
		return err
	}
	full := l.file
	if err := l.open(); err != nil {
		l.file = full
		return err
	}
	follow(int(full.Fd()), int(l.file.Fd()))
	return full.Close()
}

// follow points the standard streams to the new file where they point to the
// full one. It changes nothing for a daemon that runs in a terminal.
func follow(full, fresh int) {
	var was unix.Stat_t
	if unix.Fstat(full, &was) != nil {
		return
	}
	for _, stream := range []int{unix.Stdout, unix.Stderr} {
		var now unix.Stat_t
		if unix.Fstat(stream, &now) == nil && now.Dev == was.Dev && now.Ino == was.Ino {
			_ = unix.Dup3(fresh, stream, 0)
		}
	}
}

func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
