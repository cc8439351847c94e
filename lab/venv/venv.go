// Package venv brings Python programs in the versions that are pinned here, each
// in a virtual environment of its own.
package venv

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Venv is a virtual environment.
type Venv struct {
	Name string // what it is for: its folder's name, and how it is called in messages
	// Requirements pin every package in it, one NAME==VERSION a line: nothing
	// else is installed.
	Requirements []byte
}

// recipe changes whenever the steps of fill do.
const recipe = "1"

// ErrNoPython means that no Python with the venv module was found.
var ErrNoPython = errors.New("no python3 with the venv module was found; " +
	"next: install the Debian package python3-venv")

// Ensure returns the environment's Python. It makes the environment below
// cacheDir when it is not there, which takes up to a minute and needs the Python
// package index; progress then gets a line for each step, and may be nil.
func (v Venv) Ensure(ctx context.Context, cacheDir string, progress io.Writer) (string, error) {
	if progress == nil {
		progress = io.Discard
	}
	if dir, ok := v.find(cacheDir); ok {
		return pythonOf(dir), nil
	}
	base := filepath.Join(cacheDir, v.Name)
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for %s: %w", v.Name, err)
	}
	unlock, err := lockFile(ctx, filepath.Join(base, ".lock"))
	if err != nil {
		return "", fmt.Errorf("wait for another set-up of %s: %w", v.Name, err)
	}
	defer unlock()
	if dir, ok := v.find(cacheDir); ok {
		return pythonOf(dir), nil
	}
	python, err := findPython(ctx)
	if err != nil {
		return "", err
	}
	dir := v.dir(cacheDir, python)
	if err := v.fill(ctx, python, dir, progress); err != nil {
		return "", err
	}
	return pythonOf(dir), nil
}

// Ready says whether Ensure has nothing to do.
func (v Venv) Ready(cacheDir string) bool {
	_, ok := v.find(cacheDir)
	return ok
}

func (v Venv) find(cacheDir string) (string, bool) {
	for _, python := range pythons() {
		dir := v.dir(cacheDir, python)
		if _, err := os.Stat(filepath.Join(dir, "complete")); err == nil {
			return dir, true
		}
	}
	return "", false
}

// pythons lists where a Python may be: the system's own first, since that is
// what python3-venv belongs to.
func pythons() []string {
	found := []string{}
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		// The real name carries the version: an upgraded Python needs a new venv.
		if target, err := filepath.EvalSymlinks(path); err == nil {
			found = append(found, target)
		}
	}
	return found
}

func findPython(ctx context.Context) (string, error) {
	for _, python := range pythons() {
		// ensurepip is the part of venv that Debian packages apart.
		if exec.CommandContext(ctx, python, "-c", "import venv, ensurepip").Run() == nil {
			return python, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return "", ErrNoPython
}

func (v Venv) dir(cacheDir, python string) string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%s\n", recipe, python)
	hash.Write(v.Requirements)
	return filepath.Join(cacheDir, v.Name, hex.EncodeToString(hash.Sum(nil))[:16])
}

func pythonOf(dir string) string { return filepath.Join(dir, "bin", "python") }

// fill builds in place, because a virtual environment names its own path in its
// scripts; a file "complete", written last, tells a whole one from a torn one.
func (v Venv) fill(ctx context.Context, python, dir string, progress io.Writer) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the unfinished %s: %w", v.Name, err)
	}
	began := time.Now()
	fmt.Fprintf(progress, "%s: making a virtual environment with %s\n", v.Name, filepath.Base(python))
	if err := run(ctx, "make the virtual environment", python, "-m", "venv", dir); err != nil {
		return err
	}
	list := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(list, v.Requirements, 0o644); err != nil {
		return fmt.Errorf("write the requirements of %s: %w", v.Name, err)
	}
	count := bytes.Count(v.Requirements, []byte("=="))
	fmt.Fprintf(progress, "%s: installing %d pinned Python packages\n", v.Name, count)
	pip := []string{"-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"}
	install := append(append([]string{}, pip...), "install", "--no-deps", "-r", list)
	if err := run(ctx, "install "+v.Name, pythonOf(dir), install...); err != nil {
		return fmt.Errorf("%w; next: see that the Python package index can be reached, and run this again", err)
	}
	if err := run(ctx, "check the packages of "+v.Name, pythonOf(dir), append(pip, "check")...); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "complete"), nil, 0o644); err != nil {
		return fmt.Errorf("finish %s: %w", v.Name, err)
	}
	fmt.Fprintf(progress, "%s: ready in %.0f s\n", v.Name, time.Since(began).Seconds())
	return nil
}

func run(ctx context.Context, step, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", step, err, lastLines(string(out), 5))
	}
	return nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "; ")
}

// lockFile takes an exclusive lock that ends with the process at the latest.
func lockFile(ctx context.Context, path string) (func(), error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			file.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}
