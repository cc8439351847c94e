package automation

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/blang/semver"
	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	sdk "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/internal/fail"
)

func writers(w io.Writer) []io.Writer { return []io.Writer{w} }

// notifier tells of the first thing that is written to it.
type notifier struct{ first chan struct{} }

func (n notifier) Write(p []byte) (int, error) {
	select {
	case <-n.first:
	default:
		close(n.first)
	}
	return len(p), nil
}

// written makes a project folder with stack files.
func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["Pulumi.yaml"] = "name: kraftstack\nruntime: go\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestProjectDir(t *testing.T) {
	dir := written(t, map[string]string{})
	below := filepath.Join(dir, "docs", "pictures")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{dir, below} {
		if got, err := ProjectDir(from); got != dir || err != nil {
			t.Errorf("from %s: %q, %v", from, got, err)
		}
	}
	var known *fail.Error
	if got, err := ProjectDir(t.TempDir()); !errors.As(err, &known) || known.Cause != fail.Config || !strings.Contains(known.Next, "--dir") {
		t.Errorf("where there is none: %q, %v", got, err)
	}
}

func TestConfig(t *testing.T) {
	const good = "config:\n  aws:region: us-east-1\n  aws:profile: kraftstack-lab\n  kraftstack:access: {adminCidrs: [203.0.113.0/24]}\n"
	dir := written(t, map[string]string{
		"Pulumi.good.yaml":  good,
		"Pulumi.wrong.yaml": strings.Replace(good, "us-east-1", "us-east", 1) + "  kraftstack:brokers: {cuont: 3}\n",
		"Pulumi.text.yaml":  "config: [",
	})
	values, err := Config(dir, "good")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"aws:region": "us-east-1", "aws:profile": "kraftstack-lab", "kraftstack:access": `{"adminCidrs":["203.0.113.0/24"]}`,
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	for stack, texts := range map[string][]string{
		"wrong":   {"Pulumi.wrong.yaml", "aws:region", "cuont"}, // every problem at once
		"text":    {"Pulumi.text.yaml"},
		"missing": {"Pulumi.missing.yaml does not exist"},
	} {
		_, err := Config(dir, stack)
		var known *fail.Error
		if !errors.As(err, &known) || known.Cause != fail.Config || known.Next == "" {
			t.Errorf("%s: %v is no failure of the configuration with a next move", stack, err)
			continue
		}
		for _, text := range texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: the error lacks %q: %v", stack, text, err)
			}
		}
	}
}

// fakeCLI answers the verbs of the CLI; what it does not know succeeds with an
// empty object, as the questions that the SDK asks around an operation do.
type fakeCLI map[string]func(context.Context) (stderr string, code int)

func (fakeCLI) Version() semver.Version { return semver.MustParse("3.256.0") }

func (f fakeCLI) Run(
	ctx context.Context, _ string, _ io.Reader, _, _ []io.Writer, _ []string, args ...string,
) (string, string, int, error) {
	for verb, answer := range f {
		if slices.Contains(args, verb) {
			stderr, code := answer(ctx)
			return "", stderr, code, errors.New("exit status")
		}
	}
	return "{}", "", 0, nil
}

func (f fakeCLI) open(t *testing.T) *Stack {
	t.Helper()
	nothing := func(*sdk.Context) error { return nil }
	inner, err := auto.SelectStackInlineSource(t.Context(), "lab", project, nothing,
		auto.WorkDir(written(t, map[string]string{})), auto.Pulumi(f))
	if err != nil {
		t.Fatal(err)
	}
	return &Stack{Name: "lab", inner: inner}
}

func TestLocked(t *testing.T) {
	const held = "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with `pulumi cancel`.\n" +
		"  file:///var/state/.pulumi/locks/organization/kraftstack/lab/1.json: created by root@build-7 (pid 4711) at 2026-01-02T03:04:05Z\n"
	locked := func(context.Context) (string, int) { return held, 255 }
	s := fakeCLI{"up": locked, "refresh": locked, "destroy": locked, "preview": locked}.open(t)
	for name, operate := range map[string]func(*Stack, context.Context, Watcher) error{
		"up": (*Stack).Up, "refresh": (*Stack).Refresh, "destroy": (*Stack).Destroy, "preview": (*Stack).Preview,
	} {
		err := operate(s, t.Context(), func(apitype.EngineEvent) {})
		var known *fail.Error
		if !errors.As(err, &known) || known.Cause != fail.Locked || known.Op != name+" stack lab" {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if !strings.Contains(err.Error(), "by root@build-7 (pid 4711) since 2026-01-02T03:04:05Z") || !strings.Contains(known.Next, "kraftstack unlock --stack lab") {
			t.Errorf("%s does not say who holds the lock, or what to do: %v; %s", name, err, known.Next)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := fakeCLI{"up": func(ctx context.Context) (string, int) {
		cancel()
		<-ctx.Done()
		return "error: update canceled", 255
	}}.open(t)
	var known *fail.Error
	if err := s.Up(ctx, func(apitype.EngineEvent) {}); !errors.As(err, &known) || known.Cause != fail.Cancelled {
		t.Errorf("got %v, want an interrupt", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"nowhere":  "this state backend has no such stack",
		"not/good": `"not/good" is no stack name`,
	} {
		f := fakeCLI{"select": func(context.Context) (string, int) { return "error: no stack named 'nowhere' found", 255 }}
		if name != "nowhere" {
			f = fakeCLI{"select": func(context.Context) (string, int) { return "error: invalid stack name", 255 }}
		}
		_, cause := auto.SelectStackInlineSource(t.Context(), name, project, nil, auto.WorkDir(written(t, map[string]string{})), auto.Pulumi(f))
		var known *fail.Error
		if err := openError(name, cause); !errors.As(err, &known) || known.Cause != fail.Config || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

// A stack that is not there is made by the first operation that may do so, and
// by no other.
func TestMissingStackIsMade(t *testing.T) {
	for _, create := range []bool{true, false} {
		var calls []string
		f := fakeCLI{
			"preview": func(context.Context) (string, int) {
				calls = append(calls, "preview")
				return "error: no stack named 'lab' found", 255
			},
			"init": func(context.Context) (string, int) {
				calls = append(calls, "init")
				return "error: the backend is read-only", 255
			},
		}
		s := f.open(t)
		s.create = create
		err := s.Preview(t.Context(), func(apitype.EngineEvent) {})
		if create && (!slices.Equal(calls, []string{"preview", "init"}) || !strings.Contains(err.Error(), "read-only")) {
			t.Errorf("it called %q and says %v", calls, err)
		}
		if !create && (!slices.Equal(calls, []string{"preview"}) || !errors.Is(err, ErrNoStack)) {
			t.Errorf("without leave to make it: it called %q and says %v", calls, err)
		}
	}
}
