package record

import (
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/internal/automation"
	"kraftstack/internal/fail"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// failed is an error of a step with a secret in its text.
var failed = &fail.Error{
	Cause: fail.Step, Op: "up stack dev", Host: "broker-1001", Step: "install",
	Err: errors.New("fetch https://ci:hunter2@artifacts.example.com/kafka.tgz: 403"),
}

func TestJournal(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "dev")
	if runs, err := Runs(folder, 10); err != nil || len(runs) != 0 {
		t.Fatalf("without a journal: %v, %v", runs, err)
	}
	github := environment(map[string]string{
		"GITHUB_RUN_ID": "7", "GITHUB_SERVER_URL": "https://github.example.com", "GITHUB_REPOSITORY": "infra/kafka", "GITHUB_SHA": "abc",
	})
	first := Begin("dev", "preview", noon, environment(map[string]string{"BUILD_URL": "https://jenkins.example.com/job/1/"}))
	second := Begin("dev", "up", noon.Add(time.Minute), github, "only broker-1001")
	killed := Begin("dev", "up", noon.Add(time.Hour), environment(nil))
	for _, r := range []Run{
		first, first.End(noon.Add(2*time.Second), nil, nil), second, second.End(noon.Add(2*time.Minute), failed, map[string]int{"create": 3}), killed,
	} {
		if err := Write(folder, r); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := Runs(folder, 10)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, r := range runs {
		told = append(told, strings.Join([]string{r.Verb, r.Outcome(), r.Took(), r.Where, r.Job, r.Commit}, "|"))
	}
	want := []string{
		"up|broken off||||",
		"up|step|1m00s|broker-1001 install|https://github.example.com/infra/kafka/actions/runs/7|abc",
		"preview|done|2.0s||https://jenkins.example.com/job/1/|",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if strings.Contains(runs[1].Error, "hunter2") || runs[1].Code != 8 {
		t.Errorf("the failed run is kept as %d: %s", runs[1].Code, runs[1].Error)
	}
	if info, err := os.Stat(filepath.Join(folder, journalName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the journal: %v, %v", info.Mode(), err)
	}
	if some, err := Runs(folder, 1); err != nil || len(some) != 1 || some[0].ID != killed.ID {
		t.Errorf("the newest alone: %v, %v", some, err)
	}
}

func TestMergeAddsTheRunsOfOtherMachines(t *testing.T) {
	mine := Begin("dev", "up", noon, environment(nil)).End(noon.Add(time.Minute), nil, nil)
	got := Merge([]Run{mine}, []automation.Past{
		{Kind: "update", Message: mine.Message(), Result: "succeeded", Began: noon},
		{Kind: "update", Message: "kraftstack up, run OTHER by ci@build-7", Result: "failed", Began: noon.Add(time.Hour), Ended: noon.Add(2 * time.Hour), Changes: map[string]int{"same": 9, "update": 2}},
		{Kind: "refresh", Message: "by hand", Result: "succeeded", Began: noon.Add(-time.Hour), Ended: noon, By: "root"},
	}, 10)
	var told []string
	for _, r := range got {
		told = append(told, r.Verb+" by "+r.User+"@"+r.Host+" "+r.Outcome())
	}
	want := []string{"up by ci@build-7 failed", "up by " + mine.User + "@" + mine.Host + " done", "refresh by root@ done"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if got[0].Counts["update"] != 2 || got[0].Counts["same"] != 0 {
		t.Errorf("counts: %v", got[0].Counts)
	}
}

func TestBackupsAreBounded(t *testing.T) {
	folder := t.TempDir()
	var last string
	for i := range KeptBackups + 3 {
		r := Begin("dev", "up", noon.Add(time.Duration(i)*time.Second), environment(nil))
		var err error
		if last, err = Backup(folder, r, []byte(`{"version":3}`)); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := Backups(folder)
	if err != nil || len(kept) != KeptBackups || kept[len(kept)-1] != last || !strings.Contains(kept[0], "120003") {
		t.Fatalf("%d are kept, from %s: %v", len(kept), kept[0], err)
	}
	f, err := os.Open(last)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, _ := f.Stat(); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(zip); err != nil || string(text) != `{"version":3}` {
		t.Errorf("unpacked: %q, %v", text, err)
	}
}

func TestArtifacts(t *testing.T) {
	now := noon
	cases := NewCases(func() time.Time { return now })
	const in = "urn:pulumi:dev::kraftstack::kraftstack:fleet:Fleet$kraftstack:node:Node"
	parent := in + "::broker-1001"
	meta := func(step string, op apitype.OpType) apitype.StepEventMetadata {
		return apitype.StepEventMetadata{Op: op, URN: in + "$command:remote:Command::broker-1001-" + step, New: &apitype.StepEventStateMetadata{Parent: parent}}
	}
	for _, e := range []apitype.EngineEvent{
		{ResourcePreEvent: &apitype.ResourcePreEvent{Metadata: meta("prepare", apitype.OpSame)}},
		{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: meta("prepare", apitype.OpSame)}},
		{ResourcePreEvent: &apitype.ResourcePreEvent{Metadata: meta("toolkit", apitype.OpCreate)}},
		{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: meta("toolkit", apitype.OpCreate)}},
		{ResourcePreEvent: &apitype.ResourcePreEvent{Metadata: meta("install", apitype.OpCreate)}},
		{ResOpFailedEvent: &apitype.ResOpFailedEvent{Metadata: meta("install", apitype.OpCreate)}},
	} {
		cases.Watch(e)
		now = now.Add(time.Second)
	}
	folder := filepath.Join(t.TempDir(), "artifacts")
	run := Begin("dev", "up", noon, environment(nil)).End(noon.Add(9*time.Second), failed, nil)
	a := Artifacts{Folder: folder, Run: run, Cases: cases.List(), Body: func(w io.Writer) error {
		_, err := io.WriteString(w, "the report, password=hunter2\n")
		return err
	}}
	if err := a.Write(); err != nil {
		t.Fatal(err)
	}
	read := func(extension string) string {
		text, err := os.ReadFile(Path(folder, "up", extension))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "hunter2") {
			t.Errorf("up.%s shows a password:\n%s", extension, text)
		}
		return string(text)
	}
	var got suite
	if err := xml.Unmarshal([]byte(read("xml")), &got); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range got.Cases {
		line := c.Class + " " + c.Name + " " + c.Time
		if c.Failure != nil {
			line += " failed"
		}
		names = append(names, line)
	}
	want := []string{
		"kraftstack.dev.up.broker-1001 create toolkit 1.000",
		"kraftstack.dev.up.broker-1001 create install 1.000 failed",
		"kraftstack.dev.up up 9.000 failed",
	}
	if diff := cmp.Diff(want, names); diff != "" || got.Tests != 3 || got.Failures != 2 {
		t.Errorf("%d tests, %d failures (-want +got):\n%s", got.Tests, got.Failures, diff)
	}
	for _, words := range []string{"# up of stack dev: step", "broker-1001: install: up stack dev", "the report"} {
		if text := read("md"); !strings.Contains(text, words) {
			t.Errorf("the Markdown does not say %q:\n%s", words, text)
		}
	}
	var kept Run
	if err := json.Unmarshal([]byte(read("run.json")), &kept); err != nil || kept.ID != run.ID || kept.Code != 8 {
		t.Errorf("the run is kept as %+v, %v", kept, err)
	}
}

func TestEventsAreRedacted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	events, err := OpenEvents(path)
	if err != nil {
		t.Fatal(err)
	}
	events.Watch(apitype.EngineEvent{DiagnosticEvent: &apitype.DiagnosticEvent{Message: "-----BEGIN PRIVATE KEY-----\nTOP SECRET\n-----END PRIVATE KEY-----"}})
	events.Watch(apitype.EngineEvent{SummaryEvent: &apitype.SummaryEvent{DurationSeconds: 3}})
	if err := events.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "\n") != 2 || strings.Contains(string(text), "TOP SECRET") {
		t.Errorf("%s, %v", text, err)
	}
}
