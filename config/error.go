package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong in a stack file.
type Problem struct {
	Key     string // path of the field, such as kraftstack:network.cidr
	Value   string // what was written, as JSON; empty where nothing was
	Wrong   string // what is wrong with it
	Allowed string // what to write instead
}

// String is the problem on one line.
func (p Problem) String() string {
	line := p.Key
	if p.Value != "" {
		line += " = " + p.Value
	}
	line += ": " + p.Wrong
	if p.Allowed != "" {
		line += "; write " + p.Allowed
	}
	return line
}

// Error is everything wrong with one stack file, sorted by key.
type Error struct {
	Stack    string
	Problems []Problem
}

// Error lists the problems, one a line.
func (e *Error) Error() string {
	var b strings.Builder
	noun := "problems"
	if len(e.Problems) == 1 {
		noun = "problem"
	}
	fmt.Fprintf(&b, "the configuration of stack %q has %d %s:", e.Stack, len(e.Problems), noun)
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// newError sorts the problems and drops repeated ones; nil where there are none.
func newError(stack string, problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	sorted := slices.Clone(problems)
	slices.SortFunc(sorted, func(a, b Problem) int { return strings.Compare(a.String(), b.String()) })
	return &Error{Stack: stack, Problems: slices.Compact(sorted)}
}

// maxShown is how much of a wrong value a problem repeats.
const maxShown = 120

// show writes a value as JSON on one line, for a problem's text.
func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%q", fmt.Sprint(v))
	}
	if runes := []rune(string(text)); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return string(text)
}
