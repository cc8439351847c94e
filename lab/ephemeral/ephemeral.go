// Package ephemeral keeps account of the lab's stacks that are there for a
// while, such as one for each pull request: which there are, where their files
// lie, and how old they are. The account lies in the lab's folder, and goes
// with it.
package ephemeral

import (
	_ "embed" // the template
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// template is the file of such a stack.
//
//go:embed stack.yaml
var template []byte

// Stack is one stack that is there for a while.
type Stack struct {
	Name    string    `json:"name"`
	Project string    `json:"project"` // the folder that its file lies in
	Made    time.Time `json:"made"`
}

// File is the path of the stack's file.
func (s Stack) File() string { return filepath.Join(s.Project, "Pulumi."+s.Name+".yaml") }

// Age is how long ago the stack was made.
func (s Stack) Age(now time.Time) time.Duration { return now.Sub(s.Made) }

// Make writes the file of a new stack into a project's folder and puts the stack
// on the account of a lab. An existing file is refused: it may be another's.
func Make(labDir, project, name string, now time.Time) (Stack, error) {
	s := Stack{Name: name, Project: project, Made: now.UTC()}
	if _, err := os.Stat(s.File()); err == nil {
		return s, fmt.Errorf("%s is there already", s.File())
	}
	account, err := json.Marshal(s)
	if err != nil {
		return s, fmt.Errorf("note stack %s: %w", name, err)
	}
	// First the account: a file without it would never be removed.
	if err := os.MkdirAll(folder(labDir), 0o700); err != nil {
		return s, fmt.Errorf("note stack %s: %w", name, err)
	}
	if err := os.WriteFile(entry(labDir, name), account, 0o600); err != nil {
		return s, fmt.Errorf("note stack %s: %w", name, err)
	}
	return s, s.Restore()
}

// Restore writes the stack's file unless it is there: a checkout may have been
// removed before its stack.
func (s Stack) Restore() error {
	if err := os.MkdirAll(s.Project, 0o755); err != nil {
		return fmt.Errorf("write the file of stack %s: %w", s.Name, err)
	}
	f, err := os.OpenFile(s.File(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write the file of stack %s: %w", s.Name, err)
	}
	_, err = f.Write(template)
	return errors.Join(err, f.Close())
}

// Forget takes a stack off the account, and its file with it.
func (s Stack) Forget(labDir string) error {
	for _, path := range []string{s.File(), entry(labDir, s.Name)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("forget stack %s: %w", s.Name, err)
		}
	}
	return nil
}

// List is the account of a lab, the oldest first.
func List(labDir string) ([]Stack, error) {
	files, err := filepath.Glob(entry(labDir, "*"))
	if err != nil {
		return nil, fmt.Errorf("list the stacks that are there for a while: %w", err)
	}
	var all []Stack
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("list the stacks that are there for a while: %w", err)
		}
		var s Stack
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Stack) int { return a.Made.Compare(b.Made) })
	return all, nil
}

func folder(labDir string) string      { return filepath.Join(labDir, "ephemeral") }
func entry(labDir, name string) string { return filepath.Join(folder(labDir), name+".json") }
