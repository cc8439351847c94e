package config

import (
	"fmt"
	"strings"
)

// Load decodes and checks a stack's configuration: values are the stack's keys
// in full ("kraftstack:network", "aws:region") with their values as Pulumi
// hands them to a program, objects as JSON text. Keys of other namespaces are
// left to their providers, but for aws:region, which is required. The error is
// an *Error with every problem found.
func Load(stack string, values map[string]string) (Stack, error) { return load(stack, values, false) }

// LoadFile is Load for what Values read from a stack file, where secrets are
// markers: one that is not is in plain text, and a problem.
func LoadFile(stack string, values map[string]string) (Stack, error) {
	return load(stack, values, true)
}

func load(stack string, values map[string]string, encrypted bool) (Stack, error) {
	r := &reader{stack: Stack{Name: stack}, bad: map[string]bool{}, given: map[string]bool{}, encrypted: encrypted}
	r.name()
	r.defaults(table(), Namespace+":")
	r.region(values)
	for _, key := range sortedKeys(values) {
		r.key(key, values[key])
	}
	r.required(table(), Namespace+":")
	r.rules()
	return r.stack, newError(stack, r.problems)
}

// reader collects one stack and what is wrong with it.
type reader struct {
	stack    Stack
	problems []Problem
	bad      map[string]bool // keys with a problem of their own
	given    map[string]bool // keys that the file has
	// encrypted says that secrets are markers, which nothing can be told of.
	encrypted bool
}

func (r *reader) problem(key string, value any, wrong, allowed string) {
	p := Problem{Key: key, Wrong: wrong, Allowed: allowed}
	if value != nil {
		p.Value = show(value)
	}
	r.bad[key] = true
	r.problems = append(r.problems, p)
}

// defaults sets every field that has a default.
func (r *reader) defaults(fields []field, prefix string) {
	for _, f := range fields {
		if f.kind == object {
			r.defaults(f.fields, prefix+f.name+".")
		}
		if f.def == "" {
			continue
		}
		v, err := parse(f.def)
		if err != nil {
			r.problem(prefix+f.name, f.def, "has a default that is no JSON: a fault of kraftstack", "")
			continue
		}
		r.set(f, prefix+f.name, v)
	}
}

// key reads one key of the stack file.
func (r *reader) key(key, value string) {
	namespace, name, found := strings.Cut(key, ":")
	if !found {
		r.problem(key, nil, "has no namespace", Namespace+":"+key)
		return
	}
	if namespace != Namespace {
		if nearest(namespace, []string{Namespace}) != "" {
			r.problem(key, nil, "is in a namespace that is not known", Namespace+":"+name)
		}
		return
	}
	f, ok := find(table(), name)
	if !ok {
		r.unknownSection(key, name)
		return
	}
	if f.kind == later {
		r.later(key)
		return
	}
	if value == "" {
		return // a section whose lines are all commented out is an empty one
	}
	v, err := parse(value)
	if err != nil {
		v = value
	}
	if v != nil {
		r.field(f, key, v)
	}
}

func (r *reader) unknownSection(key, name string) {
	if section, rest, dotted := strings.Cut(name, "."); dotted {
		if _, ok := find(table(), section); ok {
			r.problem(key, nil, "is a path, which Pulumi does not read as one", rest+" indented below "+Namespace+":"+section)
			return
		}
	}
	r.unknown(key, name, table(), Namespace+":")
}

func (r *reader) unknown(key, name string, known []field, prefix string) {
	wrong := "is not known"
	if near := nearest(name, names(known)); near != "" {
		wrong += " (did you mean " + prefix + near + "?)"
	}
	var usable []string
	for _, f := range known {
		if f.kind != later {
			usable = append(usable, f.name)
		}
	}
	r.problem(key, nil, wrong, "one of "+strings.Join(usable, ", "))
}

func (r *reader) later(key string) {
	r.problem(key, nil, "is not supported yet", "nothing here for now: remove it")
}

// field reads the value of one field, with all below it.
func (r *reader) field(f field, key string, v any) {
	switch {
	case f.kind == later:
		r.later(key)
	case v == nil:
		r.problem(key, nil, "has no value", f.allowedText()+", or remove the line")
	case v == SecretMarker && f.kind != secret:
		r.problem(key, nil, "is a secret, which this field cannot take", "it in plain text")
	case f.kind == object:
		r.members(f, key, v)
	case f.kind == list:
		r.items(f, key, v)
	default:
		r.given[key] = true
		r.set(f, key, v)
	}
}

// members reads the fields of an object.
func (r *reader) members(f field, key string, v any) {
	members, ok := v.(map[string]any)
	if !ok {
		r.problem(key, f.shown(v), "is not an object", f.allowedText())
		return
	}
	for _, name := range sortedKeys(members) {
		if child, known := find(f.fields, name); known {
			r.field(child, key+"."+name, members[name])
		} else {
			r.unknown(key+"."+name, name, f.fields, "")
		}
	}
}

// items reads the objects of a list. Each has defaults and required fields of
// its own.
func (r *reader) items(f field, key string, v any) {
	items, ok := v.([]any)
	if !ok {
		r.problem(key, f.shown(v), "is not a list", "a list: "+f.allowedText())
		return
	}
	for i, item := range items {
		at := fmt.Sprintf("%s[%d]", key, i)
		f.add(&r.stack)
		r.defaults(f.fields, at+".")
		r.members(f, at, item)
		r.required(f.fields, at+".")
	}
}

// shown is a value as a problem shows it: not at all where it may hold a secret.
func (f field) shown(v any) any {
	if f.hasSecret() {
		return nil
	}
	return v
}

// set converts a value and hands it to the field's own rule.
func (r *reader) set(f field, key string, v any) {
	if f.kind == secret && r.encrypted && v != SecretMarker {
		r.problem(key, nil, "is in plain text", "it as a secret: pulumi config set --secret --path '"+key+"'")
		return
	}
	value, wrong := convert(f.kind, v)
	if wrong != "" {
		r.problem(key, f.shown(v), wrong, f.allowedText())
		return
	}
	flaws := f.set(&r.stack, value)
	if f.kind == secret && r.encrypted {
		return // of a marker nothing can be told
	}
	for _, flaw := range flaws {
		shown, allowed := f.shown(v), f.allowedText()
		if flaw.at != "" {
			shown = flaw.value
		}
		if flaw.hide {
			shown = nil
		}
		if flaw.allowed != "" {
			allowed = flaw.allowed
		}
		r.problem(key+flaw.at, shown, flaw.wrong, allowed)
	}
}

// required reports the required fields that the file does not have.
func (r *reader) required(fields []field, prefix string) {
	for _, f := range fields {
		key := prefix + f.name
		if f.required && !r.given[key] && !r.bad[key] {
			r.problem(key, nil, "is missing", f.allowedText())
		}
		if f.kind == object {
			r.required(f.fields, key+".")
		}
	}
}

// allowedText says what may be written for a field.
func (f field) allowedText() string {
	if f.kind != object && f.kind != list {
		return f.allowed
	}
	var usable []string
	for _, child := range f.fields {
		if child.kind != later {
			usable = append(usable, child.name)
		}
	}
	return "its fields (" + strings.Join(usable, ", ") + ") indented below it"
}
