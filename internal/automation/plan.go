package automation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/rogpeppe/go-internal/diff"

	"kraftstack/internal/fail"
)

// preparePlan makes the plan's file before the engine does, which would let
// everybody read it: secrets in it are encrypted, the rest is the business of
// whoever may see the state.
func (s *Stack) preparePlan() error {
	if s.options.Plan == "" {
		return nil
	}
	err := os.Remove(s.options.Plan)
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = os.WriteFile(s.options.Plan, nil, 0o600)
	}
	if err != nil {
		return &fail.Error{
			Cause: fail.Config, Op: "write the plan", Err: err, Next: "name a file in a folder that you may write to, with --save-plan",
		}
	}
	return nil
}

// CheckPlan refuses a plan that is no longer what Up would do: the stack file,
// the program, the state or the cloud's names have changed since. It computes
// anew and changes nothing. The engine holds to the plan too, but notices only
// when it comes to the resource, with half of the work done.
func (s *Stack) CheckPlan(ctx context.Context, watch Watcher) error {
	op := "check the plan of stack " + s.Name
	planned, err := readPlan(s.options.Plan)
	if err != nil {
		return &fail.Error{
			Cause: fail.Config, Op: op, Err: err, Next: "kraftstack preview --stack " + s.Name + " --save-plan FILE writes one",
		}
	}
	dir, err := os.MkdirTemp("", "kraftstack-plan-")
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o := s.options
	o.Plan = filepath.Join(dir, "now.json")
	if err := s.With(o).Preview(ctx, watch); err != nil {
		return err
	}
	now, err := readPlan(o.Plan)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	differences := planned.differences(now)
	if len(differences) == 0 {
		return nil
	}
	return &fail.Error{
		Cause: fail.Config, Op: op,
		Err:  fmt.Errorf("it no longer fits, and nothing was changed:\n%s", strings.Join(differences, "\n")),
		Next: "kraftstack preview --stack " + s.Name + " --save-plan FILE, and have it reviewed anew",
	}
}

// plan is what stands in a plan's file, as far as two of them are compared.
type plan map[resource.URN]apitype.ResourcePlanV1

func readPlan(path string) (plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all apitype.DeploymentPlanV1
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%s is no plan: %w", path, err)
	}
	if len(all.ResourcePlans) == 0 {
		return nil, fmt.Errorf("%s is no plan: it names no resource", path)
	}
	return all.ResourcePlans, nil
}

// differences lists what a plan says otherwise than this one, by resource. A
// secret is never shown, and two of them are not compared: the engine does that.
func (p plan) differences(now plan) []string {
	urns := maps.Clone(p)
	maps.Copy(urns, now)
	var lines []string
	for _, urn := range slices.Sorted(maps.Keys(urns)) {
		before, after := p[urn], now[urn]
		name := fmt.Sprintf("%s (%s)", urn.Name(), urn.Type())
		if was, is := steps(before), steps(after); was != is {
			lines = append(lines, fmt.Sprintf("%s: planned was %s, now it is %s", name, was, is))
			continue
		}
		lines = append(lines, propertyDifferences(name, wanted(before), wanted(after))...)
	}
	return lines
}

// steps are the operations on a resource in words.
func steps(r apitype.ResourcePlanV1) string {
	var words []string
	for _, step := range r.Steps {
		if step != apitype.OpSame {
			words = append(words, string(step))
		}
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// wanted are the inputs that a resource gets, as far as they change.
func wanted(r apitype.ResourcePlanV1) map[string]any {
	values := map[string]any{}
	if r.Goal == nil {
		return values
	}
	for _, key := range r.Goal.InputDiff.Deletes {
		values[key] = "(removed)"
	}
	maps.Copy(values, r.Goal.InputDiff.Adds)
	maps.Copy(values, r.Goal.InputDiff.Updates)
	return values
}

func propertyDifferences(name string, before, after map[string]any) []string {
	keys := maps.Clone(before)
	maps.Copy(keys, after)
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		was, is := shown(before[key]), shown(after[key])
		switch {
		case was == is:
		case strings.Contains(was+is, "\n"):
			lines = append(lines, fmt.Sprintf("%s: %s is not as planned:\n%s", name, key, diff.Diff("planned", []byte(was), "now", []byte(is))))
		default:
			lines = append(lines, fmt.Sprintf("%s: %s is %s, planned was %s", name, key, is, was))
		}
	}
	return lines
}

// shown is a value as text, without its secrets.
func shown(value any) string {
	switch v := withoutSecrets(value).(type) {
	case nil:
		return "unchanged"
	case string:
		return v
	default:
		text, err := json.Marshal(v) // sorts the keys
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
}

// withoutSecrets replaces encrypted values, which are other ones each time.
func withoutSecrets(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if v[resource.SigKey] == resource.SecretSig {
			return "[secret]"
		}
		clean := make(map[string]any, len(v))
		for key, inner := range v {
			clean[key] = withoutSecrets(inner)
		}
		return clean
	case []any:
		clean := make([]any, len(v))
		for i, inner := range v {
			clean[i] = withoutSecrets(inner)
		}
		return clean
	}
	return value
}
