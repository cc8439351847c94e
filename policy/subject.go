package policy

import (
	"slices"
	"strings"

	"kraftstack/config"
	"kraftstack/internal/report"
)

// subject is what rules look at.
type subject struct {
	stack config.Stack
	// all are the resources with those that go; stays are those that there will
	// be.
	all, stays []report.Resource
	// properties are the broker properties of each node that has readable ones.
	properties map[string]map[string]string
}

func newSubject(stack config.Stack, resources []report.Resource) *subject {
	s := &subject{stack: stack, all: resources, properties: map[string]map[string]string{}}
	for _, r := range resources {
		if r.Op == "delete" {
			continue
		}
		s.stays = append(s.stays, r)
		if r.Step == "configure" && isNode(r) {
			s.properties[r.Component] = report.Properties(r.Inputs)
		}
	}
	return s
}

// of are the resources that there will be of some types.
func (s *subject) of(types ...string) []report.Resource {
	var found []report.Resource
	for _, r := range s.stays {
		if slices.Contains(types, r.Type) {
			found = append(found, r)
		}
	}
	return found
}

// The types that several rules are about.
const (
	typeInstance = "aws:ec2/instance:Instance"
	typeTemplate = "aws:ec2/launchTemplate:LaunchTemplate"
	typeVolume   = "aws:ebs/volume:Volume"
	typeNode     = "kraftstack:node:Node"
)

// isNode says whether a resource belongs to a node of the cluster.
func isNode(r report.Resource) bool {
	return strings.HasPrefix(r.Component, "broker-") || strings.HasPrefix(r.Component, "controller-")
}

// each makes a hit of every message that a check has about a resource.
func each(resources []report.Resource, check func(report.Resource) (messages []string)) []hit {
	var hits []hit
	for _, r := range resources {
		for _, message := range check(r) {
			hits = append(hits, hit{strings.TrimSpace(r.Component + " " + r.Step), message})
		}
	}
	return hits
}

// only is one message, or none.
func only(broken bool, message string) []string {
	if !broken {
		return nil
	}
	return []string{message}
}

// inner is an object among a resource's inputs, which some providers write as a
// list of one.
func inner(inputs map[string]any, name string) map[string]any {
	switch v := inputs[name].(type) {
	case map[string]any:
		return v
	case []any:
		if len(v) == 1 {
			object, _ := v[0].(map[string]any)
			return object
		}
	}
	return nil
}

// eachNode runs a check on the properties of each node; "" is no hit.
func (s *subject) eachNode(check func(properties map[string]string) string) []hit {
	var hits []hit
	for _, r := range s.of(typeNode) {
		if p := s.properties[r.Component]; len(p) > 0 {
			if message := check(p); message != "" {
				hits = append(hits, hit{r.Component, message})
			}
		}
	}
	return hits
}
