package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/internal/automation"
	"kraftstack/lab"
	"kraftstack/lab/providers/attach"
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
// start to its end.
func (b *bench) overhead(ctx context.Context) (row Row, err error) {
	const brokers = 3
	row = Row{
		Name: fmt.Sprintf("d  driver beyond its engine, preview, no changes, %d brokers", brokers), Unit: "s", MaxOurs: overheadTarget,
	}
	leave, err := b.enterLab(ctx)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	const noBoot = "hold-boot"
	if err := lab.Fault(ctx, lab.Options{}, noBoot, true); err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, lab.Fault(context.WithoutCancel(ctx), lab.Options{}, noBoot, false)) }()
	w, err := b.watched()
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, w.raze(context.WithoutCancel(ctx))) }()
	if err := w.raise(ctx); err != nil {
		return row, err
	}
	for range overheadRuns {
		beyond, err := w.preview(ctx)
		if err != nil {
			return row, err
		}
		row.Ours.add(beyond.Seconds())
	}
	return row, nil
}

// watched is a stack without hosts whose driver runs with a stopwatch in the
// place of the engine's CLI.
type watched struct {
	pair

	dir, times string
	env        []lab.Variable
	silent     *attach.Server
	made       *automation.Stack
}

const watchedStack = "bench-driver"

// watched prepares the folder, and a cache whose CLI is the stopwatch.
func (b *bench) watched() (*watched, error) {
	w := &watched{dir: filepath.Join(b.work, watchedStack), times: filepath.Join(b.work, "times")}
	if err := b.project(w.dir, watchedStack, nil); err != nil {
		return nil, err
	}
	engine, err := exec.LookPath("pulumi") // the lab's: enterLab has put it first
	if err != nil {
		return nil, err
	}
	cache := filepath.Join(b.work, "cache")
	if err := shadow(b.cache, cache, engine); err != nil {
		return nil, err
	}
	w.env = []lab.Variable{
		{Name: "KRAFTSTACK_CACHE_DIR", Value: cache},
		{Name: "KRAFTSTACK_BENCH_ENGINE", Value: engine},
		{Name: "KRAFTSTACK_BENCH_TIMES", Value: w.times},
		{Name: "PATH", Value: withoutEngine(os.Getenv("PATH"))},
	}
	if w.silent, err = serveSilentCommand(); err != nil {
		return nil, err
	}
	usual := os.Getenv("PULUMI_DEBUG_PROVIDERS")
	creating := regexp.MustCompile(`command:\d+`).ReplaceAllString(usual, fmt.Sprintf("command:%d", w.silent.Port()))
	w.pair = pair{bench: b, creating: creating, real: usual}
	return w, nil
}

// withoutEngine is a search path on which the driver finds no engine but that of
// its cache.
func withoutEngine(path string) string {
	dirs := slices.DeleteFunc(filepath.SplitList(path), func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, "pulumi"))
		return err == nil
	})
	return strings.Join(dirs, string(filepath.ListSeparator))
}

// shadow makes a cache that is another one but for the engine's CLI.
func shadow(cache, copied, engine string) error {
	own, err := filepath.Rel(cache, filepath.Dir(engine))
	if err != nil || !filepath.IsLocal(own) {
		return fmt.Errorf("%s is not in the cache %s: %w", engine, cache, err)
	}
	if err := os.MkdirAll(filepath.Join(copied, own), 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == own {
			continue
		}
		if err := os.Symlink(filepath.Join(cache, entry.Name()), filepath.Join(copied, entry.Name())); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(copied, own, filepath.Base(engine)), []byte(stopwatch), 0o700)
}

func (w *watched) raise(ctx context.Context) (err error) {
	w.made, err = w.make(ctx, w.dir, watchedStack, program.Deploy)
	return err
}

// raze removes the stack, dialling nobody.
func (w *watched) raze(ctx context.Context) error {
	defer func() { _ = w.silent.Close() }()
	if w.made == nil {
		return nil
	}
	restore, err := setEnvironment([]lab.Variable{{Name: "PULUMI_DEBUG_PROVIDERS", Value: w.creating}})
	if err != nil {
		return err
	}
	defer restore()
	return w.made.Destroy(ctx, func(apitype.EngineEvent) {})
}

// preview runs one and returns how much of its time was not the engine's.
func (w *watched) preview(ctx context.Context) (time.Duration, error) {
	if err := os.WriteFile(w.times, nil, 0o600); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, w.driver, "preview", "--stack", watchedStack, "--dir", w.dir, "--expect-no-changes")
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
