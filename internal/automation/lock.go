package automation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kraftstack/internal/fail"
)

// Lock says who holds a stack's state, and since when.
type Lock struct {
	User  string
	Host  string
	PID   int
	Since time.Time
	text  string // the backend's own words, where they are not as expected
}

// String is the holder in words.
func (l *Lock) String() string {
	if l.PID == 0 {
		return l.text
	}
	return fmt.Sprintf("by %s@%s (pid %d) since %s", l.User, l.Host, l.PID, l.Since.Format(time.RFC3339))
}

// alive says whether the holder still runs; known is false where it runs on
// another machine, which nobody can tell from here.
func (l *Lock) alive() (alive, known bool) {
	host, err := os.Hostname()
	if err != nil || l.PID == 0 || l.Host != host {
		return false, false
	}
	err = syscall.Kill(l.PID, 0)
	return (err == nil || errors.Is(err, syscall.EPERM)) && !ended(l.PID), true
}

// ended says of a process that can be signalled whether it is a zombie: it runs no
// more, and its parent has not asked yet how it ended (proc_pid_stat(5)).
func ended(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false // no such file on other systems, or none any more
	}
	// The name before the state is in brackets, and may have any character.
	_, state, _ := strings.Cut(string(text[bytes.LastIndexByte(text, ')')+1:]), " ")
	return strings.HasPrefix(state, "Z")
}

// lockText is how the backends of files and buckets name the holder.
var lockText = regexp.MustCompile(`created by (\S+)@(\S+) \(pid (\d+)\) at (\S+)`)

// parseLock reads the holder from the backend's refusal.
func parseLock(refusal string) *Lock {
	m := lockText.FindStringSubmatch(refusal)
	if m == nil {
		return &Lock{text: "by another run"}
	}
	pid, err := strconv.Atoi(m[3])
	since, timeErr := time.Parse(time.RFC3339, m[4])
	if err != nil || timeErr != nil {
		return &Lock{text: m[0]}
	}
	return &Lock{User: m[1], Host: m[2], PID: pid, Since: since}
}

// Holder is who holds a stack's lock, nil if nobody does. The CLI has no
// question for it, so it is asked to make the stack: an existing one is refused
// either because it is locked, with the holder's name, or because it exists.
func Holder(ctx context.Context, dir, stack string) (*Lock, error) {
	op := "look at the lock of stack " + stack
	// What does not exist must not come to exist by the question.
	if _, err := ask(ctx, dir, op, stack, "stack", "select", "--stack", stack); err != nil {
		return nil, err
	}
	_, stderr, code, err := command{}.Run(ctx, dir, nil, nil, nil, nil, "stack", "init", stack)
	switch {
	case ctx.Err() != nil:
		return nil, Classify(op, ctx.Err(), nil)
	case strings.Contains(stderr, "currently locked by"):
		return parseLock(stderr), nil
	case code > 0 && strings.Contains(stderr, "already exists"):
		return nil, nil //nolint:nilnil // nobody holds it: there is no such thing
	case code == 0:
		err = errors.New("the stack was removed at this moment")
	default:
		err = errors.Join(err, errors.New(excerpt(stderr)))
	}
	return nil, &fail.Error{Cause: fail.Internal, Op: op, Err: err}
}

const lockPoll = 500 * time.Millisecond

// Unlock removes the lock that a killed run left on a stack's state. It never
// takes one from a process that runs on this machine: for up to wait it lets
// that process end. A holder on another machine is given up only with force,
// for nobody can tell from here whether it is gone. It returns whose lock was
// removed, nil if there was none left.
func Unlock(ctx context.Context, dir, stack string, wait time.Duration, force bool) (*Lock, error) {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		held, err := Holder(ctx, dir, stack)
		if err != nil || held == nil {
			return nil, err
		}
		alive, known := held.alive()
		if force || known && !alive {
			_, err := ask(ctx, dir, "unlock stack "+stack, stack, "cancel", "--yes", "--stack", stack)
			return held, err
		}
		if !known {
			return nil, keepLock(stack, held, "kraftstack unlock --stack "+stack+" --force, once you know that this process is gone: two runs at once damage the state")
		}
		select {
		case <-waiting.Done():
			return nil, keepLock(stack, held, "it still runs: wait for it (kraftstack unlock --wait 30m), or interrupt it once and let it end its steps")
		case <-tick.C:
		}
	}
}

func keepLock(stack string, held *Lock, next string) error {
	return &fail.Error{
		Cause: fail.Locked, Op: "unlock stack " + stack, Err: fmt.Errorf("the stack's state is locked %s", held), Next: next,
	}
}

// ask runs one question to the CLI about a stack and returns its answer.
func ask(ctx context.Context, dir, op, stack string, args ...string) (string, error) {
	return tell(ctx, dir, nil, op, stack, args...)
}

// tell is ask with something on the CLI's standard input.
func tell(ctx context.Context, dir string, input io.Reader, op, stack string, args ...string) (string, error) {
	stdout, stderr, code, err := command{}.Run(ctx, dir, input, nil, nil, nil, args...)
	switch {
	case err == nil:
		return stdout, nil
	case ctx.Err() != nil:
		return "", Classify(op, errors.Join(context.Cause(ctx), ctx.Err()), nil)
	case code == notStarted:
		return "", noCLI(err)
	case strings.Contains(stderr, "no stack named"):
		return "", notDeployed(stack)
	}
	return "", &fail.Error{Cause: fail.Internal, Op: op, Err: errors.New(excerpt(stderr)), Transient: transientBackend.MatchString(stderr)}
}
