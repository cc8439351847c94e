package ui

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kraftstack/tests/golden"
)

// clock moves only when told to.
type clock struct{ now time.Time }

func newClock() *clock                         { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }
func (c *clock) Now() time.Time                { return c.now }
func (c *clock) Pass(d time.Duration) *clock   { c.now = c.now.Add(d); return c }
func pieces(lines []string) (joined string)    { return strings.Join(lines, "\n") + "\n" }
func size(w, h int) func() (width, height int) { return func() (int, int) { return w, h } }

// threeHosts is a run in which one host is done, one works and one failed.
func threeHosts(c *clock) *Board {
	b := NewBoard(c.Now(), "broker-1001", "broker-1002", "broker-1003")
	b.Apply(Event{Host: "broker-1002", Step: "install", State: Started}, c.Now())
	b.Apply(Event{Host: "broker-1003", Step: "install", State: Started}, c.Now())
	c.Pass(3200 * time.Millisecond)
	b.Apply(Event{Host: "broker-1002", Step: "install", State: Done}, c.Now())
	b.Apply(Event{Host: "broker-1003", Step: "install", State: Failed, Detail: "\x1b[31mchecksum differs\nand more"}, c.Now())
	b.Apply(Event{Host: "broker-1002", Step: "configure", State: Started}, c.Now())
	b.Apply(Event{Host: "broker-1002", Step: "configure", State: Running, Detail: "formatting storage"}, c.Now())
	b.Apply(Event{Host: "broker-10", Step: "prepare", State: Done, Elapsed: 72 * time.Second}, c.Now())
	b.Apply(Event{Host: "broker-2", Step: "prepare", State: Skipped}, c.Now())
	c.Pass(time.Second)
	return b
}

func TestBoard(t *testing.T) {
	for _, width := range []int{80, 34, 5} {
		c := newClock()
		golden.Compare(t, fmt.Sprintf("board-%d.txt", width), pieces(threeHosts(c).Render(c.Now(), width, 24, false)))
	}
	c := newClock()
	golden.Compare(t, "board-color.txt", pieces(threeHosts(c).Render(c.Now(), 80, 24, true)))
}

func TestBoardOf300HostsFitsTheTerminal(t *testing.T) {
	c := newClock()
	b := NewBoard(c.Now())
	for i := range 300 {
		host := fmt.Sprintf("broker-%d", 1001+i)
		b.Apply(Event{Host: host, Step: "install", State: Started}, c.Now())
		switch {
		case i == 250:
			b.Apply(Event{Host: host, Step: "install", State: Failed, Detail: "no space"}, c.Pass(time.Second).Now())
		case i < 120:
			b.Apply(Event{Host: host, Step: "install", State: Done}, c.Now())
		}
	}
	lines := b.Render(c.Now(), 60, 12, false)
	golden.Compare(t, "board-300.txt", pieces(lines))
	for height := range 30 {
		for width := range 50 {
			lines := b.Render(c.Now(), width, height, true)
			if len(lines) > max(height-1, minRows+2) {
				t.Fatalf("%d lines on a terminal of %d", len(lines), height)
			}
			for _, line := range lines {
				if n := utf8.RuneCountInString(stripColor(line)); n > max(width, minWidth)-1 {
					t.Fatalf("%d cells on a terminal of %d: %q", n, width, line)
				}
			}
		}
	}
}

func TestPlainProgress(t *testing.T) {
	c := newClock()
	var out bytes.Buffer
	p := NewProgress(ProgressOptions{Terminal: Plain(&out), Hosts: []string{"broker-1001"}, Now: c.Now})
	p.Send(Event{Host: "broker-1001", Step: "install", State: Started})
	p.Send(Event{Host: "broker-1001", Step: "install", State: Running})
	c.Pass(3200 * time.Millisecond)
	p.Send(Event{Host: "broker-1001", Step: "install", State: Running, Detail: "downloading"})
	p.Send(Event{Host: "broker-1001", Step: "install", State: Running, Detail: "waiting for the archive (3s)"})
	p.Send(Event{Host: "broker-1001", Step: "install", State: Running, Detail: "warning: this archive has no signature"})
	c.Pass(10 * time.Second)
	p.Send(Event{Host: "broker-1001", Step: "install", State: Running, Detail: "waiting for the archive (13s)"})
	for _, part := range []string{"vpc", "subnet"} {
		p.Send(Event{Host: "network", Step: part, State: Started, Minor: true})
		c.Pass(time.Second)
		p.Send(Event{Host: "network", Step: part, State: Done, Minor: true})
	}
	p.Send(Event{Host: "network", Step: "nat", State: Started, Minor: true})
	p.Send(Event{Host: "network", Step: "nat", State: Failed, Minor: true, Detail: "no address left"})
	p.Send(Event{Host: "broker-1001", Step: "install", State: Done})
	p.Send(Event{Host: "network", Step: "route", State: Started, Minor: true})
	p.Send(Event{Host: "network", Step: "route", State: Done, Minor: true})
	p.Send(Event{Step: "quorum", State: Started})
	p.Log("a line of its own")
	c.Pass(31 * time.Second)
	p.Tick()
	p.Send(Event{Step: "quorum", State: Failed, Detail: "no leader"})
	p.Close()
	p.Close()
	p.Send(Event{Host: "late", Step: "install", State: Started})
	golden.Compare(t, "plain.txt", out.String())
}

func TestSilentProgress(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(ProgressOptions{Terminal: Plain(&out), Silent: true})
	p.Send(Event{Host: "broker-1001", Step: "install", State: Done})
	p.Log("nothing")
	p.Close()
	if out.Len() > 0 {
		t.Errorf("%q", out.String())
	}
}

func TestLiveProgressRedrawsOnlyWhatChangedAndCleansUp(t *testing.T) {
	c := newClock()
	var out bytes.Buffer
	terminal := Terminal{Out: &out, Live: true, Size: size(80, 24)}
	// The board's own ticker would draw as well: same frame, so no output.
	p := NewProgress(ProgressOptions{Terminal: terminal, Hosts: []string{"broker-1001"}, Now: c.Now})
	p.Send(Event{Host: "broker-1001", Step: "install", State: Done, Elapsed: time.Second})
	p.Tick()
	first := out.Len()
	p.Tick()
	if out.Len() != first || first == 0 {
		t.Errorf("an unchanged frame was drawn again: %q", out.String())
	}
	p.Close()
	text := out.String()
	if !strings.Contains(text, "\x1b[2A") || !strings.HasSuffix(text, "\x1b[J1 done in 0.0s\n") {
		t.Errorf("%q", text)
	}
}

func TestScreenCountsLinesThatANarrowerTerminalWrapped(t *testing.T) {
	var s screen
	s.draw([]string{strings.Repeat("x", 30), Paint("short", Good, true)}, 40)
	if got := s.up(10); got != "\r\x1b[4A" {
		t.Errorf("%q", got)
	}
}

func TestNaturalOrderAndDuration(t *testing.T) {
	if !naturalLess("broker-2", "broker-10") || naturalLess("broker-10", "broker-2") || !naturalLess("a", "b") || naturalLess("a", "a") {
		t.Error("natural order")
	}
	for d, want := range map[time.Duration]string{
		0: "0.0s", 3250 * time.Millisecond: "3.2s", 41 * time.Second: "41s", 123 * time.Second: "2m03s", 64 * time.Minute: "1h04m",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
