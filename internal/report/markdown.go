package report

import (
	"fmt"
	"io"
	"strings"
)

// MarkdownOptions is where the Markdown goes.
type MarkdownOptions struct {
	// Limit is how many bytes the text may have; 0 is no limit. No platform
	// counts fewer characters than bytes, so a text within it always fits.
	Limit int
	// Artifact is where the whole report is, in words, for a text that was
	// cut; "" says that it is in the job's artifacts.
	Artifact string
}

var verdictMarks = map[Verdict]string{
	Unchanged: "✅", Routine: "🟢", Careful: "🟡", Dangerous: "🔴", Refused: "⛔", Failed: "❌",
}

var levelMarks = map[Level]string{Danger: "🔴", Review: "🟡", Note: "·"}

// Marker begins every report in Markdown: how a comment of an earlier run is
// found again. It is invisible where the Markdown is shown.
func Marker(stack string) string { return "<!-- kraftstack preview of stack " + stack + " -->" }

// Markdown is the report for a pull request. What a reviewer must see comes
// first and is never cut; the details below it are folded, and are dropped
// whole where the text would be too long.
func (r Report) Markdown(o MarkdownOptions) string {
	head := r.markdownHead()
	blocks := r.markdownBlocks()
	text := head + strings.Join(blocks, "")
	if o.Limit <= 0 || len(text) <= o.Limit {
		return text
	}
	artifact := o.Artifact
	if artifact == "" {
		artifact = "the job's artifacts"
	}
	notice := func(dropped int) string {
		return fmt.Sprintf("\n**Cut here**: %s more, too long for a comment. The whole report is in %s.\n",
			plural(dropped, "section", "sections"), escape(artifact))
	}
	size := len(head) + len(notice(len(blocks)))
	kept := []string{head}
	for _, block := range blocks {
		if size+len(block) <= o.Limit {
			size += len(block)
			kept = append(kept, block)
		}
	}
	kept = append(kept, notice(len(blocks)-len(kept)+1))
	return strings.Join(kept, "")
}

// WriteMarkdown writes the whole report.
func (r Report) WriteMarkdown(w io.Writer) error {
	_, err := io.WriteString(w, r.Markdown(MarkdownOptions{}))
	return err
}

// markdownHead is what is never cut. Its size is bounded: places are lists of
// ranges, and there are so many kinds of risks and no more.
func (r Report) markdownHead() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n### %s kraftstack preview of stack %s: %s\n\n**%s**\n", Marker(r.Stack),
		verdictMarks[r.Verdict], code(r.Stack), r.Verdict, escape(r.Headline))
	if len(r.Changes) > 0 {
		fmt.Fprintf(&b, "\n%s, %d unchanged.", r.counts(), r.Unchanged)
		if r.undisturbed() {
			b.WriteString(" No Kafka that runs is restarted.")
		}
		b.WriteString("\n")
	}
	if len(r.Risks) > 0 {
		b.WriteString("\n| | what | where |\n|---|---|---|\n")
		for _, risk := range r.Risks {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", levelMarks[risk.Level], escape(risk.Text), codeNames(risk.Where))
		}
	}
	if len(r.Policies) > 0 {
		b.WriteString("\n#### Policies\n\n| | rule | what | where |\n|---|---|---|---|\n")
		for _, f := range groupFindings(r.Policies) {
			message := escape(f.Message)
			if f.Waived != "" {
				message += " (" + escape(f.Waived) + ")"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.word(), code(f.Rule), message, codeNames(f.on))
		}
	}
	return b.String()
}

// markdownBlocks are the parts that may be dropped, the most telling first:
// what failed, configuration, then component by component.
func (r Report) markdownBlocks() []string {
	var blocks []string
	if len(r.Diagnostics) > 0 {
		var b strings.Builder
		b.WriteString("\n#### Diagnostics\n")
		for _, d := range r.Diagnostics {
			fmt.Fprintf(&b, "\n%s %s\n\n%s", d.Severity, codeNames(nonEmpty(placeName(d.Component, d.Step))), fence("", d.Message))
		}
		blocks = append(blocks, b.String())
	}
	if settings := settingsMarkdown(r.Settings); settings != "" {
		blocks = append(blocks, settings)
	}
	title := "\n#### Configuration\n"
	for _, d := range r.Diffs {
		if d.Secret {
			continue // told among the risks
		}
		blocks = append(blocks, title+fold(fmt.Sprintf("%s on %s (+%d −%d)", code(d.File), code(nameList(d.Hosts)), d.Added, d.Removed), fence("diff", d.Unified)))
		title = ""
	}
	title = "\n#### Resources\n"
	for _, group := range r.groups() {
		blocks = append(blocks, title+group.markdown())
		title = ""
	}
	return blocks
}

// markdown is one fold for components in which the same happens.
func (g componentGroup) markdown() string {
	var counts Counts
	for _, change := range g.changes {
		counts.add(change.Op)
	}
	what := Report{Counts: counts}.counts()
	if len(g.components) > 1 {
		what += " each"
	}
	title := code(nameList(g.components)) + ": " + what
	if g.only("create") || g.only("delete") {
		return fold(title, code(strings.Join(g.steps(), ", "))+"\n")
	}
	var b strings.Builder
	b.WriteString("| | resource | what differs |\n|---|---|---|\n")
	for _, change := range g.changes {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", change.Op, code(change.name()), change.detailsMarkdown())
	}
	return fold(title, b.String())
}

func (c Change) detailsMarkdown() string {
	details := c.details()
	if details == "" {
		return ""
	}
	return code(details)
}

func nonEmpty(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

// codeNames is a list of names as code, for a cell of a table.
func codeNames(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return code(nameList(names))
}
