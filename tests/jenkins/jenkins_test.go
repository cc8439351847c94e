// Package jenkins_test runs the Jenkinsfile itself against the lab. Its pipeline
// steps are recorded and checked by the harness in harness/, which refuses what
// it does not know; `sh` really runs. It needs root.
package jenkins_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kraftstack/internal/cluster"
	"kraftstack/tests/forge"
)

// TestJenkinsfile follows one stack of one broker through the job. The parts
// build on each other, in this order.
func TestJenkinsfile(t *testing.T) {
	j := newJob(t)
	t.Run("pull request previews and changes nothing", func(t *testing.T) { pullRequest(t, j) })
	t.Run("main, and the reviewer says no", func(t *testing.T) { rejected(t, j) })
	if !t.Run("aborted in the middle of up", func(t *testing.T) { aborted(t, j) }) {
		t.Fatal("what follows stands on it")
	}
	if !t.Run("main, and the reviewer says yes", func(t *testing.T) { approved(t, j) }) {
		t.Fatal("there is no cluster to tell of")
	}
	t.Run("main with nothing to change", func(t *testing.T) { nothingToDo(t, j) })
	t.Run("the smoke test fails", func(t *testing.T) { smokeFails(t, j) })
	t.Run("by the timer", func(t *testing.T) { byTimer(t, j) })
	t.Run("destroy with the wrong name", func(t *testing.T) { destroyUnconfirmed(t, j) })
	t.Run("destroy", func(t *testing.T) { destroyed(t, j) })
}

const (
	fresh   = "sh 0 rm -rf artifacts plan.json"
	built   = "sh 0 make build"
	preview = `bin/kraftstack preview --stack "$STACK" --save-plan plan.json --expect-no-changes --artifacts artifacts --retries 2`
	up      = `bin/kraftstack up --stack "$STACK" --plan plan.json --yes --artifacts artifacts --timeout 3h`
	smoke   = `bin/kraftstack smoke --stack "$STACK" --artifacts artifacts`
	audit   = `bin/kraftstack audit --stack "$STACK" --artifacts artifacts`
	drift   = `bin/kraftstack drift --stack "$STACK" --artifacts artifacts`
	unlock  = `bin/kraftstack unlock --stack "$STACK" --wait 30m --artifacts artifacts`
)

func pullRequest(t *testing.T, j *job) {
	server := forge.GitHub(t)
	change := []string{"branch=PR-12", "change=" + server.URL + "/acme/kafka/pull/12", "secret.kraftstack-github=" + forge.Token, "trigger=user"}
	b := j.build(t, change...)
	b.steps(t, "SUCCESS",
		"stage Pull request", fresh, built, "sh 0 make lint test-unit",
		`sh 0 bin/kraftstack preview --stack "$STACK" --comment --artifacts artifacts --retries 2`,
		"junit", "archive", "skipped Deliver", "skipped Drift", "skipped Destroy")
	if made := j.read(t, "made"); made != "lint\ntest-unit\n" {
		t.Errorf("make ran %q", made)
	}
	if report := j.read(t, "artifacts/preview.md"); !strings.Contains(report, "broker-1001") {
		t.Errorf("the report for the reviewers:\n%s", report)
	}
	if len(server.Comments) != 1 || !strings.Contains(server.Comments[0].Body, "a new cluster") {
		t.Fatalf("the pull request has the comments %+v\n%s", server.Comments, b)
	}
	if status := server.Statuses[0]; status["context"] != "kraftstack/jenkins" || status["state"] != "success" {
		t.Errorf("the commit's status: %v", status)
	}
	if strings.Contains(b.String(), forge.Token) {
		t.Errorf("the token is printed:\n%s", b)
	}
	// The next push edits it.
	j.build(t, change...)
	if len(server.Comments) != 1 || len(server.Statuses) != 2 {
		t.Errorf("after the next push there are %d comments and %d statuses", len(server.Comments), len(server.Statuses))
	}
	j.hosts(t)
}

func rejected(t *testing.T, j *job) {
	b := j.build(t, "branch=main", "trigger=user", "input=reject")
	b.steps(t, "ABORTED",
		"cron H 5 * * *", "skipped Pull request", "stage Deliver", "stage Preview", fresh, built, "sh 2 "+preview,
		"stash plan plan.json", "sh 0 head -c 8000 artifacts/preview.md", "junit", "archive",
		"stage Approve", "input reject", "aborted rejected",
		"skipped Apply, after ABORTED", "skipped Smoke and audit, after ABORTED", "skipped Drift, after ABORTED", "skipped Destroy, after ABORTED")
	if asked := j.asked(t); !strings.Contains(asked, "Apply this to stack jenkins?") || !strings.Contains(asked, "to create") {
		t.Errorf("the person is asked without the report: %s", asked)
	}
	for _, archived := range b.lines("archive") {
		if strings.Contains(archived, "plan") {
			t.Errorf("the plan is an artifact: %s", archived)
		}
	}
	j.hosts(t)
}

