// Package components holds the Pulumi component resources that a stack is made
// of: network, access, quorum, fleet and node.
//
// Rules that hold in every file: a type token is kraftstack:<module>:<Type> and
// never changes, for it is part of each resource's identity; a child's name
// begins with its component's name; plain Go values decide how many resources
// exist and Inputs carry everything else; outputs are registered last.
package components

import (
	"maps"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Tags are put on every AWS resource. Name is added per resource.
type Tags map[string]string

// named returns the tags with a Name, which is what the AWS console and
// inventories list resources by.
func (t Tags) named(name string) pulumi.StringMap {
	tags := pulumi.StringMap{"Name": pulumi.String(name)}
	for key, value := range maps.All(t) {
		tags[key] = pulumi.String(value)
	}
	return tags
}

// namer names the resources of one component within one stack.
type namer struct {
	stack string
	name  string // the component's name
	tags  Tags
}

// resource is the Pulumi name of a child.
func (n namer) resource(suffix string) string { return n.name + "-" + suffix }

// tagged gives a child its tags. Its Name is unique in an account: the stack's
// name comes first.
func (n namer) tagged(suffix string) pulumi.StringMap {
	return n.tags.named(n.stack + "-" + n.name + "-" + suffix)
}
