// Package record keeps what became of operations on a stack: a journal of who
// did what and how it ended, the state before each change, and the artifacts
// that a build server wants. Nothing in it holds a secret in clear.
package record

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"kraftstack/internal/fail"
	"kraftstack/internal/redact"
	"kraftstack/internal/ui"
)

// Run is one operation on a stack: who, when, what, and how it ended.
type Run struct {
	ID      string    `json:"id"` // short, and told to the state backend's history too
	Stack   string    `json:"stack"`
	Verb    string    `json:"verb"`
	Options []string  `json:"options,omitempty"` // what narrowed it: hosts, a plan
	User    string    `json:"user"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Job     string    `json:"job,omitempty"`    // the address of the build server's run
	Commit  string    `json:"commit,omitempty"` // as the build server says it
	Began   time.Time `json:"began"`
	// The rest is empty while the run lasts.
	Ended  time.Time      `json:"ended,omitzero"`
	Code   int            `json:"code"`
	Cause  string         `json:"cause,omitempty"`
	Error  string         `json:"error,omitempty"`
	Where  string         `json:"where,omitempty"`  // "broker-1001 roll"
	Counts map[string]int `json:"counts,omitempty"` // changes by kind: create, update, replace, delete
}

// Begin is a run that begins now, by this process. getenv is os.Getenv.
func Begin(stack, verb string, now time.Time, getenv func(string) string, options ...string) Run {
	r := Run{
		ID: rand.Text()[:10], Stack: stack, Verb: verb, Options: options, PID: os.Getpid(), Began: now.UTC(),
		Job:    cmp.Or(getenv("BUILD_URL"), getenv("CI_JOB_URL"), githubJob(getenv)),
		Commit: cmp.Or(getenv("GIT_COMMIT"), getenv("GITHUB_SHA"), getenv("CI_COMMIT_SHA")),
	}
	r.Host, _ = os.Hostname()
	if u, err := user.Current(); err == nil {
		r.User = u.Username
	}
	return r
}

func githubJob(getenv func(string) string) string {
	if getenv("GITHUB_RUN_ID") == "" {
		return ""
	}
	return fmt.Sprintf("%s/%s/actions/runs/%s", getenv("GITHUB_SERVER_URL"), getenv("GITHUB_REPOSITORY"), getenv("GITHUB_RUN_ID"))
}

// End is the run with its outcome.
func (r Run) End(now time.Time, err error, counts map[string]int) Run {
	r.Ended, r.Code, r.Counts = now.UTC(), fail.Exit(err), counts
	if err == nil {
		return r
	}
	r.Cause, r.Error = string(fail.Of(err)), redact.Text(err.Error())
	if host, step := fail.Place(err); host != "" {
		r.Where = host + " " + step
	}
	return r
}

// Over says whether the run has an outcome. One without it lasts, or was broken
// off: killed, or with the machine under it.
func (r Run) Over() bool { return !r.Ended.IsZero() }

// Outcome is how the run ended, in one word or two.
func (r Run) Outcome() string {
	switch {
	case !r.Over():
		return "broken off"
	case r.Code == 0:
		return "done"
	default:
		return r.Cause
	}
}

// Message is what the state backend keeps of the run, to tell it by.
func (r Run) Message() string {
	return fmt.Sprintf("kraftstack %s, run %s by %s@%s", r.Verb, r.ID, r.User, r.Host)
}

// Took is how long the run lasted, "" for one without an end.
func (r Run) Took() string {
	if !r.Over() {
		return ""
	}
	return ui.Duration(r.Ended.Sub(r.Began))
}

// Folder is where the records of a project's stack are: below
// $KRAFTSTACK_RECORDS_DIR, or .kraftstack in the project's folder.
func Folder(project, stack string, getenv func(string) string) string {
	return filepath.Join(cmp.Or(getenv("KRAFTSTACK_RECORDS_DIR"), filepath.Join(project, ".kraftstack")), stack)
}
