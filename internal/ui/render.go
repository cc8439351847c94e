package ui

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	minRows   = 1   // hosts shown even on the lowest terminal
	boardRows = 40  // hosts shown on the highest: more is a wall, not a picture
	spareRows = 3   // heading, count of the hidden, the line that the cursor stands on
	minWidth  = 10  // below this nothing can be read: lines are cut, never wrapped
	maxWidth  = 160 // details longer than this are for the log
)

// Render draws the board at a time for a terminal of this size, one string per
// line. No line is wider than width-1 cells and there are at most height-1.
func (b *Board) Render(now time.Time, width, height int, color bool) []string {
	width = min(max(width, minWidth), maxWidth) - 1
	shown, hidden := choose(b.sorted(), min(max(height-spareRows, minRows), boardRows))
	lines := []string{compose(width, color,
		Cell{Text: b.Summary(), Tone: Strong}, Cell{Text: "  " + Duration(now.Sub(b.began)), Tone: Faint})}
	hostWidth, stepWidth := columns(shown, now)
	for _, r := range shown {
		s := r.current(now)
		mark, tone := marker(r)
		cells := []Cell{
			{Text: mark + " ", Tone: tone}, {Text: pad(r.host, hostWidth)},
			{Text: "  " + pad(s.name, stepWidth), Tone: tone},
		}
		if r.status() != "waiting" {
			cells = append(cells, Cell{Text: "  " + pad(Duration(s.elapsed), 6), Tone: Faint})
			if s.detail != "" {
				cells = append(cells, Cell{Text: "  " + s.detail})
			}
		}
		lines = append(lines, compose(width, color, cells...))
	}
	if len(hidden) > 0 {
		lines = append(lines, compose(width, color, Cell{Text: "  … and " + rest(hidden, now), Tone: Faint}))
	}
	return lines
}

// choose picks the rows to show when not all fit: failures, then hosts at
// work, then those that wait, then those that are done. Both results keep
// their order.
func choose(rows []*row, limit int) (shown, hidden []*row) {
	if len(rows) <= limit {
		return rows, nil
	}
	byNeed := slices.Clone(rows)
	sort.SliceStable(byNeed, func(i, j int) bool {
		return slices.Index(statuses, byNeed[i].status()) < slices.Index(statuses, byNeed[j].status())
	})
	chosen := map[*row]bool{}
	for _, r := range byNeed[:limit] {
		chosen[r] = true
	}
	for _, r := range rows {
		if chosen[r] {
			shown = append(shown, r)
		} else {
			hidden = append(hidden, r)
		}
	}
	return shown, hidden
}

// rest counts the hidden hosts: those at work by their step, the others by
// what became of them.
func rest(hidden []*row, now time.Time) string {
	counts := map[string]int{}
	var order []string
	for _, r := range hidden {
		word := r.status()
		if word == "working" {
			word = r.current(now).name
		}
		if counts[word] == 0 {
			order = append(order, word)
		}
		counts[word]++
	}
	sort.Strings(order)
	return fmt.Sprintf("%d more: %s", len(hidden), tally(counts, order))
}

func marker(r *row) (string, Tone) {
	switch r.status() {
	case "failed":
		return "✗", Bad
	case "working":
		return "▸", Busy
	case "done":
		return "✓", Good
	}
	return "·", Faint
}

// columns are the widths of the host and the step column.
func columns(rows []*row, now time.Time) (host, step int) {
	for _, r := range rows {
		host = max(host, utf8.RuneCountInString(r.host))
		step = max(step, utf8.RuneCountInString(r.current(now).name))
	}
	return host, step
}

// compose joins cells to one line of at most width cells, without trailing
// spaces. Text is cut before it is coloured: half an escape sequence would
// colour the rest of the terminal.
func compose(width int, color bool, cells ...Cell) string {
	for i := len(cells) - 1; i >= 0; i-- {
		cells[i].Text = strings.TrimRight(cells[i].Text, " ")
		if cells[i].Text != "" {
			break
		}
	}
	total := 0
	for _, c := range cells {
		total += utf8.RuneCountInString(c.Text)
	}
	var b strings.Builder
	left := width
	for _, c := range cells {
		n := utf8.RuneCountInString(c.Text)
		if n > left || (n == left && total > width) {
			b.WriteString(Paint(clip(c.Text+"  ", left), c.Tone, color))
			break
		}
		b.WriteString(Paint(c.Text, c.Tone, color))
		left -= n
	}
	return b.String()
}
