package automation

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"kraftstack/internal/fail"
)

// failures collects what the engine said went wrong, in its order.
type failures struct {
	places   map[string]Place // by URN
	resource []failure
	general  []string // errors of the program, and of nothing in particular
}

type failure struct {
	place   Place
	message string
}

// note keeps error diagnostics. An engine repeats one in its final summary;
// one is enough.
func (f *failures) note(event apitype.EngineEvent) {
	if pre := event.ResourcePreEvent; pre != nil {
		if place, ok := PlaceOf(pre.Metadata); ok {
			if f.places == nil {
				f.places = map[string]Place{}
			}
			f.places[pre.Metadata.URN] = place
		}
	}
	d := event.DiagnosticEvent
	if d == nil || d.Severity != "error" {
		return
	}
	message := strings.TrimSpace(Plain(d.Message))
	if message == "" || strings.HasPrefix(message, "update failed") || strings.HasPrefix(message, "preview failed") {
		return
	}
	if place, ok := f.places[d.URN]; ok {
		f.resource = append(f.resource, failure{place, message})
		return
	}
	f.general = append(f.general, message)
}

// The texts that a failure is known by. Pulumi's Automation API and the
// command provider have no error codes to go by.
var (
	// What kafka-node prints when it gives up.
	toolkitError = regexp.MustCompile(`kafka-node: ([^:\s]+): ([a-z]+): (.+?); next: (.+)`)
	// How it ends where the cluster cannot do without its node.
	refused = regexp.MustCompile(`(?i)exited with status 10\b`)
	// And where somebody has changed its host.
	altered     = regexp.MustCompile(`(?i)exited with status 9\b`)
	unreachable = regexp.MustCompile(`(?i)unable to dial|failed to dial|dial tcp|ssh: handshake failed|connection refused|i/o timeout|no route to host|error limit|after \d+ failed attempts`)
	// How the SSH client tells of a connection that ended before the step did.
	cut     = regexp.MustCompile(`exited without exit status or exit signal`)
	hostKey = regexp.MustCompile(`(?i)host key mismatch|knownhosts|host key`)
	// What a state backend says that would answer at another time.
	transientBackend = regexp.MustCompile(`(?i)RequestTimeout|SlowDown|ServiceUnavailable|connection reset by peer|TLS handshake timeout|temporary failure in name resolution`)
	// How the CLI says that it cannot decrypt the secrets of a stack.
	wrongPassphrase = regexp.MustCompile(`(?i)incorrect passphrase|passphrase must be set`)
	// How the engine refuses what a plan does not say. What follows it holds values.
	violatesPlan = regexp.MustCompile(`resource (\S+) violates plan`)
	// How the program refuses what a stack file says.
	hookRefusal = regexp.MustCompile(`before hook "[^"]+" failed: (.+)`)
	// How it leaves a host alone that the cluster cannot do without.
	stopRefusal = regexp.MustCompile(`(\S+ was not stopped: .+); next: (.+)`)
	fileRefusal = regexp.MustCompile(`(?s)the configuration of stack "[^"]*" has \d+ problems?:.*`)
	colour      = regexp.MustCompile("\x1b\\[[0-9;]*m|<\\{%[^%]*%\\}>")
)

// Classify turns what went wrong in an operation into one failure with its
// cause, place and next move. The Automation API's own errors hold pages of
// output: they are read here and never shown.
func Classify(op string, err error, seen *failures) error {
	var known *fail.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), engineTold):
		return interrupted(op, err)
	case auto.IsConcurrentUpdateError(err):
		return locked(op, err)
	case seen.violation() != "":
		return &fail.Error{
			Cause: fail.Config, Op: op, Err: fmt.Errorf("%s is no longer what the plan says; the steps before it are done", seen.violation()),
			Next: "make a new plan with kraftstack preview --save-plan, and have it reviewed",
		}
	case seen != nil && len(seen.resource) > 0:
		return resourceFailure(op, seen)
	case seen != nil && fileRefusal.MatchString(strings.Join(seen.general, "\n")):
		return &fail.Error{
			Cause: fail.Config, Op: op, Err: errors.New(strings.TrimSpace(fileRefusal.FindString(strings.Join(seen.general, "\n")))),
			Next: "mend the stack file; nothing was changed",
		}
	case seen != nil && len(seen.general) > 0:
		return &fail.Error{Cause: fail.Internal, Op: op, Err: errors.New(strings.Join(seen.general, "\n"))}
	}
	return backendFailure(op, err)
}

