package report

import (
	"encoding/json"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/tests/golden"
)

const (
	inNode = "kraftstack:fleet:Fleet$kraftstack:node:Node"
	stackN = "urn:pulumi:lab::kraftstack::pulumi:pulumi:Stack::kraftstack-lab"
)

type (
	inputs = map[string]any
	diffs  = map[string]apitype.PropertyDiff
)

// row is one event of a preview: a step on a part of a component.
type row struct {
	op         apitype.OpType
	of, part   string // the component, and the part of it; "" is the component itself
	kind       string
	old, wants inputs
	diffs      diffs
}

func (r row) event() apitype.EngineEvent {
	parent := "urn:pulumi:lab::kraftstack::" + inNode + "::" + r.of
	urn := "urn:pulumi:lab::kraftstack::" + inNode + "$" + r.kind + "::" + r.of + "-" + r.part
	if r.part == "" {
		parent, urn = stackN, parent
	}
	m := apitype.StepEventMetadata{Op: r.op, URN: urn, DetailedDiff: r.diffs}
	state := func(in inputs) *apitype.StepEventStateMetadata {
		return &apitype.StepEventStateMetadata{URN: urn, Parent: parent, Inputs: in}
	}
	if r.op != apitype.OpCreate {
		m.Old = state(r.old)
	}
	if r.op != apitype.OpDelete && r.op != apitype.OpDeleteReplaced {
		m.New = state(r.wants)
	}
	return apitype.EngineEvent{ResourcePreEvent: &apitype.ResourcePreEvent{Metadata: m, Planning: true}}
}

const (
	command  = "command:remote:Command"
	instance = "aws:ec2/instance:Instance"
	volume   = "aws:ebs/volume:Volume"
)

func collected(rows ...row) Report {
	c := NewCollector("lab")
	for _, r := range rows {
		c.Watch(r.event())
	}
	return c.Report()
}

func properties(lines ...string) string {
	return "# kraftstack document 1\n=== /etc/kafka/server.properties 0640 root:kafka\nnode.id=1001\n" + strings.Join(lines, "\n") + "\n"
}

// reviewed is a preview with one of each: a node that joins, one that is
// configured anew and restarted, one whose host is replaced, one that goes.
func reviewed() Report {
	retention := diffs{"stdin": {Kind: apitype.DiffUpdate}}
	image := diffs{"instanceType": {Kind: apitype.DiffUpdateReplace}}
	generation := func(hash string) inputs {
		return inputs{"create": "sudo /opt/kraftstack/kafka-node roll '--generation=" + hash + "'"}
	}
	return collected(
		row{op: apitype.OpSame, of: "network", part: "vpc", kind: "aws:ec2/vpc:Vpc"},
		row{op: apitype.OpSame, of: "broker-1001"},
		row{op: apitype.OpUpdate, of: "broker-1001", part: "configure", kind: command, diffs: retention,
			old: inputs{"stdin": properties("log.retention.hours=168", "num.partitions=1")}, wants: inputs{"stdin": properties("log.retention.hours=48", "num.partitions=1")}},
		row{op: apitype.OpUpdate, of: "broker-1001", part: "roll", kind: command, diffs: diffs{"create": {Kind: apitype.DiffUpdate}},
			old: generation("aaaaaaaaaaaaaaaa"), wants: generation("bbbbbbbbbbbbbbbb")},
		row{op: apitype.OpDeleteReplaced, of: "broker-1002", part: "instance", kind: instance, old: inputs{"instanceType": "m7i.large"}},
		row{op: apitype.OpReplace, of: "broker-1002", part: "instance", kind: instance, diffs: image},
		row{op: apitype.OpCreateReplacement, of: "broker-1002", part: "instance", kind: instance, diffs: image},
		row{op: apitype.OpUpdate, of: "broker-1002", part: "roll", kind: command, diffs: diffs{"connection.host": {Kind: apitype.DiffUpdate}}},
		row{op: apitype.OpCreate, of: "broker-1004"},
		row{op: apitype.OpCreate, of: "broker-1004", part: "data", kind: volume, wants: inputs{"size": 100}},
		row{op: apitype.OpCreate, of: "broker-1004", part: "roll", kind: command, wants: generation("bbbbbbbbbbbbbbbb")},
		row{op: apitype.OpDelete, of: "broker-1003", part: "data", kind: volume, old: inputs{"size": 100}},
		row{op: apitype.OpDelete, of: "broker-1003"},
	)
}

