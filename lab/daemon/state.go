package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The names of what the daemon keeps in the lab's folder.
const (
	stateName  = "daemon.json"
	lockName   = "daemon.lock"
	logName    = "daemon.log"
	socketName = "lab.sock"
)

// SocketPath is where the daemon of a lab answers.
func SocketPath(labDir string) string { return filepath.Join(labDir, socketName) }

// LogPath is where the daemon of a lab writes what it does.
func LogPath(labDir string) string { return filepath.Join(labDir, logName) }

// LockPath is the file that the running daemon of a lab holds. It names the
// process in its text.
func LockPath(labDir string) string { return filepath.Join(labDir, lockName) }

// state is what a daemon passes on to the next one of the same lab. The ports
// stay the same, so that a shell which got them from `lab env` goes on working.
type state struct {
	// Providers has the TCP port on loopback of each provider by name.
	Providers map[string]int `json:"providers,omitempty"`
}

func loadState(labDir string) (state, error) {
	var s state
	path := filepath.Join(labDir, stateName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read the daemon's state: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("read the daemon's state %s: %w; next: take the lab down with `kraftstack lab down`", path, err)
	}
	return s, nil
}

// save replaces the file in one move, so that a crash leaves the old or the
// new state and nothing between.
func (s state) save(labDir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the daemon's state: %w", err)
	}
	path := filepath.Join(labDir, stateName)
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("save the daemon's state: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("save the daemon's state: %w", err)
	}
	return nil
}
