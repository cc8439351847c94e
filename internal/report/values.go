package report

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// What stands for a value that is not shown.
const (
	shownSecret  = "(secret)"
	shownUnknown = "(known when it is made)"
	shownNothing = "(none)"
)

// IsSecret says whether an input is one that the engine holds back: it puts an
// object of the secrets' signature, or the bare word, in its place.
func IsSecret(v any) bool {
	switch v := v.(type) {
	case string:
		return v == "[secret]"
	case map[string]any:
		return v[resource.SigKey] == resource.SecretSig
	}
	return false
}

// IsUnknown says whether an input is known only when something else is made.
func IsUnknown(v any) bool {
	text, ok := v.(string)
	return ok && text == plugin.UnknownStringValue
}

// values shows how the changed properties differ where that is short. Texts of
// several lines are for texts; command lines show the flags that differ.
func values(m apitype.StepEventMetadata, keys []string) []Value {
	if m.Old == nil || m.New == nil {
		return nil
	}
	var shown []Value
	for _, key := range keys {
		old, wanted := at(m.Old.Inputs, key), at(m.New.Inputs, key)
		switch {
		case strings.HasPrefix(key, "triggers") || strings.HasPrefix(key, "connection"):
			// What makes a step run anew, and how it gets to its host.
		case IsSecret(old) || IsSecret(wanted) || secretKey.MatchString(key):
			shown = append(shown, Value{Key: key, Old: shownSecret, New: shownSecret})
		case isCall(old) && isCall(wanted):
			shown = append(shown, flagValues(fmt.Sprint(old), fmt.Sprint(wanted))...)
		default:
			if value := (Value{Key: key, Old: show(old), New: show(wanted)}); value.Old != value.New && value.Old != "" && value.New != "" {
				shown = append(shown, value)
			}
		}
	}
	// create and update of a command are the same line.
	slices.SortStableFunc(shown, func(a, b Value) int { return strings.Compare(a.Key, b.Key) })
	return slices.Compact(shown)
}

// secretKey is a property that nobody may read, whatever the engine says of it.
var secretKey = regexp.MustCompile(`(?i)(^connection(\.|$)|password|passphrase|secret|auth_?token|private_?key|user_?data)`)

// at is the input at a path as the engine writes it: tags.Name, ingress[0].
func at(inputs map[string]any, key string) any {
	path, err := resource.ParsePropertyPath(key)
	if err != nil {
		return inputs[key]
	}
	var here any = inputs
	for _, part := range path {
		if IsSecret(here) {
			return here // what is inside a secret is secret
		}
		switch container := here.(type) {
		case map[string]any:
			name, _ := part.(string)
			here = container[name]
		case []any:
			i, ok := part.(int)
			if !ok || i < 0 || i >= len(container) {
				return nil
			}
			here = container[i]
		default:
			return nil
		}
	}
	return here
}

// maxShown is how long a value may be to be shown, in bytes.
const maxShown = 120

// show writes a value for people, or "" where it is long or says nothing to
// them.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return shownNothing
	case string:
		switch {
		case IsUnknown(v):
			return shownUnknown
		case v == "":
			return `""`
		case len(v) > maxShown || strings.Contains(v, "\n") || isIdentity(v):
			return ""
		}
		return printable(v)
	case bool:
		return strconv.FormatBool(v)
	}
	if hidesSecret(v) {
		return shownSecret
	}
	text, err := json.Marshal(v)
	if err != nil || len(text) > maxShown || strings.Contains(string(text), plugin.UnknownStringValue) {
		return ""
	}
	return printable(string(text))
}

func hidesSecret(v any) bool {
	if IsSecret(v) {
		return true
	}
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			if hidesSecret(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hidesSecret)
	}
	return false
}

// identities are values that name one thing and tell a reader nothing: ids of
// AWS, hashes, and Kafka's UUIDs.
var identities = regexp.MustCompile(`^([a-z]+-[0-9a-f]{8,17}|[0-9a-f]{12,128}|[0-9A-Za-z_-]{22})$`)

func isIdentity(v string) bool { return identities.MatchString(v) }

// isCall says whether a property is the command line of a step on a host.
func isCall(v any) bool {
	line, ok := v.(string)
	return ok && strings.Contains(line, "/kafka-node ")
}

// callFlag is one flag of a toolkit's call, quoted as the program quotes it.
var callFlag = regexp.MustCompile(`'?--([a-z0-9-]+)=([^' ]*)'?`)

// flagValues shows which flags of a call differ. Where only ids and hashes do,
// there is nothing to show.
func flagValues(old, wanted string) []Value {
	before, after := callFlags(old), callFlags(wanted)
	var names []string
	for name := range before {
		names = append(names, name)
	}
	for name := range after {
		names = append(names, name)
	}
	slices.Sort(names)
	var shown []Value
	for _, name := range slices.Compact(names) {
		value := Value{Key: "--" + name, Old: showFlag(before, name), New: showFlag(after, name)}
		if value.Old != value.New && value.Old != "" && value.New != "" {
			shown = append(shown, value)
		}
	}
	return shown
}

func callFlags(line string) map[string]string {
	flags := map[string]string{}
	// What comes before the toolkit's own path are flags of others.
	_, call, _ := strings.Cut(line, "/kafka-node ")
	for _, m := range callFlag.FindAllStringSubmatch(call, -1) {
		flags[m[1]] = m[2]
	}
	return flags
}

func showFlag(flags map[string]string, name string) string {
	value, given := flags[name]
	if !given {
		return shownNothing
	}
	return show(value)
}

// printable is a text without what a terminal would obey: control characters
// other than line breaks and tabs.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r != 0x7f && !(r >= 0x80 && r < 0xa0) {
			return r
		}
		return -1
	}, text)
}
