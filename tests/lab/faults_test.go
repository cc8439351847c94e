package lab_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soloFile turns the lab's stack file into one broker that waits briefly.
var soloFile = []string{
	"zones: [us-east-1a, us-east-1b, us-east-1c]", "zones: [us-east-1a]",
	"    count: 3\n", "    count: 1\n",
	"    count: 3\n", "    count: 1\n",
	"    bastion:\n", "    hostTimeoutSeconds: 10\n    bastion:\n",
}

func (s story) soloFile(t *testing.T, stack string, more ...string) {
	t.Helper()
	s.stackFile(t, stack, append(append([]string{}, soloFile...), more...)...)
}

func (s story) fault(t *testing.T, name string, on bool) {
	t.Helper()
	state := map[bool]string{true: "on", false: "off"}[on]
	s.must(t, "lab", "fault", name, state)
	if on {
		t.Cleanup(func() { s.run(t, "lab", "fault", name, "off") })
	}
}

// TestFaultsAtBirth leads one stack through everything that can go wrong while
// it is made. Each time the message names the host, the step and the next
// move, and the next up goes on where the last one stopped.
func TestFaultsAtBirth(t *testing.T) {
	s := shared
	const stack = "faults"
	up := []string{"up", "--stack", stack}
	s.soloFile(t, stack)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })

	s.fault(t, "hold-attach", true)
	s.fault(t, "hold-boot", true)
	s.refused(t, 5, []string{"bastion", "step: toolkit", "SSH", "next:"}, up...)
	s.fault(t, "hold-boot", false)

	s.refused(t, 8, []string{"broker-1001", "step: prepare", "vol-", "next:"}, up...)
	s.fault(t, "hold-attach", false)

	s.soloFile(t, stack, "    heap: 384m\n", "    heap: 384m\n    sha512: \""+strings.Repeat("0", 128)+"\"\n")
	// The bastion's tools were installed before the checksum was made wrong.
	s.ssh(t, stack, "bastion", "sudo rm -rf /opt/kafka")
	s.refused(t, 8, []string{"step: install", "SHA-512", "next:"}, up...)

	s.soloFile(t, stack)
	if r := s.up(t, stack); len(r.Changes) == 0 {
		t.Error("the last up had nothing left to do")
	}
	s.view(t, stack)
	nothing(t, "up after it", s.up(t, stack))
}

func TestArchiveServerGone(t *testing.T) {
	s := shared
	const stack = "noarchive"
	s.soloFile(t, stack)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.fault(t, "hold-downloads", true)
	s.refused(t, 8, []string{"step: install", "downloads.kraftstack.lab", "next:"}, "up", "--stack", stack)
	s.fault(t, "hold-downloads", false)
	s.must(t, "up", "--stack", stack)
	s.view(t, stack)
}

// TestInterrupted: an interrupt ends the running steps, releases the state and
// says how to go on; the next up finishes.
func TestInterrupted(t *testing.T) {
	s := shared
	const stack = "interrupted"
	s.soloFile(t, stack)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	p := s.start(t, "up", "--stack", stack)
	s.awaitInstance(t, stack, "broker-1001")
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	r := p.wait(t)
	if r.code != 130 || !strings.Contains(r.stderr, "next: run the same command again") {
		t.Errorf("exit code %d, and it says:\n%s", r.code, r.stderr)
	}
	s.must(t, "up", "--stack", stack)
	s.view(t, stack)
}

// TestKilled: a run that is killed leaves its lock, the next one says how to
// unlock, and then finishes the work.
func TestKilled(t *testing.T) {
	s := shared
	const stack = "killed"
	s.soloFile(t, stack)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	p := s.start(t, "up", "--stack", stack)
	s.awaitInstance(t, stack, "broker-1001")
	for _, pid := range append(children(p.cmd.Process.Pid), p.cmd.Process.Pid) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	_ = p.cmd.Wait()
	s.refused(t, 4, []string{"locked", "kraftstack unlock --stack"}, "up", "--stack", stack)
	s.must(t, "unlock", "--stack", stack)
	s.must(t, "up", "--stack", stack)
	s.view(t, stack)
}

// TestHostKilledDuringUp: a host that crashes while it is set up comes back,
// as EC2's recovery brings it back, and up ends well at the latest the next
// time.
func TestHostKilledDuringUp(t *testing.T) {
	s := shared
	const stack = "crashed"
	s.soloFile(t, stack, "hostTimeoutSeconds: 10", "hostTimeoutSeconds: 60")
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	p := s.start(t, "up", "--stack", stack)
	s.awaitInstance(t, stack, "broker-1001")
	pid := 0
	eventually(t, "the host of broker-1001 runs", time.Minute, func() (bool, string) {
		for _, host := range s.lab(t).Hosts {
			if host.Name == stack+"-broker-1001" && host.State == "running" {
				pid = host.PID
				return true, ""
			}
		}
		return false, "it does not"
	})
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if r := p.wait(t); r.code != 0 {
		for _, word := range []string{"broker-1001", "step: ", "next:"} {
			if !strings.Contains(r.stderr, word) {
				t.Errorf("the failed up does not say %q:\n%s", word, r.stderr)
			}
		}
		s.must(t, "up", "--stack", stack)
	}
	s.view(t, stack)
}

// awaitInstance waits until the cloud has a host of a stack.
func (s story) awaitInstance(t *testing.T, stack, name string) {
	t.Helper()
	eventually(t, "the instance of "+name, time.Minute, func() (bool, string) {
		found := s.instances(t, stack)
		return found[name] != "", fmt.Sprint(sortedNames(found))
	})
}

// children are the processes that a process started, at any depth.
func children(pid int) []int {
	var found []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for word := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				found = append(append(found, children(child)...), child)
			}
		}
	}
	return found
}
