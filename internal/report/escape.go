package report

import (
	"fmt"
	"regexp"
	"strings"
)

// Values come from a stack file that anybody may propose, so none of them may
// become markup, a link, or a mention of somebody.

// markup is what means something inside a line of GitHub's or GitLab's
// Markdown, or ends a table's cell. As an entity it is a character and no more.
const markup = "\\`*_[]<>|~@#!$%&^{}"

// linkStart is where a bare address would begin to be a link.
var linkStart = regexp.MustCompile(`://|(?i:www)\.`)

// entities makes a text one that is shown as it is, on one line.
func entities(text string) string {
	text = strings.Join(strings.Fields(printable(text)), " ")
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(markup, r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return linkStart.ReplaceAllStringFunc(b.String(), func(start string) string {
		return strings.NewReplacer(":", "&#58;", ".", "&#46;").Replace(start)
	})
}

// code is a text as code. Platforms look for mentions and references in what
// was rendered, where an entity is its character again, but never in code.
func code(text string) string { return "<code>" + entities(text) + "</code>" }

// references are what begins a mention, an issue's number and the like.
const references = "@#~!$%&"

// escape is a text in a sentence.
func escape(text string) string {
	if strings.ContainsAny(text, references) {
		return code(text)
	}
	return entities(text)
}

var backticks = regexp.MustCompile("`+")

// fence is a block of code, its fence longer than any inside.
func fence(language, text string) string {
	longest := 2
	for _, run := range backticks.FindAllString(text, -1) {
		longest = max(longest, len(run))
	}
	mark := strings.Repeat("`", longest+1)
	return mark + language + "\n" + strings.TrimRight(text, "\n") + "\n" + mark + "\n"
}

// fold is a part that is shown when its summary, which is HTML, is clicked.
// The blank lines make what is inside Markdown again.
func fold(summary, body string) string {
	return "<details><summary>" + summary + "</summary>\n\n" + body + "\n</details>\n\n"
}
