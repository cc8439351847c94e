// Command bench measures kraftstack beside what a user would pick instead, in
// one run on one machine, and prints one table. README.md says what each row
// compares, how, and where the comparison is weak.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"kraftstack/internal/automation"
	"kraftstack/lab/paths"
)

// wholeTimeout bounds all rows together, cleaning up not included.
const wholeTimeout = 50 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the process
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run: what it was asked for and where it works.
type bench struct {
	only   []string // rows to measure, by letter
	runs   int      // rounds of a and b
	driver string   // path of bin/kraftstack
	source string   // the project's folder
	cache  string
	work   string // scratch, gone at the end
	out    io.Writer
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	if len(args) == 4 && args[0] == reportFlag {
		return makeReport(args[1], args[2], args[3], stdout)
	}
	b, asJSON, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if b.work, err = os.MkdirTemp("", "ks-bench-"); err != nil {
		return fmt.Errorf("make a scratch folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.work)) }()
	ctx, cancel := context.WithTimeoutCause(ctx, wholeTimeout, fmt.Errorf("not done within %s", wholeTimeout))
	defer cancel()

	began := time.Now()
	rows, err := b.measure(ctx)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	if err != nil {
		return err
	}
	b.sayf("done after %.0f s", time.Since(began).Seconds())
	if asJSON {
		return writeJSON(stdout, rows)
	}
	return writeTable(stdout, rows)
}

// measure takes the rows that are wanted, those without hosts first.
func (b *bench) measure(ctx context.Context) (rows []Row, err error) {
	if b.wants("c") {
		if rows, err = b.previews(ctx); err != nil {
			return nil, fmt.Errorf("row c, previews: %w", err)
		}
	}
	if b.wants("k") {
		row, err := b.network(ctx)
		if err != nil {
			return nil, fmt.Errorf("row k, the network: %w", err)
		}
		rows = append(rows, row)
	}
	if b.wants("d") {
		row, err := b.overhead(ctx)
		if err != nil {
			return nil, fmt.Errorf("row d, the driver: %w", err)
		}
		rows = append(rows, row)
	}
	if b.wants("e") {
		reports, err := b.reports(ctx)
		if err != nil {
			return nil, fmt.Errorf("row e, the report: %w", err)
		}
		rows = append(rows, reports...)
	}
	if b.wants("f") || b.wants("g") {
		secured, err := b.securityRows(ctx)
		if err != nil {
			return nil, fmt.Errorf("rows f and g, encryption and users: %w", err)
		}
		rows = append(rows, secured...)
	}
	if b.wants("h") || b.wants("i") {
		rolled, err := b.rollRows(ctx)
		if err != nil {
			return nil, fmt.Errorf("rows h and i, a rolling restart: %w", err)
		}
		rows = append(rows, rolled...)
	}
	if b.wants("j") {
		scaled, err := b.scaleRow(ctx)
		if err != nil {
			return nil, fmt.Errorf("row j, scaling out: %w", err)
		}
		rows = append(rows, scaled)
	}
	if b.wants("a") || b.wants("b") {
		hosts, err := b.hosts(ctx)
		if err != nil {
			return nil, fmt.Errorf("rows a and b, runs on hosts: %w", err)
		}
		rows = append(hosts, rows...)
	}
	return rows, nil
}

func parse(args []string, stderr io.Writer) (*bench, bool, error) {
	b := &bench{out: stderr}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "a,b,c,d,e,f,g,h,i,j,k", "rows to measure, joined by commas")
	asJSON := flags.Bool("json", false, "print one JSON document and nothing else on standard output")
	flags.IntVar(&b.runs, "runs", 2, "rounds of rows a and b, each on new hosts")
	flags.StringVar(&b.driver, "driver", "", "the kraftstack program (default bin/kraftstack of the project)")
	if err := flags.Parse(args); err != nil {
		return nil, false, err
	}
	if flags.NArg() > 0 || b.runs < 1 {
		return nil, false, errors.New("it takes flags only, and --runs of at least 1; next: see --help")
	}
	for name := range strings.SplitSeq(*only, ",") {
		if !slices.Contains([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"}, name) {
			return nil, false, fmt.Errorf("there is no row %q; the rows are a to k", name)
		}
		b.only = append(b.only, name)
	}
	var err error
	if b.source, err = automation.ProjectDir("."); err != nil {
		return nil, false, err
	}
	if b.cache, err = paths.Cache(); err != nil {
		return nil, false, fmt.Errorf("find the cache folder: %w; next: set KRAFTSTACK_CACHE_DIR", err)
	}
	return b, *asJSON, nil
}

func (b *bench) wants(row string) bool { return slices.Contains(b.only, row) }

// sayf reports progress; the table alone goes to standard output.
func (b *bench) sayf(format string, args ...any) {
	fmt.Fprintf(b.out, "bench: "+format+"\n", args...)
}
