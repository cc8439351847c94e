// Package commandprovider is the lab's stand-in for the Pulumi provider
// `command`: remote commands over SSH.
//
// It keeps the real provider's rules: a preview dials nothing, a failed create
// leaves no state, a change of any argument but triggers is an update, which
// runs `update` or else `create`, a change of triggers replaces, delete uses
// the recorded connection, and there is no read. Where it does more, no
// program can tell but by what it is spared: connections are closed, an
// interrupt and a host that fell silent end a command, a wrong host key fails
// at once, and a host without a pinned key is refused.
package commandprovider

import (
	"context"
	"reflect"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// Name and Version are what the engine is told; Version is that of the SDK in
// go.mod.
const (
	Name    = "command"
	Version = "1.2.1"
)

// config is empty, as the real provider's.
type config struct{}

// New makes a provider for one engine connection. It dials by TCP.
func New() p.Provider { return NewWithDialer(nil) }

// NewWithDialer is New with another way to the first host of a connection: a
// test's, whose hosts have no network. Nil is TCP.
func NewWithDialer(dial DialFunc) p.Provider {
	provider := infer.Provider(infer.Options{
		Resources: []infer.InferredResource{infer.Resource(&command{dial: dial})},
		Config:    infer.Config(&config{}),
	})
	check := provider.Check
	provider.Check = func(ctx context.Context, req p.CheckRequest) (p.CheckResponse, error) {
		resp, err := check(ctx, req)
		resp.Inputs = keepUnknown(resp.Inputs, req.Inputs)
		return resp, err
	}
	return provider
}

// keepUnknown puts back what is wholly unknown yet. The library makes of an
// unknown secret struct, such as the connection to a host that is still to be
// made, a known one with empty fields, which no later value agrees with: a saved
// plan would never fit.
func keepUnknown(checked, given property.Map) property.Map {
	for name, value := range given.All {
		if value.IsComputed() && value.Secret() {
			checked = checked.Set(name, value)
		}
	}
	return checked
}

// Arguments gives the argument struct of command:remote:Command, so that a
// test can hold it against the SDK's.
func Arguments() reflect.Type { return reflect.TypeFor[commandArgs]() }
