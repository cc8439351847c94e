package ui

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// State is what became of a step.
type State string

// The states of a step. Started and Running are the same to the board; Running
// carries news (a Detail) of a step that was started before.
const (
	Started State = "started"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
	Skipped State = "skipped"
)

// Event is one change in the work on a host.
type Event struct {
	Host    string // a host's name; "" for work on the cluster as a whole
	Step    string // instance, prepare, install, configure, quorum, roll …
	State   State
	Minor   bool          // one of many small parts: without a terminal they are counted, not shown
	Detail  string        // a few words, may be empty; of several lines the first is shown
	Elapsed time.Duration // of a step that ended; zero: measured by the board
}

// Board is the picture of the work so far: which host is in which step. It
// holds no clock and does no output, so equal events give equal pictures.
type Board struct {
	began time.Time
	rows  map[string]*row
}

// row is one host's line: its unfinished steps, and the last that ended.
type row struct {
	host   string
	active []step
	last   step
	failed bool
	ended  int // steps that ended
	minor  int // those of them that were minor

	began, until time.Time // of its first step, and of the last that ended
}

type step struct {
	name    string
	state   State
	detail  string
	began   time.Time
	elapsed time.Duration
}

// NewBoard begins a board at a time, with a waiting row for each host that is
// known to come.
func NewBoard(began time.Time, hosts ...string) *Board {
	b := &Board{began: began, rows: map[string]*row{}}
	for _, h := range hosts {
		b.row(h)
	}
	return b
}

func (b *Board) row(host string) *row {
	host = OneLine(host)
	if host == "" {
		host = "cluster"
	}
	if b.rows[host] == nil {
		b.rows[host] = &row{host: host}
	}
	return b.rows[host]
}

// Apply takes an event into the picture and says whether that changed anything
// worth a line, with the step's elapsed time filled in.
func (b *Board) Apply(e Event, now time.Time) (Event, bool) {
	r := b.row(e.Host)
	if r.began.IsZero() {
		r.began = now
	}
	e.Host, e.Step, e.Detail = r.host, OneLine(e.Step), OneLine(e.Detail)
	at := slices.IndexFunc(r.active, func(s step) bool { return s.name == e.Step })
	switch e.State {
	case Started, Running:
		if at < 0 {
			r.active = append(r.active, step{name: e.Step, state: Running, detail: e.Detail, began: now})
			e.State = Started
			return e, true
		}
		news := e.Detail != "" && e.Detail != r.active[at].detail
		if news {
			r.active[at].detail = e.Detail
		}
		e.Elapsed = now.Sub(r.active[at].began)
		return e, news
	case Done, Failed, Skipped:
	default:
		return e, false
	}
	if at >= 0 {
		if e.Elapsed == 0 {
			e.Elapsed = now.Sub(r.active[at].began)
		}
		r.active = slices.Delete(r.active, at, at+1)
	}
	r.ended++
	r.until = now
	if e.Minor {
		r.minor++
	}
	// A failure stays on the host's line, whatever ends after it.
	if !r.failed || e.State == Failed {
		r.last = step{name: e.Step, state: e.State, detail: e.Detail, elapsed: e.Elapsed}
	}
	r.failed = r.failed || e.State == Failed
	return e, true
}

// status is the one word for a row: failed, working, done or waiting.
func (r *row) status() string {
	switch {
	case r.failed:
		return "failed"
	case len(r.active) > 0:
		return "working"
	case r.ended > 0:
		return "done"
	}
	return "waiting"
}

// current is the step to show: the failure, else the newest unfinished step,
// else the last that ended.
func (r *row) current(now time.Time) step {
	switch {
	case r.failed:
		return r.last
	case len(r.active) == 0 && r.minor > 1 && r.minor == r.ended:
		// Which of many small parts was the last says nothing.
		return step{name: fmt.Sprintf("%d parts", r.minor), elapsed: r.until.Sub(r.began)}
	case len(r.active) == 0:
		return r.last
	}
	s := r.active[len(r.active)-1]
	s.elapsed = now.Sub(s.began)
	return s
}

// sorted lists the rows: what failed first, then by name.
func (b *Board) sorted() []*row {
	rows := make([]*row, 0, len(b.rows))
	for _, r := range b.rows {
		rows = append(rows, r)
	}
	sort.Slice(rows, func(i, j int) bool {
		if rows[i].failed != rows[j].failed {
			return rows[i].failed
		}
		return naturalLess(rows[i].host, rows[j].host)
	})
	return rows
}

var statuses = []string{"failed", "working", "waiting", "done"}

// Summary counts the rows by what became of them: "1 failed, 2 done". The rows
// are hosts and what hosts stand on (network, access), so they are not named.
func (b *Board) Summary() string {
	counts := map[string]int{}
	for _, r := range b.rows {
		counts[r.status()]++
	}
	return tally(counts, statuses)
}

// tally writes counts in the given order, leaving out zeros.
func tally(counts map[string]int, order []string) string {
	var parts []string
	for _, name := range order {
		if n := counts[name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}
