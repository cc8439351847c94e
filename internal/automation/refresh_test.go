package automation

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/internal/ui"
)

// TestRefreshEndsWhatItBegan: what a refresh found is the operation that its
// end is told under, and neither a step on a host nor another row.
func TestRefreshEndsWhatItBegan(t *testing.T) {
	var got []ui.Event
	watch := Progress(func(e ui.Event) { got = append(got, e) }, func() time.Time { return time.Time{} })
	parent := "urn:pulumi:dev::kraftstack::kraftstack:node:Node::broker-1001"
	roll := apitype.StepEventMetadata{
		URN: "urn:pulumi:dev::kraftstack::kraftstack:node:Node$command:remote:Command::broker-1001-roll",
		Op:  apitype.OpRefresh, Old: &apitype.StepEventStateMetadata{Parent: parent},
	}
	watch(apitype.EngineEvent{ResourcePreEvent: &apitype.ResourcePreEvent{Metadata: roll}})
	roll.Op = apitype.OpSame
	watch(apitype.EngineEvent{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: roll}})
	want := []ui.Event{
		{Host: "broker-1001", Step: "read roll", State: ui.Started, Minor: true},
		{Host: "broker-1001", Step: "read roll", State: ui.Done, Minor: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
