package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kraftstack/lab"
	"kraftstack/lab/setup"
	"kraftstack/program"
)

const (
	overheadRuns   = 7
	overheadTarget = 0.3 // s
)

// stopwatch stands before the engine's CLI and notes when each call began and
// ended, and of which verb it was. It costs a start of bash, which counts as the
// driver's time, not the engine's.
const stopwatch = `#!/bin/bash
began=$EPOCHREALTIME
"$KRAFTSTACK_BENCH_ENGINE" "$@"
status=$?
echo "$1 $began $EPOCHREALTIME" >>"$KRAFTSTACK_BENCH_TIMES"
exit $status
`

// overhead measures row d: what a preview with no change takes in the driver
// beyond the engine's own time, which is that of the CLI's process from its
// start to its end. creating and real are values of PULUMI_DEBUG_PROVIDERS.
func (b *bench) overhead(ctx context.Context, tools setup.Tools, creating, real string) (Row, error) {
	const brokers = 3
	row := Row{
		Name: fmt.Sprintf("d  driver beyond its engine, preview, no changes, %d brokers", brokers), Unit: "s", MaxOurs: overheadTarget,
	}
	p := pair{bench: b, brokers: brokers, creating: creating, real: real}
	const name = "bench-driver"
	dir := filepath.Join(b.work, name)
	// Without the profile, which would lead the driver to a lab.
	if err := b.project(dir, name, map[string]string{"  aws:profile: kraftstack-lab\n": ""}); err != nil {
		return row, err
	}
	if _, err := p.make(ctx, dir, name, program.Deploy); err != nil {
		return row, err
	}
	w, err := b.watched(dir, tools, real)
	if err != nil {
		return row, err
	}
	for range overheadRuns {
		beyond, err := w.preview(ctx, name)
		if err != nil {
			return row, err
		}
		row.Ours.add(beyond.Seconds())
	}
	return row, nil
}

// watched is a project whose driver runs with a stopwatch before the engine.
type watched struct {
	driver, dir, times string
	env                []lab.Variable
}

func (b *bench) watched(dir string, tools setup.Tools, real string) (*watched, error) {
	if err := b.findDriver(); err != nil {
		return nil, err
	}
	bin := filepath.Join(b.work, "stopwatch")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(bin, "pulumi"), []byte(stopwatch), 0o700); err != nil { //nolint:gosec // a program
		return nil, err
	}
	w := &watched{driver: b.driver, dir: dir, times: filepath.Join(b.work, "times")}
	w.env = []lab.Variable{
		{Name: "PULUMI_DEBUG_PROVIDERS", Value: real},
		{Name: "KRAFTSTACK_BENCH_ENGINE", Value: tools.Pulumi},
		{Name: "KRAFTSTACK_BENCH_TIMES", Value: w.times},
		{Name: "PATH", Value: bin + string(filepath.ListSeparator) + os.Getenv("PATH")},
	}
	return w, nil
}

// preview runs one and returns how much of its time was not the engine's.
func (w *watched) preview(ctx context.Context, stack string) (time.Duration, error) {
	if err := os.WriteFile(w.times, nil, 0o600); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, w.driver, "preview", "--stack", stack, "--dir", w.dir, "--expect-no-changes")
	cmd.Env = os.Environ()
	for _, v := range w.env {
		cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	err := cmd.Run()
	whole := time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("%s preview: %w: %s", w.driver, err, stderr.String())
	}
	engine, err := w.engine()
	return whole - engine, err
}

// engine is how long the engine's preview took, by the stopwatch.
func (w *watched) engine() (time.Duration, error) {
	text, err := os.ReadFile(w.times)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) != 3 || words[0] != "preview" {
			continue
		}
		began, err := strconv.ParseFloat(words[1], 64)
		ended, endErr := strconv.ParseFloat(words[2], 64)
		if err = errors.Join(err, endErr); err != nil {
			return 0, err
		}
		return time.Duration((ended - began) * float64(time.Second)), nil
	}
	return 0, fmt.Errorf("the driver started no preview of the engine: %s", text)
}
