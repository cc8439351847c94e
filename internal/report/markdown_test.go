package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/tests/golden"
)

func TestMarkdown(t *testing.T) {
	golden.Compare(t, "preview.md", reviewed().WithPolicies([]Finding{
		{Rule: "volume-deleted", Severity: Block, Resource: "broker-1003 data", Message: "the volume and its data go"},
		{Rule: "volume-deleted", Severity: Block, Resource: "broker-1004 data", Message: "the volume and its data go"},
		{Rule: "imdsv1", Severity: Warn, Message: "old", Waived: "until 2027-01-31: moved with the next image"},
	}).Markdown(MarkdownOptions{}))
}

// What a stack file says can be anything; none of it may act in a comment.
func TestMarkdownIsNoMarkup(t *testing.T) {
	nasty := "</code></details><img src=x onerror=alert(1)> | @someone #1 ```\n````\n[x](http://evil.example)"
	r := collected(
		row{op: apitype.OpUpdate, of: "broker-1001", part: "configure", kind: command, diffs: diffs{"stdin": {}},
			old: inputs{"stdin": properties("a=1")}, wants: inputs{"stdin": properties("a=" + nasty)}},
		row{op: apitype.OpUpdate, of: "broker-1002", part: "instance", kind: instance, diffs: diffs{"instanceType": {}},
			old: inputs{"instanceType": "m7i.large"}, wants: inputs{"instanceType": strings.ReplaceAll(nasty, "\n", " ")}},
	).WithPolicies([]Finding{{Rule: nasty, Severity: Warn, Resource: nasty, Message: nasty}})
	text := r.Markdown(MarkdownOptions{})
	// Between the lines of a fence everything is text; its fence is longer
	// than any inside.
	before, fenced, found := strings.Cut(text, "`````diff\n")
	inside, after, closed := strings.Cut(fenced, "\n`````\n")
	if !found || !closed || !strings.Contains(inside, "onerror") {
		t.Fatalf("the difference is in no fence of five:\n%s", text)
	}
	for _, acting := range []string{"<img", "</code></details>", "@someone", " #1", "](", "://"} {
		if strings.Contains(before+after, acting) {
			t.Errorf("%q is in the report:\n%s", acting, text)
		}
	}
	for line := range strings.Lines(before + after) {
		if cells := strings.Count(line, "|"); strings.Contains(line, "onerror") && strings.HasPrefix(line, "|") && cells != 4 && cells != 5 {
			t.Errorf("a value ends its cell: %s", line)
		}
	}
}

func TestMarkdownIsCutAtWholeSections(t *testing.T) {
	var rows []row
	for i := range 40 {
		rows = append(rows, row{
			op: apitype.OpUpdate, of: fmt.Sprintf("broker-%d", 1001+i), part: "configure", kind: command, diffs: diffs{"stdin": {}},
			old: inputs{"stdin": properties("x=1")}, wants: inputs{"stdin": properties(fmt.Sprintf("x=%s", strings.Repeat("y", i+2)))},
		})
	}
	r := collected(rows...)
	whole := r.Markdown(MarkdownOptions{})
	for limit := 1500; limit < len(whole)+500; limit += 997 {
		text := r.Markdown(MarkdownOptions{Limit: limit, Artifact: "report.md"})
		if len(text) > limit {
			t.Errorf("%d bytes, more than %d", len(text), limit)
		}
		if a, b := strings.Count(text, "<details>"), strings.Count(text, "</details>"); a != b {
			t.Errorf("limit %d: %d sections begin, %d end", limit, a, b)
		}
		if strings.Count(text, "```")%2 != 0 {
			t.Errorf("limit %d: a fence is not closed", limit)
		}
		if len(whole) > limit && !strings.Contains(text, "The whole report is in report.md") {
			t.Errorf("limit %d: nothing says that the text was cut:\n%s", limit, text)
		}
	}
}

func TestNameList(t *testing.T) {
	var fleet []string
	for i := range 300 {
		fleet = append(fleet, fmt.Sprintf("broker-%d data", 1001+i))
	}
	for want, names := range map[string][]string{
		"a, b": {"a", "b"},
		"broker-1001 data to broker-1300 data (300)":               fleet,
		"broker-1001, broker-1003, broker-1005 to broker-1007 (3)": {"broker-1001", "broker-1003", "broker-1005", "broker-1006", "broker-1007"},
	} {
		if got := nameList(names); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A setting that is a secret by its name shows that it changed, and no more.
func TestSecretSettings(t *testing.T) {
	r := collected(row{op: apitype.OpUpdate, of: "broker-1001", part: "configure", kind: command, diffs: diffs{"stdin": {}},
		old: inputs{"stdin": properties("ssl.keystore.password=hunter2")}, wants: inputs{"stdin": properties("ssl.keystore.password=hunter3")}})
	text := r.Markdown(MarkdownOptions{})
	if strings.Contains(text, "hunter") || !strings.Contains(text, "secret content changed") {
		t.Errorf("the report is\n%s", text)
	}
}
