// Package lab_test tells the stories: what kraftstack claims, shown on the
// lab's real hosts by the command that users run. The stories have a lab of
// their own beside the one that `make up` brings up. They need root.
//
// KRAFTSTACK_KEEP_LAB=1 leaves the lab up for a look afterwards.
package lab_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// story is where the command runs: a project folder with stack files of its
// own, and the stories' lab.
type story struct {
	dir    string // of Pulumi.yaml and the stack files
	binary string
}

// shared is made by TestMain.
var shared story

// storiesLab is the folder of the stories' lab: $KRAFTSTACK_STORIES_DIR, so that
// two checkouts can tell their stories on one machine, or a folder of its own.
var storiesLab = cmp.Or(os.Getenv("KRAFTSTACK_STORIES_DIR"), "/var/lib/kraftstack/stories")

func TestMain(m *testing.M) {
	if os.Getuid() != 0 {
		fmt.Println("SKIP: the lab's stories need root: they make namespaces, mounts and loop devices")
		return
	}
	code, err := withLab(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "the stories' lab:", err)
		code = 1
	}
	os.Exit(code)
}

func withLab(run func() int) (code int, err error) {
	if err := os.Setenv("KRAFTSTACK_LAB_DIR", storiesLab); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "kraftstack-stories-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	shared = story{dir: dir, binary: filepath.Join(dir, "kraftstack")}
	root := repository()
	for _, command := range [][]string{
		{"go", "build", "-o", shared.binary, "./cmd/kraftstack"},
		{"cp", "Pulumi.yaml", dir},
		{shared.binary, "lab", "up"},
	} {
		c := exec.Command(command[0], command[1:]...)
		c.Dir, c.Stdout, c.Stderr = root, os.Stdout, os.Stderr
		if err := c.Run(); err != nil {
			return 1, fmt.Errorf("%s: %w", strings.Join(command, " "), err)
		}
	}
	code = run()
	if os.Getenv("KRAFTSTACK_KEEP_LAB") != "" {
		return code, nil
	}
	down := exec.Command(shared.binary, "lab", "down")
	down.Stdout, down.Stderr = os.Stdout, os.Stderr
	if err := down.Run(); err != nil {
		return 1, fmt.Errorf("lab down: %w", err)
	}
	return code, nil
}

// repository is the folder of go.mod.
func repository() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return filepath.Dir(filepath.Dir(dir))
}

// result is how a run of the command ended.
type result struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// run runs kraftstack as a user does, without a terminal.
func (s story) run(t *testing.T, args ...string) result {
	t.Helper()
	return s.start(t, args...).wait(t)
}

// process is a command that still runs.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr output
	began          time.Time
	args           []string
}

// output is what a command has printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// says waits until the command has said a word to people.
func (p *process) says(t *testing.T, word string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s says %q", p.args[0], word), 2*time.Minute, func() (bool, string) {
		text := p.stderr.String()
		return strings.Contains(text, word), text
	})
}

const commandLimit = 15 * time.Minute

func (s story) start(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit)
	t.Cleanup(cancel)
	p := &process{began: time.Now(), args: args}
	p.cmd = exec.CommandContext(ctx, s.binary, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = s.dir, &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) wait(t *testing.T) result {
	t.Helper()
	err := p.cmd.Wait()
	r := result{stdout: p.stdout.String(), stderr: p.stderr.String(), took: time.Since(p.began)}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		r.code = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("kraftstack %s: %v", strings.Join(p.args, " "), err)
	}
	if p.args[0] == "lab" && r.code == 0 {
		return r // asked all the time, and never news
	}
	t.Logf("kraftstack %s: exit %d after %s", strings.Join(p.args, " "), r.code, r.took.Round(100*time.Millisecond))
	return r
}

// must runs a command that has to succeed, and returns what it printed.
func (s story) must(t *testing.T, args ...string) string {
	t.Helper()
	r := s.run(t, args...)
	if r.code != 0 {
		t.Fatalf("kraftstack %s ended with exit code %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// mustJSON decodes the one document that a command with --json prints.
func (s story) mustJSON(t *testing.T, into any, args ...string) {
	t.Helper()
	out := s.must(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("kraftstack %s --json printed no JSON document: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// refused runs a command that has to fail with an exit code and to say all the
// given words. It returns how it ended.
func (s story) refused(t *testing.T, code int, words []string, args ...string) result {
	t.Helper()
	r := s.run(t, args...)
	if r.code != code {
		t.Fatalf("kraftstack %s ended with exit code %d, want %d\n%s%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	for _, word := range words {
		if !strings.Contains(r.stderr, word) {
			t.Errorf("kraftstack %s does not say %q, but:\n%s", strings.Join(args, " "), word, r.stderr)
		}
	}
	return r
}

// ssh runs a shell command on a host of a stack.
func (s story) ssh(t *testing.T, stack, host, command string) string {
	t.Helper()
	return s.must(t, "ssh", host, "--stack", stack, "--", command)
}

// stackFile writes Pulumi.<stack>.yaml: the lab's own with words replaced.
func (s story) stackFile(t *testing.T, stack string, replace ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository(), "Pulumi.lab.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	changed := string(text)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(changed, replace[i]) {
			t.Fatalf("Pulumi.lab.yaml has no %q to replace", replace[i])
		}
		changed = strings.Replace(changed, replace[i], replace[i+1], 1)
	}
	path := filepath.Join(s.dir, "Pulumi."+stack+".yaml")
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a named condition.
func eventually(t *testing.T, what string, within time.Duration, holds func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	last := ""
	for time.Now().Before(deadline) {
		ok, seen := holds()
		if ok {
			return
		}
		last = seen
		<-tick.C
	}
	t.Fatalf("waited %s in vain for %s; last seen: %s", within, what, last)
}
