package record

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/internal/automation"
	"kraftstack/internal/redact"
)

// Events writes an engine's events to a file, one line of JSON each, redacted.
// Its first error is kept and given by Close: an operation does not stop for it.
type Events struct {
	file *os.File
	err  error
}

// OpenEvents makes the file anew.
func OpenEvents(path string) (*Events, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write events: %w", err)
	}
	return &Events{file: file}, nil
}

// Watch is an automation.Watcher.
func (e *Events) Watch(event apitype.EngineEvent) {
	line, err := redact.JSON(event)
	if err == nil {
		_, err = e.file.Write(append(line, '\n'))
	}
	if e.err == nil && err != nil {
		e.err = fmt.Errorf("write events: %w", err)
	}
}

// Close ends the file.
func (e *Events) Close() error { return errors.Join(e.err, e.file.Close()) }

// Cases notes how long each step of an operation took, and which failed.
type Cases struct {
	cases []Case
	began map[string]time.Time
	now   func() time.Time
}

// Case is one thing that a run did or looked at.
type Case struct {
	Place   string // a component, or what was looked at: "broker-1001"
	Name    string // the step: "roll"
	Took    time.Duration
	Failure string // "" if it went well
}

// NewCases begins to note. now is time.Now.
func NewCases(now func() time.Time) *Cases {
	return &Cases{began: map[string]time.Time{}, now: now}
}

// Watch is an automation.Watcher.
func (c *Cases) Watch(event apitype.EngineEvent) {
	switch {
	case event.ResourcePreEvent != nil:
		c.began[event.ResourcePreEvent.Metadata.URN] = c.now()
	case event.ResOutputsEvent != nil:
		c.note(event.ResOutputsEvent.Metadata, "")
	case event.ResOpFailedEvent != nil:
		c.note(event.ResOpFailedEvent.Metadata, "it failed")
	}
}

func (c *Cases) note(m apitype.StepEventMetadata, failure string) {
	place, ok := automation.PlaceOf(m)
	if !ok || place.IsComponent() || m.Op == apitype.OpSame {
		return
	}
	c.cases = append(c.cases, Case{
		Place: place.Component, Name: string(m.Op) + " " + place.Step, Took: c.now().Sub(c.began[m.URN]), Failure: failure,
	})
}

// List is what was noted so far.
func (c *Cases) List() []Case { return c.cases }
