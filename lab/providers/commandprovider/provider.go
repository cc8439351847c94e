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
	"reflect"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
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
	return infer.Provider(infer.Options{
		Resources: []infer.InferredResource{infer.Resource(&command{dial: dial})},
		Config:    infer.Config(&config{}),
	})
}

// Arguments gives the argument struct of command:remote:Command, so that a
// test can hold it against the SDK's.
func Arguments() reflect.Type { return reflect.TypeFor[commandArgs]() }
