package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/internal/automation"
	"kraftstack/internal/fail"
	"kraftstack/internal/record"
	"kraftstack/tests/stream"
)

// TestPlans: what was reviewed is what is done, or nothing is.
func TestPlans(t *testing.T) {
	w := newWorld(t)
	s := w.stack("plans")
	file := filepath.Join(t.TempDir(), "plan.json")
	plan := automation.Options{Plan: file}

	t.Run("a first deployment as planned", func(t *testing.T) { asPlanned(t, s, plan) })
	if t.Failed() {
		t.Fatal("there is no stack to tell of")
	}
	t.Run("a restart as planned", func(t *testing.T) {
		s.edit(heap, heap+"    config:\n      queued.max.requests: 404\n")
		asPlanned(t, s, plan)
	})
	t.Run("an added broker as planned", func(t *testing.T) {
		s.edit(threeBrokers, fourBrokers)
		asPlanned(t, s, plan)
	})
	t.Run("a plan that no longer fits", func(t *testing.T) { noLongerFits(t, s, plan) })
	t.Run("the plan holds no secret in clear", func(t *testing.T) { planHidesSecrets(t, file) })
}

// asPlanned previews with a plan, does the plan, and compares the two streams of
// events.
func asPlanned(t *testing.T, s *stack, plan automation.Options) {
	t.Helper()
	before, after := filepath.Join(t.TempDir(), "preview.jsonl"), filepath.Join(t.TempDir(), "up.jsonl")
	previewed := s.runWith(plan, before, (*automation.Stack).Preview)
	if previewed.err != nil || len(previewed.changes) == 0 {
		t.Fatalf("preview: %v, changes %q", previewed.err, previewed.changes)
	}
	done := s.runWith(plan, after, func(stack *automation.Stack, ctx context.Context, watch automation.Watcher) error {
		if err := stack.CheckPlan(ctx, func(apitype.EngineEvent) {}); err != nil {
			return err
		}
		return stack.Up(ctx, watch)
	})
	if done.err != nil {
		t.Fatalf("up with the plan: %v", done.err)
	}
	if diff := cmp.Diff(stream.Operations(t, before), stream.Operations(t, after)); diff != "" {
		t.Errorf("what was reported and what happened (-reported +happened):\n%s", diff)
	}
	if diff := cmp.Diff(sorted(previewed.changes), sorted(done.changes)); diff != "" {
		t.Errorf("the reports (-reported +happened):\n%s", diff)
	}
	s.run((*automation.Stack).Up).nothing(t, "the up after it")
}

func noLongerFits(t *testing.T, s *stack, plan automation.Options) {
	s.edit("queued.max.requests: 404", "queued.max.requests: 405")
	if o := s.runWith(plan, "", (*automation.Stack).Preview); o.err != nil {
		t.Fatal(o.err)
	}
	s.edit("queued.max.requests: 405", "queued.max.requests: 406")
	check := func(stack *automation.Stack, ctx context.Context, _ automation.Watcher) error {
		return stack.CheckPlan(ctx, func(apitype.EngineEvent) {})
	}
	o := s.runWith(plan, "", check)
	if fail.Of(o.err) != fail.Config || o.dials > 0 {
		t.Fatalf("the plan of another change: %v, %d dials", o.err, o.dials)
	}
	for _, want := range []string{"it no longer fits, and nothing was changed", "-queued.max.requests=405", "+queued.max.requests=406", "broker-1001-roll"} {
		if !strings.Contains(o.err.Error(), want) {
			t.Errorf("the refusal does not say %q: %v", want, o.err)
		}
	}
	s.up()
	if o := s.runWith(plan, "", check); fail.Of(o.err) != fail.Config || !strings.Contains(o.err.Error(), "planned was update, now it is nothing") {
		t.Errorf("a plan of what is done: %v", o.err)
	}
	// Without the check the engine refuses too, and names no value.
	s.edit("queued.max.requests: 406", "queued.max.requests: 407")
	o = s.runWith(plan, "", (*automation.Stack).Up)
	if fail.Of(o.err) != fail.Config || !strings.Contains(o.err.Error(), "no longer what the plan says") || strings.Contains(o.err.Error(), "queued") {
		t.Errorf("the engine's own refusal: %v", o.err)
	}
	s.edit("queued.max.requests: 407", "queued.max.requests: 406")
}

func planHidesSecrets(t *testing.T, file string) {
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the plan's mode is %v", info.Mode())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "PRIVATE KEY") || !strings.Contains(string(text), `"ciphertext"`) {
		t.Error("the plan has a private key in clear, or no encrypted value at all")
	}
}

// runWith is run with options, and with a file of events unless it is "".
func (s *stack) runWith(options automation.Options, events string, operate operation) outcome {
	s.t.Helper()
	return s.run(func(stack *automation.Stack, ctx context.Context, watch automation.Watcher) error {
		if events == "" {
			return operate(stack.With(options), ctx, watch)
		}
		file, err := record.OpenEvents(events)
		if err != nil {
			return err
		}
		err = operate(stack.With(options), ctx, func(e apitype.EngineEvent) { watch(e); file.Watch(e) })
		if closed := file.Close(); err == nil {
			err = closed
		}
		return err
	})
}
