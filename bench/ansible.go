package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"kraftstack/lab/setup"
)

// ansibleDir is the playbook's folder below the project's.
const ansibleDir = "bench/ansible"

// ensureAnsible returns the folder of a virtual environment's programs that
// holds the pinned ansible-core. It lies in the cache under a name made from
// the list of packages, and is made when it is not there.
func (b *bench) ensureAnsible(ctx context.Context) (string, error) {
	list := filepath.Join(b.source, ansibleDir, "requirements.txt")
	packages, err := os.ReadFile(list)
	if err != nil {
		return "", fmt.Errorf("read the list of Ansible's packages: %w", err)
	}
	python, err := findPython(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(python+"\n"), packages...))
	base := filepath.Join(b.cache, "ansible")
	dir := filepath.Join(base, hex.EncodeToString(sum[:])[:16])
	complete := filepath.Join(dir, "complete")
	if _, err := os.Stat(complete); err == nil {
		return filepath.Join(dir, "bin"), nil
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for Ansible: %w", err)
	}
	unlock, err := setup.Lock(ctx, filepath.Join(base, "lock"), func(holder string) {
		b.sayf("waiting for process %s, which sets Ansible up", holder)
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	b.sayf("setting up ansible-core in %s", dir)
	steps := [][]string{
		{python, "-m", "venv", "--clear", dir},
		{filepath.Join(dir, "bin", "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "install", "--no-deps", "-r", list},
	}
	for _, step := range steps {
		if text, err := exec.CommandContext(ctx, step[0], step[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("set up ansible-core: %w: %s; next: check that the Python package index can be reached", err, tail(string(text), 5))
		}
	}
	return filepath.Join(dir, "bin"), os.WriteFile(complete, nil, 0o644)
}

// findPython prefers the system's own, which python3-venv belongs to.
func findPython(ctx context.Context) (string, error) {
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		path, err := exec.LookPath(name)
		if err == nil && exec.CommandContext(ctx, path, "-c", "import venv, ensurepip").Run() == nil {
			return path, nil
		}
	}
	return "", errors.New("no python3 with the venv module was found; next: install the Debian package python3-venv")
}

// tail is the last lines of a text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
