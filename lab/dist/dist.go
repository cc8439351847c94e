// Package dist makes Kafka's binary archive for a lab that reaches no Apache
// mirror: the jars come from Maven Central, the launchers and default
// configuration are ours, names and layout are those of Apache's own archive, so
// that the program and the toolkit cannot tell the two apart.
package dist

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"golang.org/x/sys/unix"
)

// files is the archive apart from its jars, and the pom that names the jars.
//
//go:embed files
var files embed.FS

var versionForm = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)

// Name is the name of the folder inside the archive of a Kafka version, which
// with ".tgz" is the name of the archive.
func Name(version string) string { return "kafka_2.13-" + version }

// Path is where the archive of a version is, below the folder that Ensure
// returns and below the root of the server that serves it.
func Path(version string) string {
	return "kafka/" + version + "/" + Name(version) + ".tgz"
}

// Ensure makes the archive of a Kafka version ("4.3.0") and its .sha512 unless
// they are there, and returns the folder to serve over HTTP: Path says where in
// it the archive is. Equal jars give an equal archive, bit by bit.
//
// cacheDir is the folder of things that can be made again. progress gets a line
// for each step that takes time. Ensure needs mvn on the PATH and the network
// only when something is missing; two callers at once wait for each other.
func Ensure(ctx context.Context, cacheDir, version string, progress io.Writer) (dir string, err error) {
	if err := checkVersion(version); err != nil {
		return "", err
	}
	dir, err = folder(cacheDir)
	if err != nil {
		return "", err
	}
	if Ready(cacheDir, version) {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("kafka archive %s: make its cache folder: %w", version, err)
	}
	unlock, err := lock(ctx, filepath.Join(dir, "."+version+".lock"), progress)
	if err != nil {
		return "", fmt.Errorf("kafka archive %s: wait for another process that makes it: %w", version, err)
	}
	defer unlock()
	if Ready(cacheDir, version) {
		return dir, nil
	}
	if err := assemble(ctx, dir, version, progress); err != nil {
		return "", fmt.Errorf("kafka archive %s: %w", version, err)
	}
	return dir, nil
}

// Ready tells whether Ensure has nothing to do. It touches only the disk.
func Ready(cacheDir, version string) bool {
	dir, err := folder(cacheDir)
	if err != nil || checkVersion(version) != nil {
		return false
	}
	// The checksum is written last, so where it is the archive is whole.
	_, err = os.Stat(filepath.Join(dir, filepath.FromSlash(Path(version)+".sha512")))
	return err == nil
}

func assemble(ctx context.Context, dir, version string, progress io.Writer) error {
	start := time.Now()
	work, err := os.MkdirTemp(dir, ".making-")
	if err != nil {
		return fmt.Errorf("make a work folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()

	fmt.Fprintf(progress, "kafka %s: fetching its jars from Maven Central\n", version)
	jars, err := fetchJars(ctx, work, version)
	if err != nil {
		return err
	}
	contents, err := layout(version, jars)
	if err != nil {
		return err
	}
	archive := filepath.Join(work, Name(version)+".tgz")
	sum, err := pack(archive, contents)
	if err != nil {
		return fmt.Errorf("pack %d files: %w", len(contents), err)
	}
	if err := publish(archive, filepath.Join(dir, filepath.FromSlash(Path(version))), sum); err != nil {
		return err
	}
	fmt.Fprintf(progress, "kafka %s: archive of %d jars made in %.0f s\n", version, len(jars), time.Since(start).Seconds())
	return nil
}

// publish moves a finished archive to its place and then writes the checksum,
// whose presence says that the archive is whole.
func publish(archive, target, sum string) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return fmt.Errorf("publish the archive: %w", err)
	}
	if err := os.Rename(archive, target); err != nil {
		return fmt.Errorf("publish the archive: %w", err)
	}
	sumFile := archive + ".sha512"
	line := sum + "  " + filepath.Base(target) + "\n"
	if err := os.WriteFile(sumFile, []byte(line), 0o644); err != nil {
		return fmt.Errorf("write the archive's checksum: %w", err)
	}
	if err := os.Rename(sumFile, target+".sha512"); err != nil {
		return fmt.Errorf("publish the archive's checksum: %w", err)
	}
	return nil
}

// folder is named after everything of ours that goes into an archive, so a
// changed launcher makes new archives and an old one is never served.
func folder(cacheDir string) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(files, "files", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d\n%s", path, len(content), content)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("hash the archive's recipe: %w", err)
	}
	for _, tool := range tools {
		fmt.Fprintln(sum, tool.name, tool.classes)
	}
	return filepath.Join(cacheDir, "dist", hex.EncodeToString(sum.Sum(nil))[:16]), nil
}

func checkVersion(version string) error {
	if !versionForm.MatchString(version) {
		return fmt.Errorf("kafka version %q: want three numbers such as 4.3.0", version)
	}
	return nil
}

// lock takes an exclusive lock on a file, which the kernel gives back when its
// holder dies.
func lock(ctx context.Context, path string, progress io.Writer) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for told := false; ; {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if err != unix.EWOULDBLOCK {
			_ = file.Close()
			return nil, err
		}
		if !told {
			fmt.Fprintf(progress, "waiting for another process that makes the same archive (%s)\n", path)
			told = true
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}
