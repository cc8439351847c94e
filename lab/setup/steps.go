package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Step is one thing that a set-up brings.
type Step struct {
	// Name says what the step brings, as a user would call it.
	Name string
	// After lists the names of the steps that this one stands on.
	After []string
	// Ready reports whether the thing is there already. It is cheap.
	Ready func() bool
	// Run brings the thing, writing what a waiting user wants to see. It is safe
	// to stop at any point and to run again.
	Run func(ctx context.Context, out io.Writer) error
}

// RunSteps runs every step that is not ready, each as soon as the ones it
// stands on are done. The first failure stops the others; the error says which
// step failed. Each line on out begins with the step's name.
func RunSteps(ctx context.Context, out io.Writer, steps []Step) error {
	done := make(map[string]chan struct{}, len(steps))
	for _, s := range steps {
		done[s.Name] = make(chan struct{})
	}
	for _, s := range steps {
		for _, name := range s.After {
			if done[name] == nil {
				return fmt.Errorf("set-up step %q stands on %q, which is no step", s.Name, name)
			}
		}
	}
	shared := &sharedWriter{w: out}
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range steps {
		group.Go(func() error {
			for _, name := range s.After {
				select {
				case <-done[name]:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if err := runStep(ctx, shared, s); err != nil {
				return err
			}
			close(done[s.Name])
			return nil
		})
	}
	return group.Wait()
}

// runStep runs one step, with a line when it begins and one when it ends.
func runStep(ctx context.Context, out *sharedWriter, s Step) error {
	if s.Ready() {
		return nil
	}
	lines := &lineWriter{prefix: "set-up: " + s.Name + ": ", out: out}
	fmt.Fprintln(lines, "started")
	start := time.Now()
	err := s.Run(ctx, lines)
	lines.flush()
	switch {
	case err == nil:
		fmt.Fprintln(lines, "done in", seconds(time.Since(start)))
		return nil
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return fmt.Errorf("set-up: %s was interrupted; next: run the same command again, it goes on from here: %w", s.Name, err)
	default:
		return fmt.Errorf("set-up: %s failed after %s: %w", s.Name, seconds(time.Since(start)), err)
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// sharedWriter lets the lines of several steps reach one writer whole.
type sharedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *sharedWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// chatter is what the installers print for every package there is: hundreds of
// lines in which the few that matter would be lost.
var chatter = regexp.MustCompile(`^(I: (Retrieving|Validating|Extracting|Unpacking|Configuring|Chosen|Checking) |` +
	`go: downloading |Get:|Selecting previously|Preparing to unpack|Unpacking |Setting up |Processing triggers|\(Reading database)`)

// lineWriter passes on whole lines with a prefix. A command's two output
// streams may write to it at once.
type lineWriter struct {
	mu     sync.Mutex
	prefix string
	out    io.Writer
	rest   []byte
}

func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		line := bytes.TrimRight(l.rest[:i], "\r ")
		if len(line) > 0 && !chatter.Match(line) {
			if _, err := fmt.Fprintf(l.out, "%s%s\n", l.prefix, line); err != nil {
				return 0, err
			}
		}
		l.rest = l.rest[i+1:]
	}
}

// flush ends a last line that has no newline.
func (l *lineWriter) flush() {
	l.mu.Lock()
	pending := len(l.rest) > 0
	l.mu.Unlock()
	if pending {
		fmt.Fprintln(l)
	}
}
