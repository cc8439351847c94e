package ui

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	frameEvery     = 100 * time.Millisecond // at most ten frames a second
	heartbeatAfter = 30 * time.Second       // silence that a plain log may hold
	lastingWait    = 10 * time.Second       // what a host may wait for without a line
	maxDetail      = 120                    // cells of news in a plain line
	heartbeatHosts = 5                      // hosts that a heartbeat names
)

// ProgressOptions say where and how progress is shown.
type ProgressOptions struct {
	Terminal Terminal         // usually that of standard error
	Silent   bool             // --json: nothing at all
	Hosts    []string         // hosts that are known to come; more may follow
	Now      func() time.Time // time.Now unless given
}

// Progress shows events as they come: a board on a terminal, lines elsewhere.
// It is safe for use from several goroutines. Close must be called.
type Progress struct {
	opts ProgressOptions

	mu     sync.Mutex
	board  *Board
	screen screen
	spoke  time.Time // when the last plain line was written
	minor  parts     // events that have no line of their own
	closed bool

	stop chan struct{}
	over chan struct{}
}

// NewProgress begins to show progress.
func NewProgress(o ProgressOptions) *Progress {
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Progress{
		opts: o, board: NewBoard(o.Now(), o.Hosts...), spoke: o.Now(),
		stop: make(chan struct{}), over: make(chan struct{}),
	}
	go p.run()
	return p
}

// run redraws the board, or breaks the silence of a plain log, until Close.
func (p *Progress) run() {
	defer close(p.over)
	if p.opts.Silent {
		return
	}
	every := frameEvery
	if !p.opts.Terminal.Live {
		every = time.Second
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
			p.Tick()
		}
	}
}

// Tick draws the next frame, or a heartbeat if one is due. Progress calls it
// itself; tests call it in its place.
func (p *Progress) Tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.opts.Silent {
		return
	}
	now := p.opts.Now()
	if p.opts.Terminal.Live {
		width, height := p.opts.Terminal.Size()
		p.write(p.screen.draw(p.board.Render(now, width, height, p.opts.Terminal.Color), width))
		return
	}
	if now.Sub(p.spoke) >= heartbeatAfter {
		if line := p.board.heartbeat(now); line != "" {
			p.write(line + "\n")
		}
		p.spoke = now
	}
}

// Send takes an event. After Close it is ignored.
func (p *Progress) Send(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	e, news := p.board.Apply(e, p.opts.Now())
	if !news || p.opts.Silent || p.opts.Terminal.Live {
		return
	}
	p.plain(e)
}

// plain writes an event where nothing is redrawn, if it is worth a line: a step
// that ended, a warning, a wait that lasts. Minor parts are one line together.
func (p *Progress) plain(e Event) {
	now := p.opts.Now()
	if e.Minor {
		p.minor.note(e, now)
		if e.State != Failed {
			return
		}
	}
	if e.State == Started || e.State == Running && !worthALine(e) {
		return
	}
	if p.minor.active == 0 {
		p.write(p.minor.line())
	}
	hosts, _ := columns(p.board.sorted(), now)
	p.spoke = now
	p.write(plainLine(e, hosts) + "\n")
}

// worthALine tells news of a running step that a log should have.
func worthALine(e Event) bool {
	return strings.HasPrefix(e.Detail, "warning") ||
		strings.HasPrefix(e.Detail, "waiting") && e.Elapsed >= lastingWait
}

// parts counts the minor events between two lines of a plain log.
type parts struct {
	active, ended int
	began, last   time.Time
}

func (c *parts) note(e Event, now time.Time) {
	switch e.State {
	case Started:
		if c.active == 0 && c.ended == 0 {
			c.began = now
		}
		c.active++
	case Done, Skipped:
		c.active = max(c.active-1, 0)
		c.ended++
		c.last = now
	case Failed: // has a line of its own
		c.active = max(c.active-1, 0)
	case Running:
	}
}

// line tells of them once: "" if there were none.
func (c *parts) line() string {
	if c.ended == 0 {
		return ""
	}
	noun := "parts"
	if c.ended == 1 {
		noun = "part"
	}
	line := fmt.Sprintf("cloud: %d %s in %s\n", c.ended, noun, Duration(c.last.Sub(c.began)))
	c.ended = 0
	return line
}

// Log prints a line that stays, above the board if there is one.
func (p *Progress) Log(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opts.Silent {
		return
	}
	p.spoke = p.opts.Now()
	p.write(p.screen.clear(p.width()) + line + "\n")
}

// Close ends the show: the board is taken off the terminal, and what stays is
// a line for each host that failed and the summary. Nothing, if nothing came.
func (p *Progress) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	close(p.stop)
	if !p.opts.Silent {
		p.write(p.screen.clear(p.width()) + p.minor.line() + p.farewell())
	}
	p.mu.Unlock()
	<-p.over
}

// farewell is what stays when the work is over.
func (p *Progress) farewell() string {
	now := p.opts.Now()
	var b strings.Builder
	worked := false
	for _, r := range p.board.sorted() {
		worked = worked || r.status() != "waiting"
		if r.failed {
			s := r.current(now)
			line := fmt.Sprintf("✗ %s  %s  %s  %s", r.host, s.name, Duration(s.elapsed), s.detail)
			b.WriteString(Paint(strings.TrimRight(line, " "), Bad, p.opts.Terminal.Color) + "\n")
		}
	}
	if !worked {
		return ""
	}
	return b.String() + p.board.Summary() + " in " + Duration(now.Sub(p.board.began)) + "\n"
}

func (p *Progress) width() int {
	width, _ := p.opts.Terminal.Size()
	return width
}

// write ignores errors: a reader that is gone must not stop the work.
func (p *Progress) write(text string) {
	if text != "" {
		_, _ = io.WriteString(p.opts.Terminal.Out, text)
	}
}

// plainLine is an event as one line: "broker-1001  install    done     3.2s".
func plainLine(e Event, hostWidth int) string {
	line := pad(e.Host, hostWidth) + "  " + pad(e.Step, 10) + "  " + pad(string(e.State), 7)
	if e.State != Started {
		line += "  " + Duration(e.Elapsed)
	}
	if e.Detail != "" {
		line += "  " + clip(e.Detail, maxDetail)
	}
	return strings.TrimRight(line, " ")
}

// heartbeat names what is being waited for, "" if nothing is.
func (b *Board) heartbeat(now time.Time) string {
	var parts []string
	more := 0
	for _, r := range b.sorted() {
		for _, s := range r.active {
			if len(parts) == heartbeatHosts {
				more++
				continue
			}
			parts = append(parts, fmt.Sprintf("%s %s %s", r.host, s.name, Duration(now.Sub(s.began))))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	line := "waiting: " + strings.Join(parts, ", ")
	if more > 0 {
		line += fmt.Sprintf(" and %d more", more)
	}
	return line
}
