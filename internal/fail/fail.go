// Package fail is the one place that says what kinds of failure kraftstack
// knows, and with which exit code each of them ends the process.
//
// A function that knows why something failed returns an *Error with that cause;
// callers wrap it with fmt.Errorf and %w as usual, and only main asks for the
// exit code. What is not classified here is an internal error, exit code 1.
package fail

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Cause is the kind of a failure.
type Cause string

// The causes, and the exit code of each.
const (
	Internal    Cause = "internal"    // 1: a bug, or something nobody has classified yet
	Changes     Cause = "changes"     // 2: changes are pending, asked for by preview
	Config      Cause = "config"      // 3: the stack file or the command line is wrong
	Locked      Cause = "locked"      // 4: another run holds the stack's state
	Unreachable Cause = "unreachable" // 5: a host cannot be reached, or is not the host it should be
	Unhealthy   Cause = "unhealthy"   // 6: a gate or a health check is not met
	Policy      Cause = "policy"      // 7: a policy forbids the change
	Step        Cause = "step"        // 8: a step on a host failed for a reason of its own
	Drift       Cause = "drift"       // 9: what runs was changed behind the stack's back
	Gate        Cause = "gate"        // 10: the cluster cannot do without a node now; nothing was restarted
	Cancelled   Cause = "cancelled"   // 130: interrupted by the person or the job that started it
)

var exits = map[Cause]int{
	Internal: 1, Changes: 2, Config: 3, Locked: 4, Unreachable: 5, Unhealthy: 6, Policy: 7, Step: 8, Drift: 9, Gate: 10, Cancelled: 130,
}

// Exit is the cause's exit code; 1 for a cause that is not in the list.
func (c Cause) Exit() int {
	if code, ok := exits[c]; ok {
		return code
	}
	return exits[Internal]
}

// Error is a failure that knows its cause, where it happened and what to do
// about it. All fields but Cause and Op may be empty. None may hold a secret.
type Error struct {
	Cause Cause
	Op    string // what failed, as a person would say it: "connect to the bastion"
	Host  string // on which host: a node's name, "bastion"
	Step  string // in which step: "install", "ssh"
	Err   error  // why
	Next  string // what to do now; several moves are several lines

	// Transient says that the same operation may well succeed at another time
	// with nothing mended: a host that does not answer, a backend that is busy.
	Transient bool
}

var _ error = (*Error)(nil)

// Error is the whole failure in one line, without the hint.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Host != "" {
		b.WriteString(e.Host + ": ")
	}
	if e.Step != "" {
		b.WriteString(e.Step + ": ")
	}
	b.WriteString(e.Op)
	if e.Err != nil {
		if e.Op != "" {
			b.WriteString(": ")
		}
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the reason to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// StatusError ends the process with the exit code of a command that ran elsewhere
// and has told the person itself what was wrong: nothing more is printed.
type StatusError struct{ Code int }

var _ error = (*StatusError)(nil)

// Error names the code, for logs and tests.
func (s *StatusError) Error() string { return fmt.Sprintf("exit status %d", s.Code) }

// Usage marks a wrong command line: exit code 3, with the command's help as
// the next move. Nil stays nil.
func Usage(command string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Cause: Config, Op: "read the command line", Err: err, Next: "see " + command + " --help"}
}

// Of is the cause of err. The outermost *Error decides, so a caller that knows
// better than its callee can say so. A bare context.Canceled is Cancelled.
func Of(err error) Cause {
	var known *Error
	switch {
	case errors.As(err, &known) && known.Cause != "":
		return known.Cause
	case errors.Is(err, context.Canceled):
		return Cancelled
	}
	return Internal
}

// Exit is the exit code for err: 0 for nil.
func Exit(err error) int {
	if err == nil {
		return 0
	}
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Code
	}
	return Of(err).Exit()
}

// Transient says whether the outermost *Error in the chain of err calls it so.
func Transient(err error) bool {
	var known *Error
	return errors.As(err, &known) && known.Transient
}

// Hint is what to do next, from the outermost error in the chain that has an
// answer; "" if none has.
func Hint(err error) string {
	for err != nil {
		var known *Error
		if !errors.As(err, &known) {
			return ""
		}
		if known.Next != "" {
			return known.Next
		}
		err = known.Err
	}
	return ""
}

// Place is the host and the step of err, each from the outermost error in the
// chain that names one.
func Place(err error) (host, step string) {
	for err != nil {
		var known *Error
		if !errors.As(err, &known) {
			break
		}
		if host == "" {
			host = known.Host
		}
		if step == "" {
			step = known.Step
		}
		err = known.Err
	}
	return host, step
}
