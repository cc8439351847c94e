// Package image builds the lab's machine images: a Debian root directory that
// looks like Ubuntu's cloud image to whoever logs in and boots in a few seconds
// as a container; a layer upon it with Java, which is an image of the lab's own;
// and a package archive that hosts without that layer install Java from. Hosts run
// on overlays above them, so they must never change once they are there: another
// recipe is another directory.
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
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const suite = "bookworm"

// Prepared is the image that has Java: hosts that boot from it begin several
// seconds later in their set-up. The AMIs with public names have none, as on AWS.
const Prepared = "ami-0123456789abcdea0"

// packages are what a host needs before its own set-up begins, and what Ubuntu's
// image has. python3-cffi-backend is named because debootstrap does not follow the
// virtual package by which python3-cryptography asks for it.
var packages = []string{
	"systemd", "systemd-sysv", "dbus", "openssh-server", "iproute2", "iputils-ping", "procps",
	"ca-certificates", "curl", "sudo", "xfsprogs", "locales", "cloud-init", "python3",
	"python3-cffi-backend", "libnss-myhostname", "netbase", "util-linux",
}

// java is what kafka-node installs for a JVM where there is none: of those that it
// tries, the one that the suite has.
const java = "openjdk-17-jre-headless"

//go:embed finish.sh
var finish string

//go:embed layer.sh
var layer string

// Images says where they are.
type Images struct {
	Root    string // the root directory
	Java    string // the layer upon it with Java
	Archive string // the folder of packages, with their index
}

func at(dir string) Images {
	return Images{Root: filepath.Join(dir, "root"), Java: filepath.Join(dir, "java"), Archive: filepath.Join(dir, "archive")}
}

// recipe is everything that decides what the image contains.
func recipe() string {
	return strings.Join([]string{suite, strings.Join(packages, ","), finish, java, layer}, "\n")
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

// Ensure returns where the images are below cacheDir, building them first
// when this recipe has not been built there: about two minutes and 600 MB. The
// build happens beside its final place and is renamed when it is complete, so
// an interrupted build is never taken for an image. Two callers at once build
// it once. What the build prints goes to progress.
func Ensure(ctx context.Context, cacheDir string, progress io.Writer) (Images, error) {
	dir := directory(cacheDir)
	if Ready(cacheDir) {
		return at(dir), nil
	}
	return at(dir), makeImages(ctx, cacheDir, dir, progress)
}

func makeImages(ctx context.Context, cacheDir, dir string, progress io.Writer) error {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make the image folder: %w", err)
	}
	unlock, err := lock(filepath.Join(parent, ".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if Ready(cacheDir) {
		return nil
	}
	if err := sweep(parent); err != nil {
		return err
	}
	work, err := os.MkdirTemp(parent, ".building-")
	if err != nil {
		return fmt.Errorf("make a folder to build the image in: %w", err)
	}
	if err := build(ctx, work, progress); err != nil {
		return errors.Join(err, remove(work))
	}
	if err := os.Rename(work, dir); err != nil {
		return errors.Join(fmt.Errorf("put the image in its place: %w", err), remove(work))
	}
	return nil
}

func build(ctx context.Context, work string, progress io.Writer) error {
	if os.Geteuid() != 0 {
		return errors.New("build the machine image: debootstrap needs root; run this as root")
	}
	images, packed := at(work), filepath.Join(work, "packed")
	for _, dir := range []string{images.Root, images.Java, images.Archive, packed} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make a folder of the machine image: %w", err)
		}
	}
	// MkdirTemp makes it private, and the hosts' users live below it.
	if err := os.Chmod(work, 0o755); err != nil {
		return fmt.Errorf("open the image to its users: %w", err)
	}
	if err := debootstrap(ctx, progress, images.Root, packed, packages); err != nil {
		return err
	}
	if err := run(ctx, progress, strings.NewReader(finish), "chroot", images.Root, "/bin/bash", "-s"); err != nil {
		return fmt.Errorf("finish the machine image: %w", err)
	}
	if err := fetchJava(ctx, progress, work, packed, images.Archive); err != nil {
		return err
	}
	if err := index(ctx, images.Archive); err != nil {
		return err
	}
	// Its mounts are its own and end with it.
	if err := run(ctx, progress, strings.NewReader(layer), "unshare", "--mount", "--propagation", "private", "bash", "-s", work); err != nil {
		return fmt.Errorf("install Java in its layer: %w", err)
	}
	return os.RemoveAll(packed)
}

// debootstrap makes a root directory of packages, or with more arguments less
// than that. The packages are kept in packed.
func debootstrap(ctx context.Context, progress io.Writer, root, packed string, include []string, more ...string) error {
	args := append([]string{"--variant=minbase", "--cache-dir=" + packed, "--include=" + strings.Join(include, ",")}, more...)
	args = append(args, suite, root)
	if mirror := machineMirror(ctx); mirror != "" {
		args = append(args, mirror)
	}
	if err := run(ctx, progress, nil, "debootstrap", args...); err != nil {
		return fmt.Errorf("build the machine image: %w; what it printed is in %s", err, keepLog(root))
	}
	return nil
}

var epoch = regexp.MustCompile(`_[0-9]+%3a`)

// fetchJava puts the packages that Java needs and the root does not have into the
// archive.
func fetchJava(ctx context.Context, progress io.Writer, work, packed, archive string) error {
	had, err := filepath.Glob(filepath.Join(packed, "*.deb"))
	if err != nil {
		return err
	}
	scratch := filepath.Join(work, "scratch")
	if err := debootstrap(ctx, progress, scratch, packed, append(slices.Clone(packages), java), "--download-only"); err != nil {
		return err
	}
	if err := remove(scratch); err != nil {
		return err
	}
	all, err := filepath.Glob(filepath.Join(packed, "*.deb"))
	if err != nil {
		return err
	}
	for _, deb := range all {
		if slices.Contains(had, deb) {
			continue
		}
		// A file's name leaves an epoch out, as in Debian's own archive: a web server
		// takes its %3a for something else.
		if err := os.Rename(deb, filepath.Join(archive, epoch.ReplaceAllString(filepath.Base(deb), "_"))); err != nil {
			return fmt.Errorf("put a package into the archive: %w", err)
		}
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
func keepLog(root string) string {
	kept := filepath.Join(filepath.Dir(filepath.Dir(root)), "debootstrap.log")
	content, err := os.ReadFile(filepath.Join(root, "debootstrap", "debootstrap.log"))
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
