// Package tlsprovider is the lab's stand-in for the Pulumi provider `tls`.
// Each resource type has a file of its own.
package tlsprovider

import (
	"reflect"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// Name and Version are what the engine is told; Version is that of the SDK in
// go.mod.
const (
	Name    = "tls"
	Version = "5.2.0"
)

// New makes a provider for one engine connection.
func New() p.Provider {
	return infer.Provider(infer.Options{
		Resources: []infer.InferredResource{infer.Resource(&privateKey{}), infer.Resource(&selfSigned{})},
		Config:    infer.Config(&config{}),
	})
}

// config is empty: the stand-in has no use for the real provider's proxy.
type config struct{}

// Arguments gives the argument struct of each type by token, so that a test
// can hold it against the SDK's.
func Arguments() map[string]reflect.Type {
	return map[string]reflect.Type{
		"tls:index/privateKey:PrivateKey":         reflect.TypeFor[privateKeyArgs](),
		"tls:index/selfSignedCert:SelfSignedCert": reflect.TypeFor[selfSignedArgs](),
	}
}
