package lab_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// exitCodes brings about each exit code by what really causes it, on a running
// stack of one broker, and mends it again. Two need something else: TestReview
// tells of a policy (7), TestCluster of the gate (10).
func exitCodes(t *testing.T, s story, stack string) {
	file := filepath.Join(s.dir, "Pulumi."+stack+".yaml")
	original, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// edit replaces one piece of the original file; "" is back to the original.
	edit := func(old, changed string) {
		t.Helper()
		if !bytes.Contains(original, []byte(old)) {
			t.Fatalf("%s has no %q", file, old)
		}
		if err := os.WriteFile(file, bytes.Replace(original, []byte(old), []byte(changed), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const heap, access = "    heap: 384m\n", "    adminCidrs: [203.0.113.0/24]\n"
	on := func(verb string, more ...string) []string { return append([]string{verb, "--stack", stack}, more...) }

	t.Run("0 nothing to do", func(t *testing.T) { nothing(t, "up", s.up(t, stack)) })
	t.Run("1 the state is damaged", func(t *testing.T) { damagedState(t, s, stack) })
	t.Run("2 changes are pending", func(t *testing.T) {
		edit(heap, heap+"    config:\n      queued.max.requests: 404\n")
		s.refused(t, 2, []string{"changes are pending"}, on("preview", "--expect-no-changes")...)
	})
	t.Run("4 another run holds the state, 130 that one is told to end", func(t *testing.T) { lockedThenTold(t, s, stack) })
	t.Run("130 the time limit is over", func(t *testing.T) {
		edit(heap, heap+"    config:\n      queued.max.requests: 405\n")
		s.refused(t, 130, []string{"the time limit is over", "next: run the same command again"}, on("up", "--timeout", "3s")...)
		if out := s.must(t, on("unlock")...); !strings.Contains(out, "is not locked") {
			t.Errorf("the time limit left a lock: %s", out)
		}
		s.must(t, on("up")...)
	})
	t.Run("130 at once", func(t *testing.T) {
		edit(heap, heap+"    config:\n      queued.max.requests: 406\n")
		toldTwice(t, s, stack)
	})
	t.Run("3 a wrong key", func(t *testing.T) {
		edit(heap, "    haep: 384m\n")
		s.refused(t, 3, []string{"haep", "next:"}, on("up")...)
		edit("", "")
		s.refused(t, 3, []string{"no such host", "bastion, broker-1001"}, on("up", "--target-host", "broker-9")...)
	})
	t.Run("5 a host does not answer", func(t *testing.T) {
		pid := s.hostPID(t, stack, "bastion")
		inside(t, pid, "systemctl", "stop", "ssh.service")
		s.refused(t, 5, []string{"bastion", "next:"}, on("status", "--timeout", "20s")...)
		inside(t, pid, "systemctl", "start", "ssh.service")
	})
	t.Run("0 the host answers when it is tried again", func(t *testing.T) {
		edit(access, access+"    hostTimeoutSeconds: 10\n")
		pid := s.hostPID(t, stack, "bastion")
		inside(t, pid, "systemctl", "stop", "ssh.service")
		up := s.start(t, on("up", "--retries", "1")...)
		up.says(t, "trying again, 1 of 1")
		inside(t, pid, "systemctl", "start", "ssh.service")
		if r := up.wait(t); r.code != 0 {
			t.Errorf("exit code %d\n%s", r.code, r.stderr)
		}
	})
	t.Run("6 the broker is down", func(t *testing.T) {
		s.ssh(t, stack, "broker-1001", "sudo systemctl stop kafka")
		s.refused(t, 6, []string{"not healthy", "next:"}, on("status")...)
		s.ssh(t, stack, "broker-1001", "sudo systemctl start kafka")
	})
	t.Run("8 an archive with another checksum", func(t *testing.T) {
		edit(heap, heap+"    sha512: \""+strings.Repeat("0", 128)+"\"\n")
		s.ssh(t, stack, "bastion", "sudo rm -rf /opt/kafka")
		// Trying it again would be in vain.
		r := s.refused(t, 8, []string{"step: install", "SHA-512", "next:"}, on("up", "--retries", "2")...)
		if strings.Contains(r.stderr, "trying again") {
			t.Errorf("a wrong checksum was tried again:\n%s", r.stderr)
		}
		edit("", "")
		s.must(t, on("up")...)
	})
	t.Run("9 a file was changed by hand", func(t *testing.T) {
		s.ssh(t, stack, "broker-1001", "echo '# by hand' | sudo tee -a /etc/kafka/server.properties >/dev/null")
		s.refused(t, 9, []string{"from what the stack made", "next:"}, on("drift")...)
	})
	told(t, s, stack)
}

// damagedState: nobody has a word for it, so it is an internal error.
func damagedState(t *testing.T, s story, stack string) {
	path := filepath.Join(storiesLab, "state", ".pulumi", "stacks", "kraftstack", stack+".json")
	state, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.refused(t, 1, []string{"preview stack " + stack}, "preview", "--stack", stack)
	if err := os.WriteFile(path, state, 0o600); err != nil {
		t.Fatal(err)
	}
}

// lockedThenTold starts an up, meets its lock, and then tells it to end.
func lockedThenTold(t *testing.T, s story, stack string) {
	first := s.start(t, "up", "--stack", stack)
	locks := filepath.Join(storiesLab, "state", ".pulumi", "locks", "organization", "kraftstack", stack, "*.json")
	eventually(t, "the first up holds the lock", time.Minute, func() (bool, string) {
		held, err := filepath.Glob(locks)
		return len(held) > 0, fmt.Sprint(held, err)
	})
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	s.refused(t, 4, []string{"locked by", "@" + host, "since 20", "kraftstack unlock --stack " + stack}, "up", "--stack", stack)
	s.refused(t, 4, []string{"it still runs"}, "unlock", "--stack", stack)
	if err := first.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if r := first.wait(t); r.code != 130 || !strings.Contains(r.stderr, "next: run the same command again") {
		t.Errorf("the run that was told to end: exit code %d\n%s", r.code, r.stderr)
	}
	if out := s.must(t, "unlock", "--stack", stack); !strings.Contains(out, "is not locked") {
		t.Errorf("it left a lock: %s", out)
	}
	s.must(t, "up", "--stack", stack)
}

// toldTwice interrupts an up, and once more. The engine drops the roll that it
// waits for, and lets go of the state.
func toldTwice(t *testing.T, s story, stack string) {
	up := s.start(t, "up", "--stack", stack)
	up.says(t, "configure") // what follows is the roll
	began := time.Now()
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		if err := up.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	if r := up.wait(t); r.code != 130 || !strings.Contains(r.stderr, "ending at once") || time.Since(began) > 5*time.Second {
		t.Errorf("told twice to end: exit code %d after %s\n%s", r.code, time.Since(began), r.stderr)
	}
	if out := s.must(t, "unlock", "--stack", stack); !strings.Contains(out, "is not locked") {
		t.Errorf("it left a lock: %s", out)
	}
	s.must(t, "up", "--stack", stack)
	nothing(t, "the up after it", s.up(t, stack))
}

// told: the journal knows all of it.
func told(t *testing.T, s story, stack string) {
	t.Helper()
	var runs []struct {
		Verb string `json:"verb"`
		Code int    `json:"code"`
	}
	s.mustJSON(t, &runs, "history", "--stack", stack, "-n", "100")
	seen := map[int]bool{}
	for _, r := range runs {
		seen[r.Code] = true
	}
	for _, code := range []int{0, 1, 2, 3, 4, 8, 9, 130} {
		if !seen[code] {
			t.Errorf("the journal has no run with exit code %d", code)
		}
	}
	backups, err := filepath.Glob(filepath.Join(s.dir, ".kraftstack", stack, "backups", "*-up-*.json.gz"))
	if err != nil || len(backups) == 0 {
		t.Errorf("no state was kept before the changes: %v", err)
	}
}

// hostPID is the first process of a host: the one that its container started.
func (s story) hostPID(t *testing.T, stack, name string) int {
	t.Helper()
	for _, host := range s.lab(t).Hosts {
		if host.Name == stack+"-"+name {
			return host.Leader
		}
	}
	t.Fatalf("stack %s has no host %s", stack, name)
	return 0
}

// inside runs a command in a host without SSH.
func inside(t *testing.T, pid int, command ...string) {
	t.Helper()
	args := append([]string{"--target", strconv.Itoa(pid), "--all", "--"}, command...)
	if out, err := exec.Command("nsenter", args...).CombinedOutput(); err != nil {
		t.Fatalf("nsenter %v: %v\n%s", command, err, out)
	}
}
