package automation

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Only the steps of the host that is named are marked, and only what marks them
// is new in the state.
func TestMarkDrifted(t *testing.T) {
	const before = `{"manifest":{"magic":"x"},"later":12345678901234567890,"resources":[
		{"urn":"urn:pulumi:s::kraftstack::command:remote:Command::broker-1001-configure","type":"command:remote:Command","inputs":{"create":"c"},"outputs":{"create":"c","stdout":""}},
		{"urn":"urn:pulumi:s::kraftstack::command:remote:Command::broker-1001-roll","type":"command:remote:Command","inputs":{},"outputs":{}},
		{"urn":"urn:pulumi:s::kraftstack::command:remote:Command::broker-10010-configure","type":"command:remote:Command","inputs":{},"outputs":{}},
		{"urn":"urn:pulumi:s::kraftstack::aws:ec2/instance:Instance::broker-1001-instance","type":"aws:ec2/instance:Instance","inputs":{},"outputs":{}}]}`
	const after = `{"manifest":{"magic":"x"},"later":12345678901234567890,"resources":[
		{"urn":"urn:pulumi:s::kraftstack::command:remote:Command::broker-1001-configure","type":"command:remote:Command","inputs":{"create":"c","environment":{"KRAFTSTACK_DRIFT":"file /x"}},"outputs":{"create":"c","stdout":"","environment":{"KRAFTSTACK_DRIFT":"file /x"}}},
		{"urn":"urn:pulumi:s::kraftstack::command:remote:Command::broker-1001-roll","type":"command:remote:Command","inputs":{},"outputs":{}},
		{"urn":"urn:pulumi:s::kraftstack::command:remote:Command::broker-10010-configure","type":"command:remote:Command","inputs":{},"outputs":{}},
		{"urn":"urn:pulumi:s::kraftstack::aws:ec2/instance:Instance::broker-1001-instance","type":"aws:ec2/instance:Instance","inputs":{},"outputs":{}}]}`
	marked, err := markDrifted(json.RawMessage(before), []Drifted{{Host: "broker-1001", Found: "file /x"}})
	if err != nil {
		t.Fatal(err)
	}
	plain := func(text []byte) (v any) {
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if diff := cmp.Diff(plain([]byte(after)), plain(marked)); diff != "" {
		t.Error(diff)
	}
	if _, err := markDrifted(json.RawMessage("no state"), nil); err == nil {
		t.Error("what is no state was taken for one")
	}
}
