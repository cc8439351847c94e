package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
	"kraftstack/internal/fail"
)

// options are the flags of a verb on a stack. register adds those that every
// one has.
type options struct {
	stack           string
	dir             string
	json            bool
	yes             bool
	expectNoChanges bool
	repair          bool
	hosts           []string
	plan            string // written by preview, done by up
	retries         int
	timeout         time.Duration
	engine          bool // the verb starts one
	events          string
	artifacts       string
	publishing
}

func (o *options) register(c *cobra.Command) {
	c.Flags().StringVar(&o.stack, "stack", "", "the stack's name: Pulumi.NAME.yaml (required)")
	c.Flags().BoolVar(&o.json, "json", false, "print one JSON document and nothing else")
	c.Flags().DurationVar(&o.timeout, "timeout", 0, "interrupt the run after this long; 0 is never")
	c.Flags().StringVar(&o.artifacts, "artifacts", "", "write reports for a build server to `FOLDER`: Markdown, JUnit, JSON")
}

// registerEvents is for a verb that starts an engine.
func (o *options) registerEvents(c *cobra.Command) {
	o.engine = true
	c.Flags().StringVar(&o.events, "events", "", "write the engine's events to `FILE`, a line of JSON each, without secrets")
}

// check says what is wrong with the flags' values, and makes paths absolute: the
// engine works in the project's folder.
func (o *options) check(c *cobra.Command) error {
	var wrong error
	switch {
	case o.stack == "":
		wrong = errors.New("--stack is required")
	case !automation.IsName(o.stack):
		wrong = fmt.Errorf("%q is no stack name", o.stack)
	case o.timeout < 0:
		wrong = fmt.Errorf("--timeout is %s, must not be less than 0", o.timeout)
	case o.repair && o.plan != "":
		wrong = errRepairPlan
	case o.retries < 0:
		wrong = fmt.Errorf("--retries is %d, must not be less than 0", o.retries)
	}
	if wrong != nil {
		return fail.Usage(c.CommandPath(), wrong)
	}
	for _, path := range []*string{&o.plan, &o.events, &o.artifacts} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	return nil
}
