package daemon

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"kraftstack/lab/hypervisor"
)

// Status is what the daemon knows, as `kraftstack lab status --json` shows it.
type Status struct {
	Daemon    Process                 `json:"daemon"`
	Cloud     Cloud                   `json:"cloud"`
	Providers map[string]int          `json:"providers"` // TCP port on loopback by name
	Hosts     []hypervisor.HostStatus `json:"hosts"`     // sorted by instance id
	// Internet is the path of the network namespace that stands for the world
	// outside, and Routers has each VPC's by its id.
	Internet string            `json:"internet"`
	Routers  map[string]string `json:"routers"`
	Faults   []string          `json:"faults"`
	Problems []string          `json:"problems"` // all that is wrong right now
}

// Process is the daemon's own.
type Process struct {
	PID         int       `json:"pid"`
	MemoryBytes int64     `json:"memoryBytes"` // resident, 0 when not known
	Since       time.Time `json:"since"`
	// Program tells one build of the program from another.
	Program string `json:"program"`
}

// Cloud is the AWS API.
type Cloud struct {
	URL   string `json:"url"`
	PID   int    `json:"pid"`
	Alive bool   `json:"alive"`
	// Restarts counts how often the API had to be started again by this daemon.
	Restarts int `json:"restarts"`
}

// status answers from memory; it asks nobody and waits for nothing.
func (d *daemon) status() Status {
	hosts := d.hosts.Status()
	s := Status{
		Daemon:    Process{PID: os.Getpid(), MemoryBytes: residentMemory(), Since: d.since, Program: d.program},
		Cloud:     d.cloud.status(),
		Providers: d.providers.Ports(),
		Hosts:     hosts.Hosts,
		Internet:  hosts.Internet,
		Routers:   hosts.Routers,
		Faults:    hosts.Faults,
		Problems:  d.problems.list(),
	}
	if hosts.Error != "" {
		s.Problems = append(s.Problems, "network: "+hosts.Error)
	}
	for _, host := range hosts.Hosts {
		if host.Error != "" {
			s.Problems = append(s.Problems, host.Instance+": "+host.Error)
		}
	}
	return s
}

// residentMemory reads how much memory this process holds.
func residentMemory() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// Fingerprint names a build of a program by what a new build changes, without
// reading all of it.
func Fingerprint(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("look at the program %s: %w", path, err)
	}
	return fmt.Sprintf("%s %d %d", path, info.Size(), info.ModTime().UnixNano()), nil
}
