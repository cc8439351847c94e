package automation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"

	"kraftstack/internal/fail"
)

// command runs the Pulumi CLI for the Automation API. The SDK's own way kills
// the CLI ten seconds after an interrupt, which leaves the state locked and a
// host in the middle of a step; this one gives the engine time to end what it
// has begun.
type command struct {
	version semver.Version
}

var _ auto.PulumiCommand = command{}

// oldest is the first CLI that streams events over gRPC instead of a file.
var oldest = semver.MustParse("3.206.0")

// gracePeriod is how long an interrupted engine may take to end its running
// steps: longer than any step may last on a host.
const gracePeriod = 25 * time.Minute

func newCommand(ctx context.Context) (command, error) {
	out, err := exec.CommandContext(ctx, "pulumi", "version").Output()
	if err != nil {
		return command{}, &fail.Error{
			Cause: fail.Config, Op: "find the Pulumi CLI", Err: err,
			Next: "install pulumi, or use the lab's: eval \"$(kraftstack lab env)\"",
		}
	}
	version, err := semver.ParseTolerant(strings.TrimSpace(string(out)))
	if err != nil || version.LT(oldest) {
		return command{}, &fail.Error{
			Cause: fail.Config, Op: "find the Pulumi CLI",
			Err:  fmt.Errorf("the pulumi on the PATH is %q; %s or newer is needed", strings.TrimSpace(string(out)), oldest),
			Next: "install a newer pulumi",
		}
	}
	return command{version: version}, nil
}

// Version is the CLI's version.
func (c command) Version() semver.Version { return c.version }

// Run runs one CLI command. A cancelled context interrupts it once, as ^C
// does; the engine then ends its running steps and releases its lock.
func (c command) Run(
	ctx context.Context, workdir string, stdin io.Reader, outputs, errorOutputs []io.Writer, env []string, args ...string,
) (string, string, int, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "pulumi", append(args, "--non-interactive")...)
	cmd.Dir, cmd.Stdin = workdir, stdin
	cmd.Env = append(append(os.Environ(), env...), "PULUMI_AUTOMATION_API=true", "PULUMI_SKIP_UPDATE_CHECK=true")
	cmd.Stdout = io.MultiWriter(append(outputs, &stdout)...)
	cmd.Stderr = io.MultiWriter(append(errorOutputs, &stderr)...)
	// A group of its own: a ^C on the terminal must reach the engine once,
	// through Cancel, and not twice, which would be a hard stop. If this
	// process is killed the engine is interrupted too; the kernel ties that to
	// the thread that started it, so the thread is kept.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = gracePeriod

	err := cmd.Run()
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		code = -2 // the SDK's own mark of a command that did not run
	}
	return stdout.String(), stderr.String(), code, err
}
