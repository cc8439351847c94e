package ui

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"kraftstack/internal/fail"
)

// failure is the JSON form of an error.
type failure struct {
	Error string   `json:"error"`
	Cause string   `json:"cause"`
	Exit  int      `json:"exit"`
	Host  string   `json:"host,omitempty"`
	Step  string   `json:"step,omitempty"`
	Next  []string `json:"next,omitempty"`
}

// WriteFailure tells a person what failed, where, and what to do next. A
// fail.StatusError prints nothing: who returned it has told the person already.
func WriteFailure(t Terminal, err error) error {
	if quiet(err) {
		return nil
	}
	f := describe(err)
	lines := strings.Split(strings.TrimRight(f.Error, "\n"), "\n")
	var b strings.Builder
	b.WriteString(Paint("kraftstack:", Bad, t.Color) + " " + lines[0] + "\n")
	for _, line := range lines[1:] {
		b.WriteString("  " + line + "\n")
	}
	if f.Host != "" {
		b.WriteString("  host: " + f.Host + "\n")
	}
	if f.Step != "" {
		b.WriteString("  step: " + f.Step + "\n")
	}
	for _, next := range f.Next {
		b.WriteString(Paint("next:", Strong, t.Color) + " " + next + "\n")
	}
	_, werr := io.WriteString(t.Out, b.String())
	return werr
}

// WriteFailureJSON writes an error as one JSON object on one line:
// {"error","cause","exit","host"?,"step"?,"next"?:[…]}.
func WriteFailureJSON(w io.Writer, err error) error {
	if quiet(err) {
		return nil
	}
	return json.NewEncoder(w).Encode(describe(err))
}

func quiet(err error) bool {
	var status *fail.StatusError
	return err == nil || errors.As(err, &status)
}

func describe(err error) failure {
	host, step := fail.Place(err)
	f := failure{Error: clean(message(err)), Cause: string(fail.Of(err)), Exit: fail.Exit(err), Host: host, Step: step}
	for line := range strings.Lines(fail.Hint(err)) {
		if line = strings.TrimSpace(line); line != "" {
			f.Next = append(f.Next, clean(line))
		}
	}
	return f
}

// message is the error without the host and step that are shown apart.
func message(err error) string {
	known, ok := err.(*fail.Error) //nolint:errorlint // only the outermost error's own prefix is taken off
	if !ok {
		return err.Error()
	}
	if known.Err == nil {
		return known.Op
	}
	if known.Op == "" {
		return message(known.Err)
	}
	return known.Op + ": " + message(known.Err)
}

// clean keeps line breaks, drops what could steer a terminal.
func clean(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = OneLine(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
