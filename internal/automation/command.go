package automation

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// command runs the Pulumi CLI for the Automation API. The SDK's own way kills
// the CLI ten seconds after an interrupt, which leaves the state locked and a
// host in the middle of a step; this one gives the engine time to end what it
// has begun.
type command struct {
	// lean answers the questions that the SDK asks around each operation, whether
	// the stack is there, for its outputs and its history, with nothing: this
	// driver does not use the answers, and each costs a start of the CLI.
	lean bool
	// previews keeps the preview before an update, which the SDK always leaves out.
	previews bool
	version  func() (semver.Version, error)
}

var _ auto.PulumiCommand = command{}

// notStarted is the exit code of a CLI that did not run at all, as the SDK has
// it.
const notStarted = -2

// gracePeriod is how long an interrupted engine may take to end its running
// steps: longer than any step may last on a host.
const gracePeriod = 25 * time.Minute

// engineTold is in what the engine says when it is told to end, by a signal.
const engineTold = "received; cancelling"

// toldWithin is how long the engine may take to say that it was told to end by
// whoever told this process.
const toldWithin = time.Second

type atOnceKey struct{}

// WithAtOnce is a context whose runs do not wait for running steps any more once
// a channel is closed: the engine then lets go of the state, in which what was
// being made is pending.
func WithAtOnce(ctx context.Context, now <-chan struct{}) context.Context {
	return context.WithValue(ctx, atOnceKey{}, now)
}

// endAtOnce tells the engine to end, and once it has heard that, to do so at once.
// It returns when the engine has ended.
func endAtOnce(ctx context.Context, engine *os.Process, told *hearing, ended <-chan struct{}) {
	now, _ := ctx.Value(atOnceKey{}).(<-chan struct{})
	select {
	case <-now:
	case <-ended:
		return
	}
	select {
	case <-told.heard:
	default:
		_ = engine.Signal(os.Interrupt) // an engine that has ended is told nothing
	}
	select {
	case <-told.heard:
		_ = engine.Signal(os.Interrupt)
	case <-ended:
	}
}

// hearing notices the first time that a word is written to it.
type hearing struct {
	word  []byte
	heard chan struct{}
	rest  []byte // the end of what was written, where a word may have begun
	done  bool
}

func (h *hearing) Write(p []byte) (int, error) {
	if h.done {
		return len(p), nil
	}
	seen := slices.Concat(h.rest, p)
	if bytes.Contains(seen, h.word) {
		h.done = true
		close(h.heard)
		return len(p), nil
	}
	h.rest = bytes.Clone(seen[max(0, len(seen)-len(h.word)):])
	return len(p), nil
}

// newCommand asks for the CLI's version in the background: the first use of it
// is after other questions have been asked.
func newCommand(ctx context.Context) command {
	type answer struct {
		version semver.Version
		err     error
	}
	answers := make(chan answer, 1)
	go func() {
		version, err := cliVersion(ctx)
		answers <- answer{version, err}
	}()
	return command{lean: true, version: sync.OnceValues(func() (semver.Version, error) {
		a := <-answers
		return a.version, a.err
	})}
}

// Version is the CLI's version; Open has checked that there is one.
func (c command) Version() semver.Version {
	version, _ := c.version()
	return version
}

var emptyAnswers = map[string]string{"stack select": "", "stack output": "{}", "stack history": "[]"}

// Run runs one CLI command. A cancelled context interrupts it once, as ^C
// does; the engine then ends its running steps and releases its lock.
func (c command) Run(
	ctx context.Context, workdir string, stdin io.Reader, outputs, errorOutputs []io.Writer, env []string, args ...string,
) (string, string, int, error) {
	if answer, known := emptyAnswers[strings.Join(args[:min(2, len(args))], " ")]; c.lean && known {
		return answer, "", 0, nil
	}
	if c.previews {
		args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "--skip-preview" })
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "pulumi", append(args, "--non-interactive")...)
	cmd.Dir, cmd.Stdin = workdir, stdin
	cmd.Env = append(append(os.Environ(), env...), "PULUMI_AUTOMATION_API=true", "PULUMI_SKIP_UPDATE_CHECK=true")
	told := &hearing{word: []byte(engineTold), heard: make(chan struct{})}
	cmd.Stdout = io.MultiWriter(append(outputs, &stdout, told)...)
	cmd.Stderr = io.MultiWriter(append(errorOutputs, &stderr)...)
	// A group of its own: a ^C on the terminal must reach the engine once,
	// through Cancel, and not twice, which would be a hard stop. If this
	// process is killed the engine is interrupted too; the kernel ties that to
	// the thread that started it, so the thread is kept.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	cmd.Cancel = func() error {
		// A build server that aborts a job signals the whole tree of processes,
		// this one and the engine. A second signal would be a hard stop.
		select {
		case <-told.heard:
			return nil
		case <-time.After(toldWithin):
			return cmd.Process.Signal(os.Interrupt)
		}
	}
	cmd.WaitDelay = gracePeriod

	err := cmd.Start()
	if err == nil {
		ended := make(chan struct{})
		go endAtOnce(ctx, cmd.Process, told, ended)
		err = cmd.Wait()
		close(ended)
	}
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		code = notStarted
	}
	return stdout.String(), stderr.String(), code, err
}
