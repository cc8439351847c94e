package lab_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDownAfterCrash is the last story, for it ends the lab: with its daemon
// and its cloud killed and hosts still running, `lab down` leaves nothing.
func TestDownAfterCrash(t *testing.T) {
	s := shared
	const stack = "leftovers"
	s.soloFile(t, stack)
	s.must(t, "up", "--stack", stack)
	status := s.lab(t)
	prefix := strings.TrimSuffix(filepath.Base(status.Internet), "internet")
	if before := traces(t, prefix); len(before) < 5 {
		t.Fatalf("a running lab shows only %v under %q; this story could not fail", before, prefix)
	}
	for _, pid := range []int{status.Daemon.PID, status.Cloud.PID} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	s.must(t, "lab", "down")
	if left := traces(t, prefix); len(left) > 0 {
		t.Errorf("lab down left:\n%s", strings.Join(left, "\n"))
	}
	for _, pid := range []int{status.Daemon.PID, status.Cloud.PID} {
		// A process that has ended but was not waited for has no command line.
		if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); len(line) > 0 {
			t.Errorf("process %d runs on: %s", pid, line)
		}
	}
	if _, err := os.Stat(storiesLab); err == nil {
		t.Errorf("%s is still there", storiesLab)
	}
}

// traces lists what a lab has on the machine, asked of the machine itself and
// not of the lab: namespaces, mounts, loop devices, cgroups, processes.
func traces(t *testing.T, prefix string) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{
		"/run/netns/" + prefix + "*", "/sys/fs/cgroup/" + prefix + "*", "/sys/fs/cgroup/*/" + prefix + "*",
	} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, paths...)
	}
	for _, question := range [][]string{{"cat", "/proc/mounts"}, {"losetup", "--list", "--noheadings"}, {"ps", "-eo", "args"}} {
		out, err := exec.Command(question[0], question[1:]...).Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, storiesLab+"/") || strings.Contains(line, prefix) {
				found = append(found, question[0]+": "+strings.TrimSpace(line))
			}
		}
	}
	return found
}
