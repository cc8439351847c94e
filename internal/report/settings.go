package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kraftstack/internal/ui"
)

// Setting is a property of Kafka that changes on running hosts, and how the
// change takes effect.
type Setting struct {
	Name string `json:"name"`
	Old  string `json:"old"` // "(none)" where the file did not have it
	New  string `json:"new"`
	// Live says that all running brokers take it over at once; otherwise each of
	// Hosts takes it over when it restarts.
	Live bool `json:"live"`
	// Later says that no running Kafka restarts for it: it is taken over whenever
	// Kafka starts next.
	Later bool     `json:"later,omitempty"`
	Hosts []string `json:"hosts"` // whose file changes, in the order in which they are rolled
}

// settings compares the server.properties that hosts have with those that they
// get. Which of them Kafka takes over while it runs is what the step that does
// so lists.
func settings(resources []Resource, restarts []string) []Setting {
	live := liveNames(resources)
	found := []Setting{}
	for _, r := range resources {
		if r.Step != "configure" || r.Op != "update" {
			continue
		}
		old, wanted := Properties(r.Old), Properties(r.Inputs)
		names := maps.Clone(old)
		maps.Copy(names, wanted)
		for name := range names {
			if old[name] == wanted[name] {
				continue
			}
			s := Setting{Name: name, Old: settingValue(name, old), New: settingValue(name, wanted), Live: live[name]}
			i := slices.IndexFunc(found, func(other Setting) bool {
				return s.Name == other.Name && s.Old == other.Old && s.New == other.New
			})
			if i < 0 {
				i, found = len(found), append(found, s)
			}
			found[i].Hosts = append(found[i].Hosts, r.Component)
		}
	}
	for i, s := range found {
		found[i].Later = !s.Live && !slices.ContainsFunc(s.Hosts, func(host string) bool { return slices.Contains(restarts, host) })
	}
	slices.SortFunc(found, func(a, b Setting) int {
		return strings.Compare(a.Name+"\x00"+a.Hosts[0], b.Name+"\x00"+b.Hosts[0])
	})
	return found
}

func settingValue(name string, properties map[string]string) string {
	value, given := properties[name]
	switch {
	case !given:
		return shownNothing
	case secretKey.MatchString(name):
		return shownSecret
	}
	return value
}

// liveNames reads the list of the step that changes running brokers.
func liveNames(resources []Resource) map[string]bool {
	names := map[string]bool{}
	for _, r := range resources {
		if r.Step != "live" {
			continue
		}
		text, _ := r.Inputs["stdin"].(string)
		for line := range strings.Lines(text) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), "=")
			names[name] = true
		}
	}
	return names
}

// effect is how and where the change comes about.
func (s Setting) effect() string {
	if s.Live {
		return "live, on all brokers, without a restart"
	}
	if s.Later {
		return "when Kafka starts next on " + nameList(s.Hosts)
	}
	return "by a restart of " + nameList(s.Hosts)
}

func (w *textWriter) settings(list []Setting) {
	if len(list) == 0 {
		return
	}
	w.linef("\nsettings")
	for _, s := range list {
		tone := ui.Warn
		if s.Live || s.Later {
			tone = ui.Good
		}
		w.linef("  %s  %s -> %s  %s", s.Name, s.Old, s.New, w.paint(s.effect(), tone))
	}
}

func settingsMarkdown(list []Setting) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n#### Settings\n\n| property | from | to | takes effect |\n|---|---|---|---|\n")
	for _, s := range list {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(s.Name), code(s.Old), code(s.New), escape(s.effect()))
	}
	return b.String()
}
