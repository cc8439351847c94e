package commandprovider

import (
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// TestUnknownConnectionStaysUnknown: a saved plan of a host that is still to be
// made fits any address that the host gets.
func TestUnknownConnectionStaysUnknown(t *testing.T) {
	unknown := property.New(property.Computed).WithSecret(true)
	resp, err := New().Check(t.Context(), p.CheckRequest{
		Urn:    "urn:pulumi:dev::kraftstack::command:remote:Command::broker-1001-roll",
		Inputs: property.NewMap(map[string]property.Value{"connection": unknown, "create": property.New("true")}),
	})
	if err != nil || len(resp.Failures) > 0 {
		t.Fatalf("%v, %v", err, resp.Failures)
	}
	if got := resp.Inputs.Get("connection"); !got.IsComputed() || !got.Secret() {
		t.Errorf("the connection became %#v", got)
	}
	if got := resp.Inputs.Get("create"); !got.IsString() || got.AsString() != "true" {
		t.Errorf("create became %#v", got)
	}
}