// backendFailure is what goes wrong before the engine looks at a resource.
func backendFailure(op string, err error) error {
	if wrongPassphrase.MatchString(err.Error()) {
		return &fail.Error{
			Cause: fail.Config, Op: op, Err: errors.New("the stack's secrets cannot be decrypted: PULUMI_CONFIG_PASSPHRASE is not set, or is another one than this stack was made with"),
			Next: "set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE; nothing was changed",
		}
	}
	return &fail.Error{
		Cause: fail.Internal, Op: op, Err: errors.New(excerpt(err.Error())), Transient: transientBackend.MatchString(err.Error()),
	}
}

// violation is the name of the resource that is not as a plan says, "" if there
// is none.
func (f *failures) violation() string {
	if f == nil {
		return ""
	}
	messages := slices.Clone(f.general)
	for _, one := range f.resource {
		messages = append(messages, one.message)
	}
	for _, message := range messages {
		if m := violatesPlan.FindStringSubmatch(message); m != nil {
			return resource.URN(m[1]).Name()
		}
	}
	return ""
}

// ErrTimeLimit is the cause of a context that ends when a time limit that the
// person set is over.
var ErrTimeLimit = errors.New("the time limit is over")

func interrupted(op string, err error) error {
	reason := errors.New("interrupted")
	if errors.Is(err, ErrTimeLimit) {
		reason = ErrTimeLimit
	}
	return &fail.Error{
		Cause: fail.Cancelled, Op: op, Err: reason,
		Next: "run the same command again: it goes on where this one stopped",
	}
}

func locked(op string, err error) error {
	stack := op[strings.LastIndex(op, " ")+1:]
	return &fail.Error{
		Cause: fail.Locked, Op: op, Err: fmt.Errorf("the stack's state is locked %s", parseLock(err.Error())),
		Next: "wait for that run; if its process is gone, kraftstack unlock --stack " + stack + ", then run this again",
	}
}

// resourceFailure tells of the first failure in full and counts the others.
func resourceFailure(op string, seen *failures) error {
	first := seen.resource[0]
	e := &fail.Error{Cause: fail.Internal, Host: first.place.Component, Step: first.place.Step, Op: op}
	message := first.message
	switch m := toolkitError.FindStringSubmatch(message); {
	case m != nil:
		e.Cause, e.Err, e.Next = fail.Step, errors.New(m[3]), m[4]
		if verb := m[2]; verb == "quorum" || verb == "roll" {
			e.Cause = fail.Unhealthy
		}
		if refused.MatchString(message) {
			e.Cause = fail.Gate
		} else if altered.MatchString(message) {
			e.Cause = fail.Drift
		}
	case stopRefusal.MatchString(message):
		m := stopRefusal.FindStringSubmatch(message)
		e.Cause, e.Err, e.Next = fail.Gate, errors.New(m[1]), m[2]
	case hookRefusal.MatchString(message):
		e.Cause, e.Err = fail.Config, errors.New(hookRefusal.FindStringSubmatch(message)[1])
		e.Next = "mend the stack file and run the same command again"
	case first.place.IsCommand() && lostOnTheWay(e, message):
	default:
		e.Err = errors.New(excerpt(message))
	}
	if e.Next == "" {
		e.Next = "mend the cause and run the same command again: what was done is kept"
	}
	if more := len(seen.resource) - 1; more > 0 {
		e.Next += fmt.Sprintf("\n%s failed too; they are shown above", plural(more, "other step"))
	}
	return e
}

// lostOnTheWay says whether it was SSH that failed, and tells e of it.
func lostOnTheWay(e *fail.Error, message string) bool {
	e.Cause = fail.Unreachable
	switch {
	case cut.MatchString(message):
		e.Err, e.Transient = errors.New("the SSH connection ended before the step did"), true
		e.Next = "run up again: the step may have been done or not, and runs again. Kafka is restarted by systemd, so nothing stays down"
	case hostKey.MatchString(message):
		e.Err = errors.New("the host shows another SSH host key than the one this stack gave it")
		e.Next = "do not go on before you know why: another host may answer at this address. A host reinstalled by hand is replaced by terminating it, then refresh and up"
	case unreachable.MatchString(message):
		e.Err, e.Transient = fmt.Errorf("cannot connect by SSH: %s", excerpt(message)), true
		e.Next = "check that the instance runs and that you may reach it (your address is in access.adminCidrs; without a bastion, you may start sessions), then run up again"
	default:
		e.Cause = fail.Internal
		return false
	}
	return true
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Plain takes the engine's colours out of a text.
func Plain(text string) string { return colour.ReplaceAllString(text, "") }

const excerptLines = 12

// excerpt is the end of a text, where the reason stands, without the
// surroundings that the Automation API wraps it in.
func excerpt(text string) string {
	var lines []string
	for line := range strings.Lines(Plain(text)) {
		if line = strings.TrimRight(line, " \r\n"); strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) > excerptLines {
		lines = append([]string{"…"}, lines[len(lines)-excerptLines:]...)
	}
	return strings.Join(lines, "\n")
}
