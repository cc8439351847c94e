package automation

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// urn is the URN of a resource in stack lab; of is what Pulumi puts before its
// type for the components around it.
func urn(of, kind, name string) string {
	if of != "" {
		kind = of + "$" + kind
	}
	return "urn:pulumi:lab::kraftstack::" + kind + "::" + name
}

var (
	stackURN  = urn("", "pulumi:pulumi:Stack", "kraftstack-lab")
	fleetURN  = urn("", "kraftstack:fleet:Fleet", "fleet")
	brokerURN = urn("kraftstack:fleet:Fleet", "kraftstack:node:Node", "broker-1001")
)

const inBroker = "kraftstack:fleet:Fleet$kraftstack:node:Node"

// step is an event's metadata of a resource that is new.
func step(op apitype.OpType, urn, parent string) apitype.StepEventMetadata {
	return apitype.StepEventMetadata{Op: op, URN: urn, New: &apitype.StepEventStateMetadata{URN: urn, Parent: parent}}
}

func roll(op apitype.OpType) apitype.StepEventMetadata {
	return step(op, urn(inBroker, "command:remote:Command", "broker-1001-roll"), brokerURN)
}

func TestPlaceOf(t *testing.T) {
	gone := urn(inBroker, "aws:ebs/volume:Volume", "broker-1001-data")
	for name, c := range map[string]struct {
		step    apitype.StepEventMetadata
		want    Place
		nowhere bool
	}{
		"the stack":   {step: step(apitype.OpCreate, stackURN, ""), nowhere: true},
		"a provider":  {step: step(apitype.OpCreate, urn("", "pulumi:providers:aws", "default"), stackURN), nowhere: true},
		"a component": {step: step(apitype.OpCreate, brokerURN, fleetURN), want: Place{Component: "broker-1001", Type: "kraftstack:node:Node"}},
		"a step on a host": {
			step: roll(apitype.OpCreate),
			want: Place{Component: "broker-1001", Step: "roll", Type: "command:remote:Command"},
		},
		"what only the state has": {
			step: apitype.StepEventMetadata{Op: apitype.OpDelete, URN: gone, Old: &apitype.StepEventStateMetadata{URN: gone, Parent: brokerURN}},
			want: Place{Component: "broker-1001", Step: "data", Type: "aws:ebs/volume:Volume"},
		},
		"a child that is not named after its parent": {
			step: step(apitype.OpCreate, urn(inBroker, "aws:ec2/eip:Eip", "spare"), brokerURN),
			want: Place{Component: "spare", Type: "aws:ec2/eip:Eip"},
		},
		"no parent": {
			step: apitype.StepEventMetadata{Op: apitype.OpSame, URN: gone},
			want: Place{Component: "broker-1001-data", Type: "aws:ebs/volume:Volume"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := PlaceOf(c.step)
			if ok == c.nowhere {
				t.Fatalf("PlaceOf gave %+v, %v", got, ok)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("place (-want +got):\n%s", diff)
			}
		})
	}
}
