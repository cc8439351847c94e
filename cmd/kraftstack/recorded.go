package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
	"kraftstack/internal/record"
)

// recordedRun is a run while it lasts: what the journal and the artifacts will
// tell of it.
type recordedRun struct {
	record.Run

	folder string // of the stack's records
	events *record.Events
	cases  *record.Cases
	more   []record.Case         // what was looked at, for a verb without steps
	counts map[string]int        // changes by kind
	body   func(io.Writer) error // the middle of the Markdown artifact
}

// recorded runs a verb on a stack: its beginning and its end are in the journal,
// however it ends, and so are the artifacts. It checks the stack file, and
// enters the lab where the stack belongs to it.
func (o *options) recorded(c *cobra.Command, verb string, do func(context.Context, *recordedRun) error) error {
	if err := o.check(c); err != nil {
		return err
	}
	project, err := automation.ProjectDir(o.dir)
	if err != nil {
		return err
	}
	o.dir = project
	run := &recordedRun{
		Run:    record.Begin(o.stack, verb, time.Now(), os.Getenv, o.narrowing()...),
		folder: record.Folder(project, o.stack, os.Getenv), cases: record.NewCases(time.Now),
	}
	if err := record.Write(run.folder, run.Run); err != nil {
		return err
	}
	err = o.guarded(c, run, do)
	if kept := o.keep(run, err); kept != nil {
		return errors.Join(err, kept)
	}
	return err
}

func (o *options) guarded(c *cobra.Command, run *recordedRun, do func(context.Context, *recordedRun) error) (err error) {
	ctx := c.Context()
	if o.timeout > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, o.timeout, automation.ErrTimeLimit)
		defer cancel()
		ctx = limited
	}
	if err := o.openEvents(run); err != nil {
		return err
	}
	if run.events != nil {
		defer func() {
			if closed := run.events.Close(); err == nil {
				err = closed
			}
		}()
	}
	if _, err := prepare(ctx, o.dir, o.stack); err != nil {
		return err
	}
	return do(ctx, run)
}

// openEvents begins the file of events, which --artifacts wants too.
func (o *options) openEvents(run *recordedRun) (err error) {
	path := o.events
	if o.artifacts != "" {
		if err := os.MkdirAll(o.artifacts, 0o755); err != nil {
			return err
		}
		if o.engine {
			path = cmp.Or(path, record.Path(o.artifacts, run.Verb, "events.jsonl"))
		}
	}
	if path != "" {
		run.events, err = record.OpenEvents(path)
	}
	return err
}

// watch is a watcher that the run's own records hear too.
func (r *recordedRun) watch(watch automation.Watcher) automation.Watcher {
	return func(event apitype.EngineEvent) {
		watch(event)
		r.cases.Watch(event)
		if r.events != nil {
			r.events.Watch(event)
		}
	}
}

// keep writes what became of a run.
func (o *options) keep(run *recordedRun, outcome error) error {
	ended := run.End(time.Now(), outcome, run.counts)
	err := record.Write(run.folder, ended)
	if o.artifacts == "" {
		return err
	}
	return errors.Join(err, record.Artifacts{
		Folder: o.artifacts, Run: ended, Cases: append(run.cases.List(), run.more...), Body: run.body,
	}.Write())
}

// narrowing is what the journal says about how the run was asked for.
func (o *options) narrowing() []string {
	var words []string
	if len(o.hosts) > 0 {
		words = append(words, "only "+strings.Join(o.hosts, ", "))
	}
	if o.plan != "" {
		words = append(words, "plan "+o.plan)
	}
	if o.repair {
		words = append(words, "repairing")
	}
	if o.expectNoChanges {
		words = append(words, "expecting no changes")
	}
	return words
}
