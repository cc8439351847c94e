// Package lab is the offline AWS as a command sees it: bring it up, look at it,
// get the environment that makes Pulumi work on it, take it down. What makes it
// run lies in the packages below; lab/daemon holds them together.
package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"kraftstack/lab/daemon"
	"kraftstack/lab/paths"
)

// Options says which lab, and how to report. The zero value is this machine's
// usual lab without any reports.
type Options struct {
	// LabDir holds all that a lab owns. Default: paths.Lab().
	LabDir string
	// CacheDir holds what can be made again. Default: paths.Cache().
	CacheDir string
	// Program is the kraftstack program that runs as the daemon. Default: the
	// running one.
	Program string
	// Out gets one line for each step. Default: nothing is written.
	Out io.Writer
}

func (o Options) withDefaults() (Options, error) {
	if o.LabDir == "" {
		o.LabDir = paths.Lab()
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	var err error
	if o.CacheDir == "" {
		if o.CacheDir, err = paths.Cache(); err != nil {
			return o, fmt.Errorf("find the cache folder: %w; next: set KRAFTSTACK_CACHE_DIR", err)
		}
	}
	if o.Program == "" {
		if o.Program, err = os.Executable(); err != nil {
			return o, fmt.Errorf("find this program: %w", err)
		}
	}
	return o, nil
}

// State says in one word how a lab is.
type State string

const (
	// StateUp is a lab whose daemon answers.
	StateUp State = "up"
	// StateDown is no lab at all.
	StateDown State = "down"
	// StateOrphaned is a lab whose daemon is gone: its hosts may run on, and the next
	// `lab up` takes them over.
	StateOrphaned State = "orphaned"
)

// Report is what `lab status` shows. The daemon's part is empty unless State
// is StateUp.
type Report struct {
	daemon.Status

	State  State  `json:"state"`
	LabDir string `json:"labDir"`
}

// Status looks at the lab and changes nothing.
func Status(ctx context.Context, o Options) (Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Report{}, err
	}
	report := Report{LabDir: o.LabDir, State: StateUp}
	report.Status, err = daemon.NewClient(o.LabDir).Status(ctx)
	if !errors.Is(err, daemon.ErrNotRunning) {
		return report, err
	}
	report.State = StateDown
	if _, err := os.Stat(o.LabDir); err == nil {
		report.State = StateOrphaned
	}
	return report, nil
}

// Fault switches one of the lab's faults on or off: what a story breaks on
// purpose. The daemon's error lists the names.
func Fault(ctx context.Context, o Options, name string, on bool) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	return daemon.NewClient(o.LabDir).Fault(ctx, name, on)
}
