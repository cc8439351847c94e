package lab_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kraftstack/tests/forge"
)

// TestReview follows a change as its reviewers see it: a report on the pull
// request that the next run edits, and a file where the token has no right. No
// host is made for it, since a policy refuses the up.
func TestReview(t *testing.T) {
	const stack, three, four = "review", "    count: 3\n    instanceType: t3.small\n", "    count: 4\n    instanceType: t3.small\n"
	const heap = "    heap: 384m\n"
	s := shared
	s.stackFile(t, stack)
	server := forge.GitHub(t)
	t.Setenv("GITHUB_TOKEN", forge.Token)
	preview := func(flags ...string) result {
		t.Helper()
		r := s.run(t, append([]string{"preview", "--stack", stack, "--comment", "--comment-on", server.URL + "/acme/kafka/pull/12"}, flags...)...)
		if strings.Contains(r.stdout+r.stderr, forge.Token) {
			t.Errorf("the token is printed:\n%s%s", r.stdout, r.stderr)
		}
		return r
	}

	if r := preview(); r.code != 0 || len(server.Comments) != 1 || !strings.Contains(r.stderr, "#issuecomment-") {
		t.Fatalf("exit code %d, %d comments:\n%s", r.code, len(server.Comments), r.stderr)
	}
	first := server.Comments[0].Body
	if !strings.Contains(first, "a new cluster") || server.Statuses[0]["state"] != "success" || server.Statuses[0]["context"] != "kraftstack/review" {
		t.Errorf("the status is %v, the comment is\n%s", server.Statuses[0], first)
	}

	s.stackFile(t, stack, three, four)
	if r := preview(); r.code != 0 || len(server.Comments) != 1 || !strings.Contains(server.Comments[0].Body, "broker-1004") {
		t.Errorf("exit code %d, %d comments:\n%s", r.code, len(server.Comments), r.stderr)
	}

	s.stackFile(t, stack, three, strings.Replace(three, "3", "5", 1))
	server.ReadOnly = true
	artifacts := t.TempDir()
	r := preview("--artifacts", artifacts)
	text, err := os.ReadFile(filepath.Join(artifacts, "preview.report.md"))
	if r.code != 0 || err != nil || !strings.Contains(r.stderr, "no right to comment") || !strings.Contains(r.stderr, artifacts) {
		t.Errorf("without rights: exit code %d, %v:\n%s", r.code, err, r.stderr)
	}
	if !strings.Contains(string(text), "broker-1005") {
		t.Errorf("the file holds\n%s", text)
	}

	unclean := heap + "    config:\n      unclean.leader.election.enable: true\n"
	waiver := func(until string) string {
		return unclean + "  kraftstack:policy:\n    waivers:\n      - {rule: unclean-election, reason: moved to another cluster, until: \"" + until + "\"}\n"
	}
	s.stackFile(t, stack, heap, unclean)
	s.refused(t, 7, []string{"unclean-election", "nothing was changed", "next:"}, "up", "--stack", stack, "--yes")
	s.stackFile(t, stack, heap, waiver(time.Now().AddDate(0, -1, 0).Format(time.DateOnly)))
	s.refused(t, 3, []string{"is over"}, "up", "--stack", stack, "--yes")
	s.stackFile(t, stack, heap, waiver(time.Now().AddDate(0, 1, 0).Format(time.DateOnly)))
	if out := s.must(t, "preview", "--stack", stack); !strings.Contains(out, "waived  unclean-election") {
		t.Errorf("a waived rule is not told of:\n%s", out)
	}

	server.ReadOnly = false
	t.Setenv("GITHUB_TOKEN", "expired")
	s.refused(t, 5, []string{"401", "next:"}, "preview", "--stack", stack, "--comment", "--comment-on", server.URL+"/acme/kafka/pull/12")
}
