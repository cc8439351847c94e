package drift

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kraftstack/internal/fail"
)

func TestReport(t *testing.T) {
	part := func(name string, err error, found ...Finding) Part {
		return Part{Name: name, Look: func(context.Context) ([]Finding, error) { return found, err }}
	}
	unreachable := &fail.Error{Cause: fail.Unreachable, Op: "connect to the bastion"}
	for name, c := range map[string]struct {
		parts []Part
		code  int
		text  string
	}{
		"nothing":                            {[]Part{part("cloud", nil), part("hosts", nil)}, 0, "cloud: as the stack made it\nhosts: as the stack made it\n"},
		"one thing":                          {[]Part{part("cloud", nil, Finding{"broker-1001 data", "is gone"}), part("hosts", nil)}, 9, "cloud: 1 findings\n  broker-1001 data: is gone\nhosts: as"},
		"one thing, and hosts do not answer": {[]Part{part("cloud", nil, Finding{"a", "b"}), part("hosts", unreachable)}, 9, "hosts: not known: connect to the bastion"},
		"hosts do not answer":                {[]Part{part("hosts", unreachable), part("objects", nil)}, 5, "objects: as the stack made it"},
		"a part that nobody classified":      {[]Part{part("objects", errors.New("odd"))}, 1, "objects: not known: odd"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Look(t.Context(), "dev", c.parts)
			if got := fail.Exit(r.Err()); got != c.code {
				t.Errorf("exit code %d, want %d: %v", got, c.code, r.Err())
			}
			var b strings.Builder
			if err := r.WriteText(&b); err != nil || !strings.Contains(b.String(), c.text) {
				t.Errorf("it says, %v:\n%s", err, b.String())
			}
		})
	}
}
