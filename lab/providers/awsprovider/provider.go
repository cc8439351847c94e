// Package awsprovider is the lab's stand-in for the Pulumi provider `aws`.
//
// It speaks the provider protocol of the real one for the resources that the
// program uses, with the same tokens, argument names, replacement rules and
// waits, and does its work through aws-sdk-go-v2 against an endpoint (moto).
// An argument that it does not know is an error, never ignored.
package awsprovider

import (
	"context"
	"fmt"
	"sort"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// Name and Version are what the engine is told. Version is that of the SDK in
// go.mod, so that the engine does not warn about an older plugin.
const (
	Name    = "aws"
	Version = "6.83.2"
)

// LabProfile is the only aws:profile that the stand-in accepts. A stack
// without it is meant for Amazon, and a refresh of it against the lab would
// drop all its resources from its state.
const LabProfile = "kraftstack-lab"

// Options of a stand-in.
type Options struct {
	// Endpoint is the URL of the AWS API (moto), for all services.
	Endpoint string
	// IsOff says whether an instance's host has powered off: moto calls one
	// stopped at once, where AWS waits for it. nil believes moto.
	IsOff func(instance string) bool
}

// New makes a provider for one engine connection. Its configuration belongs to
// that connection alone: two engines, or two explicit providers of one engine,
// never see each other's region or default tags.
func New(opts Options) p.Provider {
	s := &session{options: opts}
	kinds := resources(s)
	inferred := make([]infer.InferredResource, 0, len(kinds))
	for _, token := range sortedKeys(kinds) {
		inferred = append(inferred, kinds[token].inferred)
	}
	provider := infer.Provider(infer.Options{Resources: inferred, Functions: functions(s)})
	provider.CheckConfig = checkConfig
	provider.DiffConfig = diffConfig
	provider.Configure = s.configure
	wrapCheck(&provider, kinds)
	wrapDiff(&provider, kinds)
	return provider
}

// wrapCheck refuses unknown arguments by name, fills in automatic names and
// runs the resource's own validation before infer decodes the inputs.
func wrapCheck(provider *p.Provider, kinds map[string]kind) {
	inner := provider.Check
	provider.Check = func(ctx context.Context, req p.CheckRequest) (p.CheckResponse, error) {
		k, ok := kinds[string(req.Urn.Type())]
		if !ok {
			return p.CheckResponse{}, fmt.Errorf("the lab's aws stand-in does not have the resource type %s", req.Urn.Type())
		}
		if failures := k.unknown(req.Inputs); len(failures) > 0 {
			return p.CheckResponse{Inputs: req.Inputs, Failures: failures}, nil
		}
		if k.autoName != "" {
			req.Inputs = autoName(k, req)
		}
		resp, err := inner(ctx, req)
		if err != nil || len(resp.Failures) > 0 {
			return resp, err
		}
		resp.Failures = k.validate(resp.Inputs)
		return resp, nil
	}
}

// wrapDiff adds what infer cannot say with a tag: replacement that depends on
// another argument, and delete-before-create where a fixed name is kept.
func wrapDiff(provider *p.Provider, kinds map[string]kind) {
	inner := provider.Diff
	update := provider.Update
	provider.Update = func(ctx context.Context, req p.UpdateRequest) (p.UpdateResponse, error) {
		req.IgnoreChanges = nil // as in Diff
		return update(ctx, req)
	}
	provider.Diff = func(ctx context.Context, req p.DiffRequest) (p.DiffResponse, error) {
		// The engine has put the old inputs in the place of the ignored ones.
		// infer would put the old state there, and state is not always the
		// input: that of userData is its hash.
		req.IgnoreChanges = nil
		resp, err := inner(ctx, req)
		if err != nil {
			return resp, err
		}
		k := kinds[string(req.Urn.Type())]
		if k.adjust != nil {
			k.adjust(req.Inputs, &resp)
		}
		if k.autoName != "" && replaces(resp) && keepsFixedName(k, req) {
			resp.DeleteBeforeReplace = true
		}
		return resp, nil
	}
}

func replaces(resp p.DiffResponse) bool {
	for _, d := range resp.DetailedDiff {
		switch d.Kind {
		case p.AddReplace, p.DeleteReplace, p.UpdateReplace:
			return true
		}
	}
	return false
}

// asReplace turns a change into one that forces a replacement.
func asReplace(d p.PropertyDiff) p.PropertyDiff {
	switch d.Kind {
	case p.Add:
		d.Kind = p.AddReplace
	case p.Delete:
		d.Kind = p.DeleteReplace
	case p.Update:
		d.Kind = p.UpdateReplace
	}
	return d
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// text gives the known string at key, or "".
func text(m property.Map, key string) string {
	if v, ok := m.GetOk(key); ok && v.IsString() {
		return v.AsString()
	}
	return ""
}
