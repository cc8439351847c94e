package attach

import (
	"context"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// TestUnknownSecretsStayUnknown: a saved plan of what is still to be made fits
// any value that it gets.
func TestUnknownSecretsStayUnknown(t *testing.T) {
	losing := p.Provider{Check: func(context.Context, p.CheckRequest) (p.CheckResponse, error) {
		return p.CheckResponse{Inputs: property.NewMap(map[string]property.Value{
			"connection": property.New(map[string]property.Value{"host": property.New("")}).WithSecret(true),
			"create":     property.New("checked"),
		})}, nil
	}}
	resp, err := keepingUnknown(losing).Check(t.Context(), p.CheckRequest{Inputs: property.NewMap(map[string]property.Value{
		"connection": property.New(property.Computed).WithSecret(true), "create": property.New("true"),
	})})
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Inputs.Get("connection"); !got.IsComputed() || !got.Secret() {
		t.Errorf("the connection became %#v", got)
	}
	if got := resp.Inputs.Get("create"); !got.IsString() || got.AsString() != "checked" {
		t.Errorf("create became %#v", got)
	}
}