func TestText(t *testing.T) {
	var out strings.Builder
	if err := reviewed().WriteText(&out); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "preview.txt", out.String())
}

func TestJSON(t *testing.T) {
	text, err := json.MarshalIndent(reviewed(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "preview.json", string(text)+"\n")
}

func TestNoChanges(t *testing.T) {
	same := collected(row{op: apitype.OpSame, of: "network", part: "vpc", kind: "aws:ec2/vpc:Vpc"})
	var out strings.Builder
	if err := same.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if want := "stack lab: no changes, 1 resources as they should be\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	text, err := json.Marshal(same)
	if err != nil {
		t.Fatal(err)
	}
	// Programs read lists, not null.
	if strings.Contains(string(text), "null") {
		t.Errorf("there is a null in %s", text)
	}
}

func TestSummary(t *testing.T) {
	for want, got := range map[string]string{
		"up: stack lab: 3 created, 3 updated, 1 replaced, 2 deleted, 1 unchanged": reviewed().Summary("up"),
		"destroy: stack lab is as it should be, nothing was changed":              collected().Summary("destroy"),
		"refresh: stack lab: the cloud is as the state says":                      collected().Summary("refresh"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The engine sends "[secret]" for a secret; a report names the property, and
// shows neither value nor text of one that only one side holds back.
func TestSecrets(t *testing.T) {
	const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n"
	var out strings.Builder
	r := collected(
		row{op: apitype.OpUpdate, of: "broker-1001", part: "toolkit", kind: command,
			diffs: diffs{"connection.privateKey": {Kind: apitype.DiffUpdate}, "stdin": {Kind: apitype.DiffUpdate}},
			old:   inputs{"stdin": "[secret]", "connection": inputs{"privateKey": key}},
			wants: inputs{"stdin": "[secret]", "connection": inputs{"privateKey": key + "2"}}},
		row{op: apitype.OpCreate, of: "broker-1001", part: "instance", kind: instance, wants: inputs{"userData": key}},
		row{op: apitype.OpUpdate, of: "broker-1002", part: "configure", kind: command,
			diffs: diffs{"stdin": {Kind: apitype.DiffUpdate}}, old: inputs{"stdin": key}, wants: inputs{"stdin": "[secret]"}},
	)
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{out.String(), string(text), r.Markdown(MarkdownOptions{})} {
		if strings.Contains(printed, "OPENSSH") || strings.Contains(printed, "b3Blb") {
			t.Errorf("a secret is printed:\n%s", printed)
		}
		if !strings.Contains(printed, "connection") {
			t.Errorf("that the key changes is not said:\n%s", printed)
		}
	}
}

func TestRefresh(t *testing.T) {
	c := NewCollector("lab")
	for _, r := range []row{
		{op: apitype.OpRefresh, of: "broker-1001", part: "instance", kind: instance},
		{op: apitype.OpRefresh, of: "broker-1002", part: "data", kind: volume},
		{op: apitype.OpRefresh, of: "broker-1003", part: "data", kind: volume},
	} {
		c.Watch(r.event())
	}
	for _, r := range []row{
		{op: apitype.OpDelete, of: "broker-1001", part: "instance", kind: instance},
		{op: apitype.OpUpdate, of: "broker-1002", part: "data", kind: volume},
		{op: apitype.OpSame, of: "broker-1003", part: "data", kind: volume},
	} {
		c.Watch(apitype.EngineEvent{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: r.event().ResourcePreEvent.Metadata}})
	}
	want := `refresh: stack lab: the state has taken over what differs in the cloud
  broker-1001 instance is gone
  broker-1002 data is changed
next: kraftstack preview --stack lab shows what up would do about it`
	if diff := cmp.Diff(want, c.Report().Summary("refresh")); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

// A fleet's toolkit is one text that every host has.
func TestTextThatManyHaveIsKeptOnce(t *testing.T) {
	c := NewCollector("lab")
	for _, host := range []string{"broker-1001", "broker-1002"} {
		text := strings.Repeat("the toolkit\n", 100)
		c.Watch(row{op: apitype.OpCreate, of: host, part: "toolkit", kind: command, wants: inputs{"stdin": text}}.event())
	}
	resources := c.Resources()
	first, _ := resources[0].Inputs["stdin"].(string)
	second, _ := resources[1].Inputs["stdin"].(string)
	if first != second || len(first) < longText || unsafe.StringData(first) != unsafe.StringData(second) {
		t.Errorf("two texts of %d and %d bytes are kept", len(first), len(second))
	}
}
