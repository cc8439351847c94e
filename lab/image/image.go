// Package image builds the lab's machine image: a Debian root directory that
// looks like Ubuntu's cloud image to whoever logs in and boots in a few seconds
// as a container. Hosts run on overlays above it, so it must never change once
// it is there: another recipe is another directory.
package image

import (
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

	"golang.org/x/sys/unix"
)

const suite = "bookworm"

// packages are what a host needs before its own set-up begins. Ubuntu's image
// has most of them; Java is here because hosts have no package mirror.
// python3-cffi-backend is named because debootstrap does not follow the virtual
// package by which python3-cryptography asks for it.
var packages = []string{
	"systemd", "systemd-sysv", "dbus", "openssh-server", "iproute2", "iputils-ping", "procps",
	"ca-certificates", "curl", "sudo", "xfsprogs", "locales", "cloud-init", "python3",
	"python3-cffi-backend", "libnss-myhostname", "openjdk-17-jre-headless", "netbase", "util-linux",
}

//go:embed finish.sh
var finish string

// recipe is everything that decides what the image contains.
func recipe() string {
	return strings.Join([]string{suite, strings.Join(packages, ","), finish}, "\n")
}

func directory(cacheDir string) string {
	sum := sha256.Sum256([]byte(recipe()))
	return filepath.Join(cacheDir, "image", hex.EncodeToString(sum[:8]))
}

// Ready says whether Ensure would find the image built. It costs one stat.
func Ready(cacheDir string) bool {
	info, err := os.Stat(directory(cacheDir))
	return err == nil && info.IsDir()
}

// Ensure returns the image's root directory below cacheDir, building it first
// when this recipe has not been built there: about two minutes and 500 MB. The
// build happens beside its final place and is renamed when it is complete, so
// an interrupted build is never taken for an image. Two callers at once build
// it once. What the build prints goes to progress.
func Ensure(ctx context.Context, cacheDir string, progress io.Writer) (string, error) {
	root := directory(cacheDir)
	if Ready(cacheDir) {
		return root, nil
	}
	parent := filepath.Dir(root)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("make the image folder: %w", err)
	}
	unlock, err := lock(filepath.Join(parent, ".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if Ready(cacheDir) {
		return root, nil
	}
	if err := sweep(parent); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(parent, ".building-")
	if err != nil {
		return "", fmt.Errorf("make a folder to build the image in: %w", err)
	}
	if err := build(ctx, work, progress); err != nil {
		return "", errors.Join(err, remove(work))
	}
	if err := os.Rename(work, root); err != nil {
		return "", errors.Join(fmt.Errorf("put the image in its place: %w", err), remove(work))
	}
	return root, nil
}

func build(ctx context.Context, work string, progress io.Writer) error {
	if os.Geteuid() != 0 {
		return errors.New("build the machine image: debootstrap needs root; run this as root")
	}
	args := []string{"--variant=minbase", "--include=" + strings.Join(packages, ","), suite, work}
	if mirror := machineMirror(ctx); mirror != "" {
		args = append(args, mirror)
	}
	if err := run(ctx, progress, nil, "debootstrap", args...); err != nil {
		return fmt.Errorf("build the machine image: %w; what it printed is in %s", err, keepLog(work))
	}
	// MkdirTemp makes it private, and the hosts' users live below it.
	if err := os.Chmod(work, 0o755); err != nil {
		return fmt.Errorf("open the image to its users: %w", err)
	}
	if err := run(ctx, progress, strings.NewReader(finish), "chroot", work, "/bin/bash", "-s"); err != nil {
		return fmt.Errorf("finish the machine image: %w", err)
	}
	return nil
}

// machineMirror is the mirror that this machine's own apt uses for the suite,
// so that the image is built where the machine's packages come from. Empty
// means debootstrap's default.
func machineMirror(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)").Output()
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[1] == suite && fields[2] == "main" {
			return strings.TrimSuffix(fields[0], "/")
		}
	}
	return ""
}

// keepLog saves debootstrap's own log from the folder that is about to go, and
// returns where it is.
func keepLog(work string) string {
	kept := filepath.Join(filepath.Dir(work), "debootstrap.log")
	content, err := os.ReadFile(filepath.Join(work, "debootstrap", "debootstrap.log"))
	if err != nil || os.WriteFile(kept, content, 0o644) != nil {
		return "the lines above"
	}
	return kept
}

func run(ctx context.Context, progress io.Writer, stdin io.Reader, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, progress, progress
	// The C locale is the one that is in the image at every step.
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// lock holds path exclusively until the returned function is called or the
// process ends.
func lock(path string) (func(), error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the image's lock: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("wait for another build of the image: %w", err), file.Close())
	}
	return func() { _ = file.Close() }, nil
}
