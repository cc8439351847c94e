package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
)

func TestRunStepsKeepsOrderAndSkipsWhatIsReady(t *testing.T) {
	var mu sync.Mutex
	var ran []string
	step := func(name string, ready bool, after ...string) Step {
		return Step{
			Name: name, After: after,
			Ready: func() bool { return ready },
			Run: func(_ context.Context, out io.Writer) error {
				mu.Lock()
				defer mu.Unlock()
				ran = append(ran, name)
				_, err := io.WriteString(out, "half a line")
				return err
			},
		}
	}
	var out bytes.Buffer
	err := RunSteps(t.Context(), &out, []Step{
		step("last", false, "middle", "there"),
		step("middle", false, "first"),
		step("first", false),
		step("there", true),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(ran, " "); got != "first middle last" {
		t.Errorf("steps ran as %q", got)
	}
	if !strings.Contains(out.String(), "set-up: middle: half a line\nset-up: middle: done in ") {
		t.Errorf("progress is not in whole, named lines:\n%s", out.String())
	}
	if strings.Contains(out.String(), "there") {
		t.Errorf("a step that was ready shows in the progress:\n%s", out.String())
	}
}

func TestRunStepsNamesTheStepThatFailed(t *testing.T) {
	broken := errors.New("no route")
	never := func() bool { return false }
	err := RunSteps(t.Context(), io.Discard, []Step{
		{Name: "jars", Ready: never, Run: func(context.Context, io.Writer) error { return broken }},
		{Name: "image", After: []string{"jars"}, Ready: never, Run: func(context.Context, io.Writer) error {
			t.Error("a step ran whose foundation had failed")
			return nil
		}},
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "jars failed after") {
		t.Errorf("error is %v", err)
	}
}

func TestRunStepsRefusesAnUnknownFoundation(t *testing.T) {
	err := RunSteps(t.Context(), io.Discard, []Step{{Name: "a", After: []string{"b"}}})
	if err == nil || !strings.Contains(err.Error(), `"b", which is no step`) {
		t.Errorf("error is %v", err)
	}
}

func TestEveryStepOfTheRecipeHasItsFoundation(t *testing.T) {
	names := map[string]bool{}
	for _, s := range (recipe{cache: t.TempDir()}).steps() {
		for _, name := range s.After {
			if !names[name] {
				t.Errorf("step %q comes before %q, which it stands on", s.Name, name)
			}
		}
		names[s.Name] = true
	}
}

func TestChatterIsLeftOut(t *testing.T) {
	var out bytes.Buffer
	lines := &lineWriter{prefix: "x: ", out: &out}
	for _, line := range []string{
		"I: Retrieving sudo 1.9", "I: Base system installed successfully.", "go: downloading example.com/a v1",
		"Setting up sudo (1.9) ...", "E: no such package",
	} {
		fmt.Fprintln(lines, line)
	}
	want := "x: I: Base system installed successfully.\nx: E: no such package\n"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
