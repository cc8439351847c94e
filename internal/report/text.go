package report

import (
	"fmt"
	"io"
	"os"
	"strings"

	"kraftstack/internal/ui"
)

// signs mark an operation at the start of a line, as Pulumi does.
var signs = map[string]string{"create": "+", "update": "~", "replace": "±", "delete": "-"}

var opTones = map[string]ui.Tone{"create": ui.Good, "update": ui.Warn, "replace": ui.Bad, "delete": ui.Bad}

var verdictTones = map[Verdict]ui.Tone{
	Unchanged: ui.Good, Routine: ui.Good, Careful: ui.Warn, Dangerous: ui.Bad, Refused: ui.Bad, Failed: ui.Bad,
}

// textWriter writes a report for a terminal or a log.
type textWriter struct {
	strings.Builder
	color bool
}

func (w *textWriter) paint(text string, tone ui.Tone) string { return ui.Paint(text, tone, w.color) }

func (w *textWriter) linef(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// WriteText writes the report for a terminal or a log: one line that says it
// all, what to fear, then component by component, then the texts that differ.
func (r Report) WriteText(out io.Writer) error {
	w := &textWriter{color: ui.For(out, os.Getenv).Color}
	w.linef("stack %s: %s, %s", r.Stack, w.paint(string(r.Verdict), verdictTones[r.Verdict]), r.Headline)
	if len(r.Changes) > 0 {
		w.linef("  %s, %d unchanged", r.counts(), r.Unchanged)
	}
	w.risks(r)
	w.policies(r.Policies)
	w.settings(r.Settings)
	for _, group := range r.groups() {
		w.group(group)
	}
	for _, d := range r.Diffs {
		w.diff(d)
	}
	for _, d := range r.Diagnostics {
		w.linef("\n%s: %s", d.Severity, strings.TrimSpace(placeName(d.Component, d.Step)+" "+d.Message))
	}
	_, err := io.WriteString(out, w.String())
	return err
}

var levelSigns = map[Level]string{Danger: "!!", Review: "!", Note: "·"}

var levelTones = map[Level]ui.Tone{Danger: ui.Bad, Review: ui.Warn, Note: ui.Faint}

func (w *textWriter) risks(r Report) {
	for _, risk := range r.Risks {
		w.linef("  %s %s", w.paint(fmt.Sprintf("%-2s", levelSigns[risk.Level]), levelTones[risk.Level]), risk.Sentence())
	}
	if r.undisturbed() {
		w.linef("     no Kafka that runs is restarted")
	}
}

func (w *textWriter) policies(findings []Finding) {
	if len(findings) == 0 {
		return
	}
	w.linef("\npolicies")
	for _, f := range groupFindings(findings) {
		tone := [...]ui.Tone{ui.Bad, ui.Warn, ui.Faint}[findingRank(f.Finding)]
		line := fmt.Sprintf("  %s %s: %s", w.paint(fmt.Sprintf("%-7s", f.word()), tone), f.Rule, f.message())
		if f.Waived != "" {
			line += " (" + f.Waived + ")"
		}
		w.linef("%s", line)
	}
}

func (w *textWriter) group(g componentGroup) {
	w.linef("\n%s", w.paint(nameList(g.components), ui.Strong))
	for _, op := range []string{"create", "delete"} {
		if g.only(op) {
			w.linef("  %s %s", w.paint(signs[op], opTones[op]), plural(len(g.changes), "resource", "resources")+": "+strings.Join(g.steps(), ", "))
			return
		}
	}
	for _, change := range g.changes {
		line := fmt.Sprintf("  %s %s", w.paint(signs[change.Op], opTones[change.Op]), change.name())
		if details := change.details(); details != "" {
			line += "  (" + details + ")"
		}
		w.linef("%s", line)
	}
}

func (w *textWriter) diff(d Diff) {
	if d.Secret {
		return // told among the risks
	}
	w.linef("\n%s on %s", w.paint(d.File, ui.Strong), nameList(d.Hosts))
	for line := range strings.Lines(d.Unified) {
		line = strings.TrimRight(line, "\n")
		w.linef("  %s", w.paint(line, lineTone(line)))
	}
}

func lineTone(line string) ui.Tone {
	switch {
	case strings.HasPrefix(line, "+"):
		return ui.Good
	case strings.HasPrefix(line, "-"):
		return ui.Bad
	case strings.HasPrefix(line, "@"):
		return ui.Faint
	}
	return ui.Normal
}
