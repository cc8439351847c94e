package hypervisor

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// poll waits until done says so, and looks twenty-five times a second. what
// completes "gave up waiting for".
func poll(ctx context.Context, what string, done func() bool) error {
	ticker := time.NewTicker(40 * time.Millisecond)
	defer ticker.Stop()
	for {
		if done() {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting for %s: %w", what, context.Cause(ctx))
		}
	}
}

// machine is a running host: the nspawn process and the host's own PID 1.
type machine struct {
	supervisor int
	leader     int
	exited     chan struct{} // closed when the supervisor has ended
}

// findMachine looks for a running host in its control groups: so it is found
// whoever started it, and a process id that was used again is never taken for
// it. The leader is 0 while the host is not that far.
func findMachine(groups cgroups) (supervisor, leader int) {
	pids := groups.pids()
	parents := make(map[int]int, len(pids))
	for _, pid := range pids {
		status := readStatus(pid)
		if status.zombie {
			continue
		}
		parents[pid] = status.parent
		if status.initInside {
			leader = pid
		}
	}
	for _, pid := range pids {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err != nil || strings.TrimSpace(string(name)) != "systemd-nspawn" {
			continue
		}
		if _, child := parents[parents[pid]]; !child {
			supervisor = pid
		}
	}
	if supervisor == 0 {
		leader = 0
	}
	return supervisor, leader
}

type processStatus struct {
	parent     int
	zombie     bool
	initInside bool // PID 1 of a PID namespace below this one
}

func readStatus(pid int) processStatus {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return processStatus{zombie: true}
	}
	var status processStatus
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "State:":
			status.zombie = fields[1] == "Z" || fields[1] == "X"
		case "PPid:":
			status.parent, _ = strconv.Atoi(fields[1])
		case "NSpid:":
			status.initInside = len(fields) > 2 && fields[len(fields)-1] == "1"
		}
	}
	return status
}

// watchExit closes the returned channel once the process has ended. It works
// for any process, child or not, and needs no thread while it waits.
func watchExit(pid int, after func()) (chan struct{}, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch process %d: %w", pid, err)
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("watch process %d: %w", pid, err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		defer func() { _ = file.Close() }()
		_ = raw.Read(func(fd uintptr) bool {
			ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(ready, 0)
			return n > 0 || (err != nil && err != unix.EINTR)
		})
		after()
	}()
	return exited, nil
}

// listening says whether something listens on a TCP port in the network
// namespace of a process, without sending anything there.
func listening(pid int, port uint16) bool {
	for _, table := range []string{"tcp", "tcp6"} {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(content)) {
			fields := strings.Fields(line)
			if len(fields) > 3 && fields[3] == "0A" && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
				return true
			}
		}
	}
	return false
}
