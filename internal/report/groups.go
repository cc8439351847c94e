package report

import (
	"encoding/json"
	"slices"
	"strings"
)

// componentGroup is some components in which the very same happens.
type componentGroup struct {
	components []string
	changes    []Change // the first component's
}

// groups puts components together in which the same happens, so that a fleet
// of three hundred reads like one of one.
func (r Report) groups() []componentGroup {
	var names []string
	of := map[string][]Change{}
	for _, change := range r.Changes {
		if of[change.Component] == nil {
			names = append(names, change.Component)
		}
		of[change.Component] = append(of[change.Component], change)
	}
	for _, name := range names {
		of[name] = withoutRecord(of[name])
	}
	var groups []componentGroup
	index := map[string]int{}
	for _, name := range names {
		key := signature(name, of[name])
		if i, known := index[key]; known {
			groups[i].components = append(groups[i].components, name)
			continue
		}
		index[key] = len(groups)
		groups = append(groups, componentGroup{[]string{name}, of[name]})
	}
	return groups
}

// withoutRecord leaves out what a component says about itself where its parts
// tell of the same change.
func withoutRecord(changes []Change) []Change {
	if len(changes) > 1 && changes[0].Step == "" && changes[0].Op == "update" {
		return changes[1:]
	}
	return changes
}

// signature is what happens in a component, its own name and number aside.
func signature(component string, changes []Change) string {
	text, err := json.Marshal(changes)
	if err != nil {
		return component // cannot be: a Change is texts
	}
	return anonymous(string(text), component)
}

// only says whether every change of the group is one operation.
func (g componentGroup) only(op string) bool {
	return !slices.ContainsFunc(g.changes, func(c Change) bool { return c.Op != op })
}

// steps are the names of the parts that change.
func (g componentGroup) steps() []string {
	var steps []string
	for _, change := range g.changes {
		steps = append(steps, change.name())
	}
	return steps
}

// name is the part in its component; the component itself has none.
func (c Change) name() string {
	if c.Step == "" {
		return "itself"
	}
	return c.Step
}

// details say what differs: values where there are some, else the names of the
// properties.
func (c Change) details() string {
	if c.Op == "create" || c.Op == "delete" {
		return ""
	}
	if c.restarts {
		return "restarts Kafka"
	}
	shown := map[string]bool{}
	var parts []string
	for _, v := range c.Values {
		shown[v.Key] = true
		if v.Old == shownSecret {
			parts = append(parts, v.Key+": secret content changed")
			continue
		}
		parts = append(parts, v.Key+": "+v.Old+" → "+v.New)
	}
	for _, key := range c.Keys {
		if word := keyWord(key, len(c.Values) > 0); word != "" && !shown[key] && !slices.Contains(parts, word) {
			parts = append(parts, word)
		}
	}
	return strings.Join(parts, ", ")
}

// keyWord names a property that differs and has no value to show. A command's
// line has its flags shown instead, where they say something.
func keyWord(key string, valued bool) string {
	switch {
	case key == "create" || key == "update":
		if valued {
			return ""
		}
		return "command line"
	case key == "stdin":
		return "text"
	case strings.HasPrefix(key, "connection"):
		return "connection"
	case strings.HasPrefix(key, "triggers"):
		return "runs anew"
	}
	return key
}
