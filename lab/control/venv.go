package control

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
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

// requirements pins moto and everything below it: the extension reaches private
// parts of moto, so another version is another program.
//
//go:embed requirements.txt
var requirements []byte

// recipe changes whenever the steps of makeVenv do.
const recipe = "1"

// ErrNoPython means that no Python with the venv module was found.
var ErrNoPython = errors.New("no python3 with the venv module was found; " +
	"next: install the Debian package python3-venv")

// EnsureVenv returns the Python of a virtual environment that holds the pinned
// moto. It makes the environment below cacheDir when it is not there, which
// takes about half a minute and needs the Python package index; progress then
// gets a line for each step, and may be nil.
func EnsureVenv(ctx context.Context, cacheDir string, progress io.Writer) (string, error) {
	if progress == nil {
		progress = io.Discard
	}
	if dir, ok := readyVenv(cacheDir); ok {
		return venvPython(dir), nil
	}
	base := filepath.Join(cacheDir, "moto")
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for moto: %w", err)
	}
	unlock, err := lockFile(ctx, filepath.Join(base, ".lock"))
	if err != nil {
		return "", fmt.Errorf("wait for another set-up of moto: %w", err)
	}
	defer unlock()
	if dir, ok := readyVenv(cacheDir); ok {
		return venvPython(dir), nil
	}
	python, err := findPython(ctx)
	if err != nil {
		return "", err
	}
	dir := venvDir(cacheDir, python)
	if err := makeVenv(ctx, python, dir, progress); err != nil {
		return "", err
	}
	return venvPython(dir), nil
}

// VenvReady says whether EnsureVenv has nothing to do.
func VenvReady(cacheDir string) bool {
	_, ok := readyVenv(cacheDir)
	return ok
}

func readyVenv(cacheDir string) (string, bool) {
	for _, python := range pythons() {
		dir := venvDir(cacheDir, python)
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

func venvDir(cacheDir, python string) string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%s\n", recipe, python)
	hash.Write(requirements)
	return filepath.Join(cacheDir, "moto", hex.EncodeToString(hash.Sum(nil))[:16])
}

func venvPython(dir string) string { return filepath.Join(dir, "bin", "python") }

// makeVenv builds in place, because a virtual environment names its own path in
// its scripts; a file "complete", written last, tells a whole one from a torn one.
func makeVenv(ctx context.Context, python, dir string, progress io.Writer) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the unfinished moto: %w", err)
	}
	began := time.Now()
	fmt.Fprintf(progress, "moto: making a virtual environment with %s\n", filepath.Base(python))
	if err := run(ctx, "make the virtual environment", python, "-m", "venv", dir); err != nil {
		return err
	}
	list := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(list, requirements, 0o644); err != nil {
		return fmt.Errorf("write moto's requirements: %w", err)
	}
	count := bytes.Count(requirements, []byte("=="))
	fmt.Fprintf(progress, "moto: installing %d pinned Python packages\n", count)
	pip := []string{"-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"}
	install := append(append([]string{}, pip...), "install", "--no-deps", "-r", list)
	if err := run(ctx, "install moto", venvPython(dir), install...); err != nil {
		return fmt.Errorf("%w; next: see that the Python package index can be reached, and run this again", err)
	}
	if err := run(ctx, "check moto's packages", venvPython(dir), append(pip, "check")...); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "complete"), nil, 0o644); err != nil {
		return fmt.Errorf("finish moto: %w", err)
	}
	fmt.Fprintf(progress, "moto: ready in %.0f s\n", time.Since(began).Seconds())
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
	err = waitFor(ctx, func() (bool, error) {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		file.Close()
		return nil, err
	}
	return func() { file.Close() }, nil
}

// waitFor asks a condition about ten times a second until it holds, fails, or
// the context ends.
func waitFor(ctx context.Context, condition func() (bool, error)) error {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		if done, err := condition(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
