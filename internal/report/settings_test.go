package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

func TestSettings(t *testing.T) {
	stdin := diffs{"stdin": {Kind: apitype.DiffUpdate}}
	configured := func(node, old, wanted string) row {
		return row{op: apitype.OpUpdate, of: node, part: "configure", kind: command, diffs: stdin,
			old: inputs{"stdin": properties(old)}, wants: inputs{"stdin": properties(wanted)}}
	}
	restarted := func(node string) row {
		return row{op: apitype.OpUpdate, of: node, part: "roll", kind: command,
			old: inputs{"create": "/kafka-node roll '--generation=a'"}, wants: inputs{"create": "/kafka-node roll '--generation=b'"}}
	}
	const old = "log.retention.ms=1000\nbackground.threads=10\nssl.key.password=abc"
	r := collected(
		configured("broker-1001", old, "log.retention.ms=2000\nqueued.max.requests=900\nssl.key.password=abd"),
		configured("broker-1002", old, "log.retention.ms=2000\nqueued.max.requests=900\nssl.key.password=abd"),
		configured("broker-1003", "a=1", "a=2"),
		restarted("broker-1001"), restarted("broker-1002"),
		row{op: apitype.OpUpdate, of: "fleet", part: "live", kind: command, diffs: stdin,
			old:   inputs{"stdin": "background.threads=10\nlog.retention.ms=1000\n"},
			wants: inputs{"stdin": "background.threads\nlog.retention.ms=2000\n"}},
	)
	both := []string{"broker-1001", "broker-1002"}
	want := []Setting{
		{"a", "1", "2", false, true, []string{"broker-1003"}},
		{"background.threads", "10", "(none)", true, false, both},
		{"log.retention.ms", "1000", "2000", true, false, both},
		{"queued.max.requests", "(none)", "900", false, false, both},
		{"ssl.key.password", "(secret)", "(secret)", false, false, both},
	}
	if diff := cmp.Diff(want, r.Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}
