package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/rogpeppe/go-internal/diff"

	"kraftstack/internal/automation"
)

// Diff is how one text differs, on all the hosts where it differs so.
type Diff struct {
	// File is a path on the hosts, or the property of a resource.
	File string `json:"file"`
	// Hosts are the components whose text differs in this way. What Unified
	// shows is the first one's; on the others the same lines change, but for
	// a host's own name and number.
	Hosts   []string `json:"hosts"`
	Unified string   `json:"unified"` // empty where the text is secret
	Secret  bool     `json:"secret,omitempty"`
	// Added and Removed count lines.
	Added   int `json:"added"`
	Removed int `json:"removed"`
}

// text is one text of one resource, before and after.
type text struct {
	component, step, file string
	old, wanted           string
	secret                bool
}

// texts are the changed texts of several lines. A host's document is taken
// apart into its files. A text that is secret on one side is shown on neither.
func texts(m apitype.StepEventMetadata, place automation.Place, keys []string) []text {
	if m.Old == nil || m.New == nil {
		return nil
	}
	var all []text
	for _, key := range keys {
		before, after := at(m.Old.Inputs, key), at(m.New.Inputs, key)
		if IsSecret(before) || IsSecret(after) || secretKey.MatchString(key) {
			if key == "stdin" {
				all = append(all, text{component: place.Component, step: place.Step, file: place.Step, secret: true})
			}
			continue
		}
		old, _ := before.(string)
		wanted, _ := after.(string)
		if old == wanted || IsUnknown(before) || IsUnknown(after) || !strings.Contains(old+wanted, "\n") {
			continue
		}
		all = append(all, files(place, key, old, wanted)...)
	}
	return all
}

// fileHead begins a file in the document that a host is configured from: path,
// mode, owner.
var fileHead = regexp.MustCompile(`(?m)^=== (\S+) .*$\n?`)

func files(place automation.Place, key, old, wanted string) []text {
	before, order := sections(old)
	after, more := sections(wanted)
	if len(order) == 0 && len(more) == 0 {
		return []text{{component: place.Component, step: place.Step, file: strings.TrimSpace(place.Step + " " + key), old: old, wanted: wanted}}
	}
	var all []text
	done := map[string]bool{}
	for _, path := range append(more, order...) {
		if !done[path] && before[path] != after[path] && !(isHash(before[path]) && isHash(after[path])) {
			all = append(all, text{component: place.Component, step: place.Step, file: path, old: before[path], wanted: after[path]})
		}
		done[path] = true
	}
	return all
}

// isHash says whether a file is one hash, such as the generation of a host:
// that it differs follows from the other files.
func isHash(section string) bool {
	_, body, _ := strings.Cut(section, "\n")
	return isIdentity(strings.TrimSpace(body))
}

// sections splits a document into its files, each with its head line, so that
// a changed mode or owner shows.
func sections(document string) (map[string]string, []string) {
	byPath, heads := map[string]string{}, fileHead.FindAllStringSubmatchIndex(document, -1)
	var order []string
	for i, head := range heads {
		end := len(document)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		path := document[head[2]:head[3]]
		byPath[path] = document[head[0]:end]
		order = append(order, path)
	}
	return byPath, order
}

// group makes one Diff of what differs in the same way on many hosts. The order
// is the file's first, then the hosts'.
func group(all []text) []Diff {
	diffs := []Diff{}
	index := map[string]int{}
	for _, t := range sortedTexts(all) {
		made := Diff{File: t.file, Hosts: []string{t.component}, Secret: t.secret}
		if !t.secret {
			made.Unified = printable(unified(withoutSecrets(t.old), withoutSecrets(t.wanted)))
			made.Added, made.Removed = countLines(made.Unified)
			made.Secret = made.Unified == "" // nothing else differs
		}
		// The very same lines first: a list may name the host among others.
		same := fmt.Sprintf("%s\x00%t\x00%s", t.file, made.Secret, changedLines(made.Unified))
		alike := anonymous(same, t.component)
		i, known := index[same]
		if !known {
			i, known = index[alike]
		}
		if known {
			diffs[i].Hosts = append(diffs[i].Hosts, t.component)
			continue
		}
		index[same], index[alike] = len(diffs), len(diffs)
		diffs = append(diffs, made)
	}
	return diffs
}

// secretLine is a setting whose value nobody may read. What is secret is to be
// marked so in the graph, and never comes here; this is the second lock.
var secretLine = regexp.MustCompile(`(?mi)^([^=:\n]*(?:password|passphrase|secret|jaas\.config|auth[._-]?token|private[._-]?key)[^=:\n]*[=:]).*$`)

func withoutSecrets(text string) string {
	return secretLine.ReplaceAllString(text, "$1 "+shownSecret)
}

// changedLines are a diff's lines without their surroundings.
func changedLines(unified string) string {
	var b strings.Builder
	for line := range strings.Lines(unified) {
		if line[0] == '+' || line[0] == '-' {
			b.WriteString(line)
		}
	}
	return b.String()
}

// anonymous takes a component's own name and number out of a text.
func anonymous(text, component string) string {
	text = strings.ReplaceAll(text, component, "\x01")
	if _, number := splitNumber(component); number > 0 {
		text = strings.ReplaceAll(text, strconv.Itoa(number), "\x02")
	}
	return text
}

func countLines(unified string) (added, removed int) {
	for line := range strings.Lines(unified) {
		switch line[0] {
		case '+':
			added++
		case '-':
			removed++
		}
	}
	return added, removed
}

// unified drops the header of a diff: the names in it are of no file.
func unified(old, wanted string) string {
	text := string(diff.Diff("old", []byte(old), "new", []byte(wanted)))
	if at := strings.Index(text, "\n@@"); at >= 0 {
		return text[at+1:]
	}
	return text
}

// sortedTexts puts texts into the order of the files, as the first host has
// them, and of the hosts.
func sortedTexts(all []text) []text {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b text) int {
		return cmp.Or(compareComponents(a.component, b.component), compareSteps(a.step, b.step))
	})
	sorted = toldOnce(sorted)
	rank := map[string]int{}
	for _, t := range sorted {
		if _, known := rank[t.file]; !known {
			rank[t.file] = len(rank)
		}
	}
	slices.SortStableFunc(sorted, func(a, b text) int { return cmp.Compare(rank[a.file], rank[b.file]) })
	return sorted
}

// toldOnce leaves out what a later step of the same component is given too: the first
// of them only asks whether it may be.
func toldOnce(sorted []text) []text {
	last := map[[3]string]int{}
	of := func(t text) [3]string { return [3]string{t.component, t.old, t.wanted} }
	for i, t := range sorted {
		last[of(t)] = i
	}
	var once []text
	for i, t := range sorted {
		if t.secret || last[of(t)] == i { // secret texts are not known here
			once = append(once, t)
		}
	}
	return once
}