// aborted: the job leaves at once, the engine ends its steps, and the state is
// free before the job is over.
func aborted(t *testing.T, j *job) {
	b := j.build(t, "branch=main", "trigger=user", "input=approve", "abort=toolkit +done", "leaves=0")
	if b.result != "ABORTED" || len(b.lines("sh aborted "+up)) != 1 || len(b.lines("sh 0 "+unlock)) != 1 {
		t.Fatalf("an aborted up:\n%s", b)
	}
	if slices.Index(b.journal, "stage Smoke and audit") >= 0 {
		t.Error("it went on after the abort")
	}
	if out := j.must(t, "unlock", "--stack", j.stack); !strings.Contains(out, "is not locked") {
		t.Errorf("the state was left locked: %s", out)
	}
	var runs []struct{ Verb, Cause string }
	if err := json.Unmarshal([]byte(j.must(t, "history", "--stack", j.stack, "--json")), &runs); err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(runs, func(r struct{ Verb, Cause string }) bool { return r.Verb == "up" }); i < 0 || runs[i].Cause != "cancelled" {
		t.Errorf("the journal: %+v", runs)
	}
	j.hosts(t, "bastion", "broker-1001")
}

func approved(t *testing.T, j *job) {
	b := j.build(t, "branch=main", "trigger=user", "input=approve")
	b.steps(t, "SUCCESS",
		"cron H 5 * * *", "skipped Pull request", "stage Deliver", "stage Preview", fresh, built, "sh 2 "+preview,
		"stash plan plan.json", "sh 0 head -c 8000 artifacts/preview.md", "junit", "archive",
		"stage Approve", "input approve",
		"stage Apply", "lock kraftstack-jenkins", fresh, built, "unstash plan", "sh 0 "+up, "junit", "archive", "released kraftstack-jenkins",
		"stage Smoke and audit", fresh, built, "sh 0 "+smoke, "sh 0 "+audit, "junit", "archive",
		"skipped Drift", "skipped Destroy")
	j.healthy(t, true)
}

func nothingToDo(t *testing.T, j *job) {
	b := j.build(t, "branch=main", "trigger=user")
	b.steps(t, "SUCCESS",
		"cron H 5 * * *", "skipped Pull request", "stage Deliver", "stage Preview", fresh, built, "sh 0 "+preview, "junit", "archive",
		"skipped Approve", "skipped Apply",
		"stage Smoke and audit", fresh, built, "sh 0 "+smoke, "sh 0 "+audit, "junit", "archive",
		"skipped Drift", "skipped Destroy")
}

func smokeFails(t *testing.T, j *job) {
	j.must(t, "ssh", "broker-1001", "--stack", j.stack, "--", "sudo systemctl stop kafka")
	b := j.build(t, "branch=main", "trigger=user")
	b.steps(t, "FAILURE",
		"cron H 5 * * *", "skipped Pull request", "stage Deliver", "stage Preview", fresh, built, "sh 0 "+preview, "junit", "archive",
		"skipped Approve", "skipped Apply",
		"stage Smoke and audit", fresh, built, "sh 6 "+smoke, "failed script returned exit code 6", "junit", "archive",
		"skipped Drift, after FAILURE", "skipped Destroy, after FAILURE")
	if tests := b.lines("junit artifacts/smoke.xml"); len(tests) != 1 || !strings.HasSuffix(tests[0], "1 failures") {
		t.Errorf("Jenkins shows as tests %q", tests)
	}
	j.healthy(t, false)
}

func byTimer(t *testing.T, j *job) {
	b := j.build(t, "branch=main", "trigger=timer")
	b.steps(t, "FAILURE",
		"cron H 5 * * *", "skipped Pull request", "skipped Deliver",
		"stage Drift", fresh, built, "sh 9 "+drift, "failed script returned exit code 9", "junit", "archive", "skipped Destroy, after FAILURE")
	j.must(t, "ssh", "broker-1001", "--stack", j.stack, "--", "sudo systemctl start kafka")
	j.healthy(t, true)
	b = j.build(t, "branch=main", "trigger=timer")
	b.steps(t, "SUCCESS",
		"cron H 5 * * *", "skipped Pull request", "skipped Deliver",
		"stage Drift", fresh, built, "sh 0 "+drift, "junit", "archive", "skipped Destroy")
}

