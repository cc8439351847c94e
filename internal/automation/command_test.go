package automation

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kraftstack/internal/fail"
)

// shellCLI puts a CLI of these lines of shell on the PATH, in place of any other.
func shellCLI(t *testing.T, lines string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pulumi"), []byte("#!/bin/bash\n"+lines+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("XDG_CACHE_HOME", dir)
}

func TestLeanCommandStartsNoCLIForAnswersThatNobodyReads(t *testing.T) {
	shellCLI(t, "echo started; exit 3")
	for _, c := range []struct {
		args string
		lean bool
		want string
	}{
		{"stack output --json", true, "{}"},
		{"stack history --json --page 1", true, "[]"},
		{"stack select --stack lab", true, ""},
		{"stack select --stack lab", false, "started\n"},
		{"stack init lab", true, "started\n"},
		{"version", true, "started\n"},
		{"stack output --json", false, "started\n"},
	} {
		got, _, _, _ := command{lean: c.lean}.Run(t.Context(), t.TempDir(), nil, nil, nil, nil, strings.Fields(c.args)...)
		if got != c.want {
			t.Errorf("pulumi %s, lean %v: got %q, want %q", c.args, c.lean, got, c.want)
		}
	}
}

func TestCommandResult(t *testing.T) {
	shellCLI(t, `echo "$NAME $PULUMI_SKIP_UPDATE_CHECK $*"; echo wrong >&2; exit 3`)
	var out, errs strings.Builder
	stdout, stderr, code, err := command{}.Run(t.Context(), t.TempDir(), nil, writers(&out), writers(&errs), []string{"NAME=value"}, "up")
	if stdout != "value true up --non-interactive\n" || stderr != "wrong\n" || code != 3 || err == nil {
		t.Errorf("got %q, %q, %d, %v", stdout, stderr, code, err)
	}
	if out.String() != stdout || errs.String() != stderr {
		t.Errorf("the streams got %q and %q", out.String(), errs.String())
	}
	t.Setenv("PATH", t.TempDir())
	if _, _, code, err := (command{}).Run(t.Context(), t.TempDir(), nil, nil, nil, nil, "up"); code != notStarted || err == nil {
		t.Errorf("without a CLI: %d, %v", code, err)
	}
}

// A run that is interrupted is told so once and ends in its own time.
func TestInterruptLetsTheEngineEnd(t *testing.T) {
	shellCLI(t, `trap 'echo ends its step; sleep 0.3; echo released the lock; exit 130' INT
echo started
while true; do sleep 0.05; done`)
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/bin:/bin")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started := make(chan struct{})
	out := notifier{started}
	go func() {
		<-started
		cancel()
	}()
	stdout, _, code, err := command{}.Run(ctx, t.TempDir(), nil, writers(out), nil, nil, "up")
	if stdout != "started\nends its step\nreleased the lock\n" || code != 130 || err == nil {
		t.Errorf("got %q, %d, %v", stdout, code, err)
	}
}

func TestVersion(t *testing.T) {
	for lines, want := range map[string]string{
		"echo v3.256.0":        "",
		"echo v3.256.0-dev.12": "",
		"echo v3.100.0":        `the pulumi on the PATH is "v3.100.0"; 3.206.0 or newer is needed`,
		"echo 'no version'":    `the pulumi on the PATH is "no version"`,
		"exit 9":               "exit status 9",
	} {
		shellCLI(t, lines)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err := newCommand(ctx).version()
		cancel()
		if want == "" && err == nil {
			continue
		}
		var known *fail.Error
		if !errors.As(err, &known) || known.Cause != fail.Config || known.Next == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", lines, err, want)
		}
	}
}

// At the second interrupt the engine is told once more, and still has somebody
// who reads what it says.
func TestAtOnce(t *testing.T) {
	// The answers are not the trap's own: bash loses a signal that comes while the
	// trap of the one before runs.
	shellCLI(t, `n=0 told=
trap 'n=$((n+1))' INT
echo started
while true; do
  if [ "$n" -ge 1 ] && [ -z "$told" ]; then told=yes; echo "^C received; cancelling"; fi
  if [ "$n" -ge 2 ]; then echo "^C received; terminating"; echo released the lock; exit 1; fi
  sleep 0.05
done`)
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/bin:/bin")
	now := make(chan struct{})
	ctx, cancel := context.WithCancel(WithAtOnce(t.Context(), now))
	defer cancel()
	started := make(chan struct{})
	go func() {
		<-started
		cancel()
		close(now)
	}()
	stdout, _, code, err := command{}.Run(ctx, t.TempDir(), nil, writers(notifier{started}), nil, nil, "up")
	if stdout != "started\n^C received; cancelling\n^C received; terminating\nreleased the lock\n" || code != 1 || err == nil {
		t.Errorf("got %q, %d, %v", stdout, code, err)
	}
}

func TestVersionIsAskedOnce(t *testing.T) {
	shellCLI(t, `echo asked >> "$COUNT"; echo v3.256.0`)
	count := filepath.Join(t.TempDir(), "count")
	t.Setenv("COUNT", count)
	asked := func() int {
		t.Helper()
		version, err := newCommand(t.Context()).version()
		if err != nil || version.String() != "3.256.0" {
			t.Fatalf("got %s, %v", version, err)
		}
		text, err := os.ReadFile(count)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "asked")
	}
	if first, again := asked(), asked(); first != 1 || again != 1 {
		t.Errorf("asked %d and then %d times", first, again)
	}
	// Another CLI at the same place.
	newer := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(os.Getenv("PATH"), "pulumi"), newer, newer); err != nil {
		t.Fatal(err)
	}
	if n := asked(); n != 2 {
		t.Errorf("another CLI was asked %d times in all", n)
	}
}
