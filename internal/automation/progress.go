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
	p := &progress{send: send, now: now, began: map[string]time.Time{}, places: map[string]Place{}}
	return p.watch
}

type progress struct {
	send   func(ui.Event)
	now    func() time.Time
	began  map[string]time.Time // by URN
	places map[string]Place     // by URN
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
	p.began[m.URN], p.places[m.URN] = p.now(), place
	p.send(ui.Event{Host: place.Component, Step: stepName(place, m.Op), State: ui.Started, Minor: minor(place, m.Op)})
}

func (p *progress) end(m apitype.StepEventMetadata, state ui.State) {
	began, ok := p.began[m.URN]
	if !ok {
		return
	}
	place := p.places[m.URN]
	delete(p.began, m.URN)
	p.send(ui.Event{
		Host: place.Component, Step: stepName(place, m.Op), State: state, Elapsed: p.now().Sub(began), Minor: minor(place, m.Op),
	})
}

// news passes on what a host prints while a step runs.
func (p *progress) news(d *apitype.DiagnosticEvent) {
	place, ok := p.places[d.URN]
	if _, running := p.began[d.URN]; !ok || !running || !place.IsCommand() || !strings.HasPrefix(d.Severity, "info") {
		return
	}
	if line := saidBy.ReplaceAllString(lastLine(plain(d.Message)), ""); line != "" {
		p.send(ui.Event{Host: place.Component, Step: place.Step, State: ui.Running, Detail: line})
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
