package ui

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"kraftstack/internal/fail"
	"kraftstack/tests/golden"
)

func TestFailures(t *testing.T) {
	tests := []struct {
		name string
		err  error
	}{
		{"plain", errors.New("something odd")},
		{"full", &fail.Error{Cause: fail.Unreachable, Op: "connect by SSH to 10.0.0.1:22", Host: "broker-1001", Step: "ssh",
			Err: errors.New("no answer in time"), Next: "check that the host runs\nkraftstack refresh --stack dev"}},
		{"wrapped", fmt.Errorf("up: %w", &fail.Error{Cause: fail.Config, Op: "check Pulumi.dev.yaml",
			Err: errors.New("two problems\nbrokers.count is 0\nkafka.version is \x1b[2Jx"), Next: "mend the file"})},
		{"remote status", &fail.StatusError{Code: 3}},
	}
	var out bytes.Buffer
	for _, tt := range tests {
		out.WriteString("# " + tt.name + "\n")
		if err := WriteFailure(Plain(&out), tt.err); err != nil {
			t.Fatal(err)
		}
		if err := WriteFailureJSON(&out, tt.err); err != nil {
			t.Fatal(err)
		}
	}
	golden.Compare(t, "failures.txt", out.String())
}

func TestTable(t *testing.T) {
	table := NewTable("id", "host", "state")
	table.Row(Cell{Text: "1001"}, Cell{Text: "broker-1001.dev"}, Cell{Text: "alive", Tone: Good})
	table.Row(Cell{Text: "2"}, Cell{}, Cell{Text: "dead\x1b[2J", Tone: Bad}, Cell{Text: "surplus"})
	var out bytes.Buffer
	for _, color := range []bool{false, true} {
		if err := table.Write(&out, "  ", color); err != nil {
			t.Fatal(err)
		}
	}
	golden.Compare(t, "table.txt", out.String())
}
