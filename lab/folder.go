package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// markName marks a folder as a lab's, so that `lab down` never removes
	// another one that a variable points to by mistake.
	markName = "kraftstack-lab"
	markText = "This folder belongs to a kraftstack lab. `kraftstack lab down` removes it.\n"

	backendName = "state"
	homeName    = "pulumi-home"
	profileName = "aws-profile"

	folderPoll = 200 * time.Millisecond
)

// prepareFolder makes the lab's folder and what other programs expect in it.
// It refuses a folder that holds anything but a lab.
func prepareFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the lab's folder: %w", err)
	}
	if err := checkOurs(dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, markName), []byte(markText), 0o600); err != nil {
		return fmt.Errorf("mark the lab's folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, profileName), []byte(profileText()), 0o600); err != nil {
		return fmt.Errorf("write the lab's AWS profile: %w", err)
	}
	for _, name := range []string{backendName, homeName} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return fmt.Errorf("make the lab's folder: %w", err)
		}
	}
	return nil
}

// checkOurs accepts a lab's folder and an empty one.
func checkOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look into the lab's folder: %w", err)
	}
	if len(entries) == 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, markName)); err != nil {
		return fmt.Errorf("%s holds other things than a lab; next: set KRAFTSTACK_LAB_DIR to an empty folder", dir)
	}
	return nil
}

// lockFolder takes the folder itself as a lock, so that commands on one lab
// come one after another and no lock file is left behind. A folder that is
// removed while it is waited for is looked up again; one that is not there
// gives fs.ErrNotExist.
func lockFolder(ctx context.Context, dir string, waiting func()) (unlock func(), err error) {
	ticker := time.NewTicker(folderPoll)
	defer ticker.Stop()
	for told := false; ; {
		f, err := os.Open(dir)
		if err != nil {
			return nil, fmt.Errorf("open the lab's folder: %w", err)
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil && sameFile(f, dir) {
			return func() { f.Close() }, nil
		}
		f.Close()
		if err != nil && !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock the lab's folder %s: %w", dir, err)
		}
		if !told {
			waiting()
			told = true
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for another command that works on the lab %s: %w", dir, ctx.Err())
		}
	}
}

func sameFile(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(path)
	return err == nil && os.SameFile(opened, now)
}

// removeFolder removes the lab's folder, unless something is still mounted in
// it: what lies there would be removed with it.
func removeFolder(dir string) error {
	if err := checkOurs(dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	mounted, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	if len(mounted) > 0 {
		return fmt.Errorf("%s is kept, because these are still mounted in it: %s; next: unmount them and run `kraftstack lab down` again",
			dir, strings.Join(mounted, ", "))
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the lab's folder: %w", err)
	}
	return nil
}

// mountsBelow lists the mount points in a folder.
func mountsBelow(dir string) ([]string, error) {
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("look for mounts in %s: %w", dir, err)
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("look for mounts in %s: %w", dir, err)
	}
	defer f.Close()
	var found []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 4 && strings.HasPrefix(fields[4], resolved+"/") {
			found = append(found, fields[4])
		}
	}
	return found, lines.Err()
}
