package automation

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/internal/ui"
)

func begins(m apitype.StepEventMetadata) apitype.EngineEvent {
	return apitype.EngineEvent{ResourcePreEvent: &apitype.ResourcePreEvent{Metadata: m}}
}

func ends(m apitype.StepEventMetadata) apitype.EngineEvent {
	return apitype.EngineEvent{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: m}}
}

func fails(m apitype.StepEventMetadata) apitype.EngineEvent {
	return apitype.EngineEvent{ResOpFailedEvent: &apitype.ResOpFailedEvent{Metadata: m}}
}

func says(severity, urn, message string) apitype.EngineEvent {
	return apitype.EngineEvent{DiagnosticEvent: &apitype.DiagnosticEvent{Severity: severity, URN: urn, Message: message}}
}

func TestProgress(t *testing.T) {
	instance := func(op apitype.OpType) apitype.StepEventMetadata {
		return step(op, urn(inBroker, "aws:ec2/instance:Instance", "broker-1001-instance"), brokerURN)
	}
	hosts := roll(apitype.OpCreate)
	begun := ui.Event{Host: "broker-1001", Step: "roll", State: ui.Started}
	for name, c := range map[string]struct {
		events []apitype.EngineEvent
		want   []ui.Event
	}{
		"a step with what its host prints": {
			events: []apitype.EngineEvent{
				begins(hosts), says("info#err", hosts.URN, "<{%reset%}>roll: restarting Kafka\nroll: waiting\n<{%reset%}>"), ends(hosts),
			},
			want: []ui.Event{
				begun, {Host: "broker-1001", Step: "roll", State: ui.Running, Detail: "waiting"},
				{Host: "broker-1001", Step: "roll", State: ui.Done, Elapsed: 2 * time.Second},
			},
		},
		"a step that fails": {
			events: []apitype.EngineEvent{begins(hosts), says("error", hosts.URN, "no"), fails(hosts)},
			want:   []ui.Event{begun, {Host: "broker-1001", Step: "roll", State: ui.Failed, Elapsed: 2 * time.Second}},
		},
		"what stays or only groups is no news": {
			events: []apitype.EngineEvent{
				begins(roll(apitype.OpSame)), ends(roll(apitype.OpSame)), begins(step(apitype.OpCreate, brokerURN, fleetURN)),
				ends(step(apitype.OpCreate, brokerURN, fleetURN)), begins(step(apitype.OpCreate, stackURN, "")),
				says("info", "", "Loading policy packs"), says("info#err", hosts.URN, "too late"),
			},
		},
		"a replacement is the going and the coming": {
			events: []apitype.EngineEvent{
				begins(instance(apitype.OpDeleteReplaced)), ends(instance(apitype.OpDeleteReplaced)),
				begins(instance(apitype.OpReplace)), ends(instance(apitype.OpReplace)),
				begins(instance(apitype.OpCreateReplacement)), ends(instance(apitype.OpCreateReplacement)),
			},
			want: []ui.Event{
				{Host: "broker-1001", Step: "delete instance", State: ui.Started, Minor: true},
				{Host: "broker-1001", Step: "delete instance", State: ui.Done, Minor: true, Elapsed: time.Second},
				{Host: "broker-1001", Step: "instance", State: ui.Started, Minor: true},
				{Host: "broker-1001", Step: "instance", State: ui.Done, Minor: true, Elapsed: time.Second},
			},
		},
		"reading": {
			events: []apitype.EngineEvent{begins(instance(apitype.OpRefresh)), ends(instance(apitype.OpRefresh))},
			want: []ui.Event{
				{Host: "broker-1001", Step: "read instance", State: ui.Started, Minor: true},
				{Host: "broker-1001", Step: "read instance", State: ui.Done, Minor: true, Elapsed: time.Second},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []ui.Event
			now := time.Unix(0, 0)
			watch := Progress(func(e ui.Event) { got = append(got, e) }, func() time.Time { return now })
			for _, event := range c.events {
				watch(event)
				now = now.Add(time.Second)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}
