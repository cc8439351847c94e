package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/config"
	"kraftstack/internal/automation"
	"kraftstack/internal/report"
	"kraftstack/lab"
	"kraftstack/policy"
	"kraftstack/program"
)

// What the report of a first deployment of so many brokers may take.
const (
	reportBrokers = 300
	reportSeconds = 1
	reportMB      = 100
)

// reports measures row e. The events are those of a preview that this run makes;
// a process of its own then makes the report of them, in all three forms and
// with the policies, so its memory is the report's and the program's alone.
func (b *bench) reports(ctx context.Context) (rows []Row, err error) {
	err = b.withCloud(ctx, func(_, usual string) error {
		rows, err = b.reported(ctx, usual)
		return err
	})
	return rows, err
}

func (b *bench) reported(ctx context.Context, usual string) ([]Row, error) {
	const stack = "bench-report"
	dir := filepath.Join(b.work, stack)
	err := b.project(dir, stack, map[string]string{
		"    count: 3\n    instanceType: t3.small\n": fmt.Sprintf("    count: %d\n    instanceType: t3.small\n", reportBrokers)})
	if err != nil {
		return nil, err
	}
	events := filepath.Join(b.work, "events.jsonl")
	if err := b.recordEvents(ctx, dir, stack, usual, events); err != nil {
		return nil, err
	}
	took := Row{Name: fmt.Sprintf("e  report, first deployment, %d brokers", reportBrokers), Unit: "s", MaxOurs: reportSeconds}
	held := Row{Name: took.Name + ": memory", Unit: "MB", MaxOurs: reportMB}
	for range previewRuns {
		seconds, megabytes, err := reportOf(ctx, dir, stack, events)
		if err != nil {
			return nil, err
		}
		took.Ours.add(seconds)
		held.Ours.add(megabytes)
	}
	return []Row{took, held}, nil
}

// recordEvents previews the stack and writes the engine's events to a file.
func (b *bench) recordEvents(ctx context.Context, dir, name, usual, path string) (err error) {
	b.sayf("previewing the first deployment of %d brokers", reportBrokers)
	restore, err := setEnvironment([]lab.Variable{{Name: "PULUMI_DEBUG_PROVIDERS", Value: usual}})
	if err != nil {
		return err
	}
	defer restore()
	if err := os.MkdirAll(filepath.Join(b.work, "state"), 0o700); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	stack, err := automation.Open(ctx, dir, name, program.Deploy, true)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(file)
	var wrong error
	err = stack.Preview(ctx, func(event apitype.EngineEvent) {
		if failed := encoder.Encode(event); wrong == nil {
			wrong = failed
		}
	})
	return errors.Join(err, wrong)
}

// reportFlag makes this program the process that is measured.
const reportFlag = "--report-of"

// reportOf runs that process: how long the report took, in seconds, and the most
// memory that it held, in MB. The process says both itself: what the kernel tells
// of a child that ended counts its parent's memory too, from before its exec.
func reportOf(ctx context.Context, dir, stack, events string) (seconds, megabytes float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	command := exec.CommandContext(ctx, self, reportFlag, dir, stack, events)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("make the report: %w", err)
	}
	_, err = fmt.Sscan(string(out), &seconds, &megabytes)
	return seconds, megabytes, err
}

// makeReport is the process that is measured. It prints how long it took from
// the first event on, decoding included, and the most memory that it held.
func makeReport(dir, stack, events string, out io.Writer) error {
	values, err := automation.Config(dir, stack)
	if err != nil {
		return err
	}
	loaded, err := config.LoadFile(stack, values)
	if err != nil {
		return err
	}
	file, err := os.Open(events)
	if err != nil {
		return err
	}
	defer file.Close()
	began := time.Now()
	collector := report.NewCollector(stack)
	decoder := json.NewDecoder(bufio.NewReader(file))
	for {
		var event apitype.EngineEvent
		if err := decoder.Decode(&event); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		collector.Watch(event)
	}
	result := collector.Report().WithPolicies(policy.Judge(loaded, collector.Resources()))
	if last := fmt.Sprintf("broker-%d", config.FirstBrokerID+reportBrokers-1); !strings.Contains(result.Markdown(report.MarkdownOptions{}), last) {
		return fmt.Errorf("the report does not tell of %s", last)
	}
	if err := errors.Join(result.WriteText(io.Discard), json.NewEncoder(io.Discard).Encode(result)); err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	most, err := mostHeld()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, seconds, megabytes(most))
	return err
}
