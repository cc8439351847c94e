package automation

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Place is where in the graph a resource stands, in an operator's words: the
// component (broker-1001, bastion, network) and the part or step of it
// (instance, install, roll). A child's name begins with its component's name:
// the rule of package components.
type Place struct {
	Component string
	Step      string
	Type      string // kraftstack:node:Node, aws:ec2/instance:Instance …
}

// PlaceOf finds the place of the resource that a step is about, by its URN and
// its parent's; both are names that the program chose. The stack itself and
// providers are at no place.
func PlaceOf(m apitype.StepEventMetadata) (Place, bool) {
	urn, parent := resource.URN(m.URN), resource.URN("")
	switch {
	case m.New != nil:
		parent = resource.URN(m.New.Parent)
	case m.Old != nil:
		parent = resource.URN(m.Old.Parent)
	}
	name, kind := urn.Name(), string(urn.Type())
	switch {
	case kind == "pulumi:pulumi:Stack" || strings.HasPrefix(kind, "pulumi:providers:"):
		return Place{}, false
	case strings.HasPrefix(kind, "kraftstack:"):
		return Place{Component: name, Type: kind}, true
	}
	if parent != "" {
		if step, ok := strings.CutPrefix(name, parent.Name()+"-"); ok {
			return Place{Component: parent.Name(), Step: step, Type: kind}, true
		}
	}
	return Place{Component: name, Type: kind}, true
}

// IsCommand says whether the resource is a step on a host.
func (p Place) IsCommand() bool { return p.Type == "command:remote:Command" }

// IsComponent says whether the resource only groups others.
func (p Place) IsComponent() bool { return strings.HasPrefix(p.Type, "kraftstack:") }
