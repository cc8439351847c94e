// Command counting is a producer and a consumer that count. It writes numbered
// values to a topic of its own, follows them with a reader, and, when told to
// stop, reads the whole topic again with a fresh reader and each replica by
// itself. Then it judges what it saw (package check) and prints a report.
//
// What is done to the cluster meanwhile is told on standard input, a line each:
//
//	begin ACTION
//	end ACTION
//	stop
//
// It prints "running" when records are acknowledged, "begun ACTION" and "ended
// ACTION", and at the end the report as one JSON document. The exit code is 0
// where every check holds, 1 where one found a fault, 2 where nothing could be
// judged.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"kraftstack/tests/counting/check"
	"kraftstack/tests/counting/client"
	"kraftstack/tests/counting/load"
)

func main() {
	faults, err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "counting:", err)
		os.Exit(2)
	case faults > 0:
		os.Exit(1)
	}
}

// Report is what a run saw.
type Report struct {
	Seconds float64       `json:"seconds"`
	Sent    int           `json:"sent"`
	Acked   int           `json:"acked"`
	Unknown int           `json:"unknown"`
	Refused int           `json:"refused"`
	Read    int           `json:"read"` // by the final reader
	Phases  []check.Phase `json:"phases"`
	Checks  []string      `json:"checks"` // all that were made
	Faults  []check.Fault `json:"faults"`
}

// finalReading is how long the reading at the end may take.
const finalReading = 10 * time.Minute

// run returns how many checks found a fault.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) (int, error) {
	cfg, duration, err := configure(args)
	if err != nil {
		return 0, err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	pair, err := load.Start(ctx, cfg)
	if err != nil {
		return 0, err
	}
	if err := running(ctx, pair, out, cfg); err != nil {
		return 0, err
	}
	if duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, duration)
		defer cancel()
	}
	if err := obey(ctx, pair, in, out); err != nil {
		return 0, err
	}
	// A signal ends producing; the reading after it is what it was all for.
	judging, cancel := context.WithTimeout(context.WithoutCancel(ctx), finalReading)
	defer cancel()
	evidence, err := pair.Stop(judging)
	if err != nil {
		return 0, err
	}
	report := newReport(evidence)
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return len(report.Faults), encoder.Encode(report)
}

func configure(args []string) (cfg load.Config, duration time.Duration, err error) {
	flags := flag.NewFlagSet("counting", flag.ContinueOnError)
	file := flags.String("client", "", "a client.properties: servers, certificates, user (required)")
	resolver := flags.String("resolver", "", "the address of a DNS server; the machine's own if empty")
	partitions := flags.Int("partitions", 6, "how many partitions the topic gets")
	replicas := flags.Int("replicas", 3, "how many replicas each partition gets")
	flags.StringVar(&cfg.Topic, "topic", "counting", "a topic that nobody else writes to; made if it is not there")
	flags.IntVar(&cfg.Producers, "producers", 2, "how many producers there are")
	flags.IntVar(&cfg.Rate, "rate", 1000, "records a second, of all producers together")
	flags.IntVar(&cfg.Size, "size", 200, "bytes of a value")
	flags.DurationVar(&cfg.DeliveryTimeout, "delivery-timeout", 2*time.Minute, "after which a producer gives a record up")
	flags.DurationVar(&cfg.Settle, "settle", time.Minute, "how long to wait at the end for all replicas to be in sync")
	flags.Float64Var(&cfg.Limits.MinRate, "min-rate", 500, "records a second without which the run tells nothing")
	flags.IntVar(&cfg.Limits.AcksAfter, "acks-after", 5, "acknowledgements wanted within 30 s of each action's end")
	flags.DurationVar(&cfg.Limits.MaxGap, "max-gap", 0, "longest time without an acknowledgement on a partition; 0 for no limit")
	flags.DurationVar(&duration, "duration", 0, "how long to produce; 0 for until told to stop")
	if err := flags.Parse(args); err != nil {
		return cfg, 0, err
	}
	cfg.Limits.Within = 30 * time.Second
	if *file == "" || flags.NArg() > 0 || *partitions < 1 || *replicas < 1 || cfg.Producers < 1 || cfg.Rate < 1 {
		return cfg, 0, fmt.Errorf("wrong command line: --client is required, numbers are positive, and %q is no flag", flags.Args())
	}
	cfg.Partitions, cfg.Replicas = int32(*partitions), int16(*replicas)
	cfg.Client, err = client.Options(*file, *resolver)
	return cfg, duration, err
}

// running waits for the first acknowledgements: a second of the rate.
func running(ctx context.Context, pair *load.Run, out io.Writer, cfg load.Config) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for pair.Acked() < cfg.Rate {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("only %d records were acknowledged in a minute: %w", pair.Acked(), ctx.Err())
		}
	}
	_, err := fmt.Fprintln(out, "running")
	return err
}

// obey does what standard input says until it says stop, ends, or ctx does. An
// input that ends says nothing where a duration does.
func obey(ctx context.Context, pair *load.Run, in io.Reader, out io.Writer) error {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, more := <-lines:
			if _, timed := ctx.Deadline(); !more && timed {
				lines = nil
				continue
			}
			if !more || line == "stop" {
				return nil
			}
			said, err := command(pair, line)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(out, said); err != nil {
				return err
			}
		}
	}
}

func command(pair *load.Run, line string) (said string, err error) {
	verb, action, _ := strings.Cut(line, " ")
	switch {
	case verb == "begin" && action != "":
		pair.Begin(action)
		return "begun " + action, nil
	case verb == "end" && action != "":
		return "ended " + action, pair.End(action)
	}
	return "", fmt.Errorf("standard input says %q, which is no begin, end or stop", line)
}

func newReport(e check.Evidence) Report {
	r := Report{Seconds: e.Length.Seconds(), Sent: len(e.Sends), Phases: check.Phases(e), Checks: check.Checks(), Faults: check.Judge(e)}
	for _, s := range e.Sends {
		switch s.Outcome {
		case check.Acked:
			r.Acked++
		case check.Refused:
			r.Refused++
		case check.Unknown:
			r.Unknown++
		}
	}
	for _, records := range e.Final.Partitions {
		r.Read += len(records)
	}
	return r
}
