package config

import (
	"slices"
	"strings"
)

// Namespace is the prefix of this project's keys in a stack file.
const Namespace = "kraftstack"

// kind is what a field holds.
type kind string

const (
	object   kind = "object"
	text     kind = "text"
	number   kind = "number"
	boolean  kind = "true or false"
	textList kind = "list of text"
	scalars  kind = "object of text, number or true/false"
	zoneList kind = "list of text, or number"
	list     kind = "list of objects"
	secret   kind = "text, as a secret" //nolint:gosec // a kind's name, no credential
	later    kind = "not supported yet"
)

// field is a row of the table of everything that a stack file can say.
type field struct {
	name string
	kind kind
	doc  string
	// def is the default as it would be written in JSON. Empty: none, or
	// depends on other fields, as defText then says.
	def     string
	defText string
	// allowed says what may be written, in problems and in the reference.
	allowed  string
	required bool
	fields   []field // of an object, or of each object in a list
	// add appends an empty item to a list; the setters of its fields are for the
	// item that was added last.
	add func(*Stack)
	// set checks a converted value (string, int, bool, []string,
	// map[string]any; a zoneList is int or []string, a secret is Secret) and puts it into the stack.
	set func(*Stack, any) []flaw
}

// hasSecret tells whether a value of the field may hold a secret, so that it is
// not to be shown.
func (f field) hasSecret() bool {
	return f.kind == secret || slices.ContainsFunc(f.fields, field.hasSecret)
}

// flaw is what a setter found wrong with its value or a part of it.
type flaw struct {
	at      string // path within the value, such as [2]; empty: the whole
	value   any    // of that part; not shown for the whole
	hide    bool   // do not show the value: there may be a secret in it
	wrong   string
	allowed string // empty: what the field allows
}

// flawed is one flaw of the whole value, or none.
func flawed(wrong string) []flaw {
	if wrong == "" {
		return nil
	}
	return []flaw{{wrong: wrong}}
}

// into makes the setter of a field that takes a value of type T.
func into[T any](place func(*Stack) *T, checks ...func(T) string) func(*Stack, any) []flaw {
	return func(s *Stack, v any) []flaw {
		value, ok := v.(T)
		if !ok {
			return flawed("has the wrong type")
		}
		for _, check := range checks {
			if wrong := check(value); wrong != "" {
				return flawed(wrong)
			}
		}
		*place(s) = value
		return nil
	}
}

// between accepts numbers from low to high.
func between(low, high int) func(int) string {
	return func(n int) string {
		if n < low || n > high {
			return "is out of range"
		}
		return ""
	}
}

// oneOf accepts the given words.
func oneOf(words ...string) func(string) string {
	return func(s string) string {
		if slices.Contains(words, s) {
			return ""
		}
		if near := nearest(s, words); near != "" {
			return "is not known (did you mean " + near + "?)"
		}
		return "is not known"
	}
}

// names lists the fields' names.
func names(fields []field) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.name)
	}
	return out
}

// find is the field of that name, if any.
func find(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

// nearest is the candidate that name is most likely a misspelling of, or
// nothing where none is near.
func nearest(name string, candidates []string) string {
	best, bestDistance := "", 1+len(name)/3
	for _, c := range candidates {
		if strings.EqualFold(c, name) || len(name) > 3 && strings.HasPrefix(strings.ToLower(c), strings.ToLower(name)) {
			return c
		}
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d <= bestDistance && (best == "" || d < bestDistance) {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is Levenshtein's distance in bytes.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
