package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"kraftstack/lab"
)

// memory reads what is resident: the lab's daemon, and everything that the lab
// runs (daemon, AWS API, every process of every host). Pages that processes
// share count once for each, so the sum is the most that it can be.
func memory(ctx context.Context) (daemon, all int64, hosts int, err error) {
	status, err := lab.Status(ctx, lab.Options{})
	if err != nil {
		return 0, 0, 0, err
	}
	if daemon, err = resident(status.Daemon.PID); err != nil {
		return 0, 0, 0, err
	}
	api, err := resident(status.Cloud.PID)
	if err != nil {
		return 0, 0, 0, err
	}
	all = daemon + api
	for _, host := range status.Hosts {
		all += inGroup(host.Instance)
	}
	return daemon, all, len(status.Hosts), nil
}

// resident is a process's resident memory in bytes.
func resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("read the memory of process %d: %q", pid, text)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// inGroup sums the processes whose control group is one host's.
func inGroup(instance string) int64 {
	var sum int64
	groups, _ := filepath.Glob("/proc/[0-9]*/cgroup")
	for _, path := range groups {
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), instance) {
			continue // gone, or another's
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if bytes, err := resident(pid); err == nil {
			sum += bytes
		}
	}
	return sum
}

// mostHeld is the most memory that this process had at any time, in bytes. What
// it has mapped of files, its own program above all, is left out: how much of that
// is resident is the page cache's choice.
func mostHeld() (int64, error) {
	const path = "/proc/self/status"
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	kilobytes := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if n, unit, _ := strings.Cut(strings.TrimSpace(value), " "); unit == "kB" {
			if kilobytes[name], err = strconv.ParseInt(n, 10, 64); err != nil {
				return 0, fmt.Errorf("%s: %s: %w", path, name, err)
			}
		}
	}
	if kilobytes["VmHWM"] == 0 || kilobytes["RssFile"] == 0 {
		return 0, fmt.Errorf("%s does not say how much memory this process had", path)
	}
	return (kilobytes["VmHWM"] - kilobytes["RssFile"]) << 10, nil
}

func megabytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }
