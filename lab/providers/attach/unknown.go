package attach

import (
	"context"

	p "github.com/pulumi/pulumi-go-provider"
)

// keepingUnknown is a provider whose check leaves what is unknown unknown. The
// library makes of an unknown secret, such as the connection to a host that is
// still to be made or a key that is still to be drawn, a known one that is empty,
// which no later value agrees with: a saved plan would never fit.
func keepingUnknown(provider p.Provider) p.Provider {
	check := provider.Check
	if check == nil {
		return provider
	}
	provider.Check = func(ctx context.Context, req p.CheckRequest) (p.CheckResponse, error) {
		resp, err := check(ctx, req)
		for name, value := range req.Inputs.All {
			if value.IsComputed() && value.Secret() {
				resp.Inputs = resp.Inputs.Set(name, value)
			}
		}
		return resp, err
	}
	return provider
}
