package fail

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestExit(t *testing.T) {
	reason := errors.New("reason")
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"nothing wrong", nil, 0},
		{"unclassified", reason, 1},
		{"changes", &Error{Cause: Changes}, 2},
		{"config", &Error{Cause: Config}, 3},
		{"command line", Usage("kraftstack up", reason), 3},
		{"locked", &Error{Cause: Locked}, 4},
		{"unreachable, wrapped", fmt.Errorf("up: %w", &Error{Cause: Unreachable, Err: reason}), 5},
		{"unhealthy", &Error{Cause: Unhealthy}, 6},
		{"policy", &Error{Cause: Policy}, 7},
		{"step", &Error{Cause: Step}, 8},
		{"gate", &Error{Cause: Gate}, 10},
		{"cancelled", fmt.Errorf("up: %w", context.Canceled), 130},
		{"cancelled while connecting", &Error{Cause: Cancelled, Err: context.Canceled}, 130},
		{"outermost decides", &Error{Cause: Unhealthy, Err: &Error{Cause: Unreachable}}, 6},
		{"remote command", fmt.Errorf("ssh: %w", &StatusError{Code: 42}), 42},
		{"a cause nobody listed", &Error{Cause: "weather"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Exit(tt.err); got != tt.want {
				t.Errorf("Exit(%v) = %d, want %d", tt.err, got, tt.want)
			}
		})
	}
}

func TestEveryCauseHasItsOwnExitCode(t *testing.T) {
	seen := map[int]Cause{}
	for cause, code := range exits {
		if other, taken := seen[code]; taken {
			t.Errorf("%s and %s share exit code %d", cause, other, code)
		}
		seen[code] = cause
	}
}

func TestHintAndPlaceLookThroughTheChain(t *testing.T) {
	inner := &Error{Cause: Unreachable, Op: "dial", Host: "broker-1001", Step: "ssh", Next: "start it"}
	err := fmt.Errorf("up: %w", &Error{Cause: Unhealthy, Op: "roll", Step: "roll", Err: fmt.Errorf("wait: %w", inner)})
	if got := Hint(err); got != "start it" {
		t.Errorf("Hint = %q", got)
	}
	if host, step := Place(err); host != "broker-1001" || step != "roll" {
		t.Errorf("Place = %q, %q", host, step)
	}
	if got := Hint(errors.New("plain")); got != "" {
		t.Errorf("Hint of a plain error = %q", got)
	}
}

func TestUsageOfNil(t *testing.T) {
	if err := Usage("kraftstack up", nil); err != nil {
		t.Errorf("Usage(nil) = %v", err)
	}
}
