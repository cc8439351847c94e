package ui

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// screen remembers what stands on the terminal, to draw over it.
type screen struct {
	frame []string
	width int
}

// draw is the text that replaces the frame on the terminal with this one: ""
// if nothing changed. Each line is overwritten and then cleared to its end,
// never cleared first, and the terminal is asked to show it all at once
// (synchronised output, ignored where unknown): that is what avoids flicker.
func (s *screen) draw(frame []string, width int) string {
	text := strings.Join(frame, "\x1b[K\n") + "\x1b[K\n"
	if s.width == width && strings.Join(s.frame, "\x1b[K\n")+"\x1b[K\n" == text {
		return ""
	}
	up := s.up(width)
	s.frame, s.width = frame, width
	return "\x1b[?2026h" + up + text + "\x1b[J\x1b[?2026l"
}

// clear is the text that takes the frame off the terminal.
func (s *screen) clear(width int) string {
	up := s.up(width)
	s.frame = nil
	if up == "" {
		return ""
	}
	return up + "\x1b[J"
}

// up moves the cursor to where the frame begins. A terminal that was made
// narrower since has wrapped its lines: each counts as often as it wraps.
func (s *screen) up(width int) string {
	rows := 0
	for _, line := range s.frame {
		cells := utf8.RuneCountInString(stripColor(line))
		rows += max(1, (cells+max(width, 1)-1)/max(width, 1))
	}
	if rows == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA", rows)
}

// stripColor takes off what Paint puts on.
func stripColor(text string) string {
	var b strings.Builder
	for {
		start := strings.IndexByte(text, 0x1b)
		if start < 0 {
			return b.String() + text
		}
		end := strings.IndexByte(text[start:], 'm')
		if end < 0 {
			return b.String() + text[:start]
		}
		b.WriteString(text[:start])
		text = text[start+end+1:]
	}
}