func destroyUnconfirmed(t *testing.T, j *job) {
	b := j.build(t, "branch=main", "trigger=user", "param.ACTION=destroy", "param.CONFIRM=jenkin")
	if b.result != "FAILURE" || len(b.lines("failed CONFIRM is 'jenkin', not the stack's name 'jenkins'")) != 1 {
		t.Errorf("a mistyped name:\n%s", b)
	}
	j.healthy(t, true)
}

func destroyed(t *testing.T, j *job) {
	b := j.build(t, "branch=main", "trigger=user", "param.ACTION=destroy", "param.CONFIRM=jenkins")
	b.steps(t, "SUCCESS",
		"cron H 5 * * *", "skipped Pull request", "skipped Deliver", "skipped Drift",
		"stage Destroy", "lock kraftstack-jenkins", fresh, built,
		`sh 0 bin/kraftstack destroy --stack "$STACK" --yes --artifacts artifacts --timeout 3h`, "junit", "archive", "released kraftstack-jenkins")
	j.hosts(t)
}

// TestHarnessRefuses: one that took anything would prove nothing.
func TestHarnessRefuses(t *testing.T) {
	j := &job{stack: "jenkins", workspace: t.TempDir()}
	j.classpath = j.compile(t, groovy(t))
	if err := os.WriteFile(j.workspace+"/Makefile", []byte("build lint test-unit:\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../Jenkinsfile")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, changed, words string }{
		"a directive":           {"agent none\n", "agent none\n  libraries { lib('x') }\n", "no directive 'libraries' in PipelineModel"},
		"a step":                {"fresh()\n", "slackSend 'hello'\n", "no step 'slackSend'"},
		"an argument of a step": {"allowEmptyArchive: true", "fingerprint: true", "archiveArtifacts with fingerprint"},
		"credentials":           {"credentialsId: 'kraftstack-aws'", "credentialsId: 'other'", "no credentials other"},
	} {
		changed := strings.Replace(string(text), c.old, c.changed, 1)
		if changed == string(text) {
			t.Fatalf("%s: the Jenkinsfile has no %q", name, c.old)
		}
		file := j.folder(t) + "/Jenkinsfile"
		if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		b := j.buildOf(t, file, "branch=PR-7", "change=https://github.example.com/acme/kafka/pull/7", "secret.kraftstack-github=a-token", "trigger=user")
		if got := b.lines("refused "); len(got) != 1 || !strings.Contains(got[0], c.words) {
			t.Errorf("%s is not refused:\n%s", name, b)
		}
	}
}

// steps compares what happened. An expected line that says "junit" or "archive"
// alone is about its kind.
func (b *build) steps(t *testing.T, result string, want ...string) {
	t.Helper()
	var got []string
	for _, line := range b.journal {
		for _, kind := range []string{"junit", "archive"} {
			if strings.HasPrefix(line, kind+" ") {
				line = kind
			}
		}
		got = append(got, line)
	}
	if diff := cmp.Diff(append(want, "result "+result), got); diff != "" {
		t.Errorf("steps (-want +got):\n%s\nconsole:\n%s", diff, b.console)
	}
}

// healthy asks the cluster itself.
func (j *job) healthy(t *testing.T, want bool) {
	t.Helper()
	eventually(t, fmt.Sprintf("the cluster is healthy: %v", want), func() (bool, string) {
		out, _ := j.kraftstack(t, "status", "--stack", j.stack, "--json")
		var view cluster.View
		err := json.Unmarshal([]byte(out), &view)
		return err == nil && view.Healthy == want, fmt.Sprint(view.Problems, err)
	})
}

// eventually waits for a named condition.
func eventually(t *testing.T, what string, holds func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, seen := holds()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for this: %s; last seen: %s", what, seen)
		}
		<-tick.C
	}
}

// hosts asks the cloud which hosts of the stack there are.
func (j *job) hosts(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the hosts are %q", want), func() (bool, string) {
		var lab struct {
			Hosts []struct{ Name string }
		}
		if err := json.Unmarshal([]byte(j.must(t, "lab", "status", "--json")), &lab); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, host := range lab.Hosts {
			if name, ok := strings.CutPrefix(host.Name, j.stack+"-"); ok {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		return slices.Equal(want, got), fmt.Sprint(got)
	})
}

func (b *build) String() string {
	return fmt.Sprintf("%s\n%s", strings.Join(b.journal, "\n"), b.console)
}
