package lab_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kraftstack/lab/control"
	"kraftstack/lab/paths"
)

// python is moto's own, which has an AWS client.
func (s story) python(t *testing.T) string {
	t.Helper()
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	python, err := control.Moto().Ensure(context.Background(), cache, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	return python
}

func lookPath(t *testing.T, name string, env []string) string { //nolint:unparam // exec.LookPath takes a name too
	t.Helper()
	for _, variable := range slices.Backward(env) {
		path, ok := strings.CutPrefix(variable, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(path) {
			candidate := filepath.Join(dir, name)
			if info, err := os.Stat(candidate); err == nil && info.Mode()&0o111 != 0 {
				return candidate
			}
		}
		break
	}
	t.Fatalf("no %s on the lab's PATH", name)
	return ""
}

// hostPIDs are the processes of the lab's hosts by name.
func (s story) hostPIDs(t *testing.T) map[string]int {
	t.Helper()
	pids := map[string]int{}
	for _, host := range s.lab(t).Hosts {
		pids[host.Name] = host.PID
	}
	return pids
}

// daemonKilled: hosts run on without their daemon, and a new one takes them
// over.
func daemonKilled(t *testing.T, s story, stack string) {
	before := s.hostPIDs(t)
	kafka := s.kafka(t, stack, "broker-1001")
	old := s.lab(t).Daemon.PID
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.must(t, "lab", "up")
	if now := s.lab(t).Daemon.PID; now == old {
		t.Fatalf("the daemon is still process %d", now)
	}
	if diff := cmp.Diff(before, s.hostPIDs(t)); diff != "" {
		t.Errorf("hosts were not taken over (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(kafka, s.kafka(t, stack, "broker-1001")); diff != "" {
		t.Errorf("Kafka did not run on: %s", diff)
	}
	nothing(t, "up after it", s.up(t, stack))
}

// cloudKilled: the API keeps its state in memory; it comes back with the same
// cloud.
func cloudKilled(t *testing.T, s story, stack string) {
	before := s.instances(t, stack)
	old := s.lab(t).Cloud.PID
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the cloud is back", 60*time.Second, func() (bool, string) {
		cloud := s.lab(t).Cloud
		return cloud.Alive && cloud.PID != old, fmt.Sprintf("%+v", cloud)
	})
	if diff := cmp.Diff(before, s.instances(t, stack)); diff != "" {
		t.Errorf("another cloud came back (-before +after):\n%s", diff)
	}
	s.must(t, "refresh", "--stack", stack)
	nothing(t, "up after it", s.up(t, stack))
}
