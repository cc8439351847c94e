package automation

import (
	"regexp"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/internal/ui"
)

// Progress turns engine events into what a person watches: which host is in
// which step. Unchanged resources and the components themselves are no news.
func Progress(send func(ui.Event), now func() time.Time) Watcher {
	p := &progress{send: send, now: now, works: map[string]work{}}
	return p.watch
}

type progress struct {
	send  func(ui.Event)
	now   func() time.Time
	works map[string]work // what has begun and not ended, by URN
}

// work is one operation on one resource, by what it began as: how a refresh
// ends says what it found, under another name.
type work struct {
	place Place
	step  string
	minor bool
	began time.Time
}

func (p *progress) watch(event apitype.EngineEvent) {
	switch {
	case event.ResourcePreEvent != nil:
		p.start(event.ResourcePreEvent.Metadata)
	case event.ResOutputsEvent != nil:
		p.end(event.ResOutputsEvent.Metadata, ui.Done)
	case event.ResOpFailedEvent != nil:
		p.end(event.ResOpFailedEvent.Metadata, ui.Failed)
	case event.DiagnosticEvent != nil:
		p.news(event.DiagnosticEvent)
	}
}

func (p *progress) start(m apitype.StepEventMetadata) {
	place, ok := PlaceOf(m)
	if !ok || place.IsComponent() {
		return
	}
	switch m.Op {
	case apitype.OpSame, apitype.OpRead:
		return
	case apitype.OpReplace: // the engine's note between the deletion and the creation, which say it themselves
		return
	}
	w := work{place: place, step: stepName(place, m.Op), minor: minor(place, m.Op), began: p.now()}
	p.works[m.URN] = w
	p.send(ui.Event{Host: place.Component, Step: w.step, State: ui.Started, Minor: w.minor})
}

func (p *progress) end(m apitype.StepEventMetadata, state ui.State) {
	w, ok := p.works[m.URN]
	if !ok {
		return
	}
	delete(p.works, m.URN)
	p.send(ui.Event{Host: w.place.Component, Step: w.step, State: state, Elapsed: p.now().Sub(w.began), Minor: w.minor})
}

// news passes on what a host prints while a step runs.
func (p *progress) news(d *apitype.DiagnosticEvent) {
	w, running := p.works[d.URN]
	if !running || !w.place.IsCommand() || !strings.HasPrefix(d.Severity, "info") {
		return
	}
	if line := saidBy.ReplaceAllString(lastLine(Plain(d.Message)), ""); line != "" {
		p.send(ui.Event{Host: w.place.Component, Step: w.step, State: ui.Running, Detail: line})
	}
}

// saidBy is what a line of the toolkit begins with: the host and the verb,
// which the board names already.
var saidBy = regexp.MustCompile(`^(kafka-node: [^:\s]+: )?[a-z]+: `)

// minor tells what is no step on a host: the cloud's own parts, and what is
// only read, or taken off the books.
func minor(place Place, op apitype.OpType) bool {
	switch op {
	case apitype.OpDelete, apitype.OpDeleteReplaced, apitype.OpRefresh:
		return true
	}
	return !place.IsCommand()
}

func stepName(place Place, op apitype.OpType) string {
	switch op {
	case apitype.OpDelete, apitype.OpDeleteReplaced:
		return "delete " + place.Step
	case apitype.OpRefresh:
		return "read " + place.Step
	}
	return place.Step
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
