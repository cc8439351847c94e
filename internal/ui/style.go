package ui

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Tone is the meaning of a piece of text; a terminal shows it as a colour.
type Tone int

// The tones.
const (
	Normal Tone = iota
	Good        // green
	Bad         // red
	Warn        // yellow
	Busy        // cyan
	Faint       // dim
	Strong      // bold
)

var codes = map[Tone]string{Good: "32", Bad: "31", Warn: "33", Busy: "36", Faint: "2", Strong: "1"}

// Paint colours text if color is true.
func Paint(text string, tone Tone, color bool) string {
	code, ok := codes[tone]
	if !color || !ok || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Duration writes a time as people read it: 0.4s, 3.2s, 41s, 2m03s, 1h04m.
func Duration(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// clip cuts text to width cells, the last one an ellipsis.
func clip(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	if width <= 0 {
		return ""
	}
	return string([]rune(text)[:width-1]) + "…"
}

// pad fills text with spaces up to width cells.
func pad(text string, width int) string {
	if n := width - utf8.RuneCountInString(text); n > 0 {
		return text + strings.Repeat(" ", n)
	}
	return text
}

// escapes are the control sequences of terminals: colours, moves, clearing.
var escapes = regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]")

// OneLine makes text from a host safe for one line of a terminal: the first
// line that says something, without control characters.
func OneLine(text string) string {
	for line := range strings.Lines(escapes.ReplaceAllString(text, "")) {
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == utf8.RuneError {
				return ' '
			}
			return r
		}, line))
		if line != "" {
			return line
		}
	}
	return ""
}

// naturalLess orders names as people do: broker-2 before broker-10.
func naturalLess(a, b string) bool {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if len(x) != len(y) {
				return len(x) < len(y)
			}
			if x != y {
				return x < y
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return a[0] < b[0]
		}
		a, b = a[1:], b[1:]
	}
	return len(a) < len(b)
}

// digits counts the digits that s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
