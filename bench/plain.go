package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/sig"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/internal/automation"
)

// plain is the program that has a stack's own resources and nothing else: each with
// the values that the state has for its arguments, one after another, so that
// nothing is computed, no output is waited for and no order is kept.
type plain []apitype.ResourceV3

// plainly opens a stack that is there with that program in the place of its own.
func (p pair) plainly(ctx context.Context, dir, name string) (*automation.Stack, error) {
	var text, errors bytes.Buffer
	export := exec.CommandContext(ctx, "pulumi", "stack", "export", "--show-secrets", "--stack", name)
	export.Dir, export.Stdout, export.Stderr = dir, &text, &errors
	if err := export.Run(); err != nil {
		return nil, fmt.Errorf("export stack %s: %w: %s", name, err, errors.Bytes())
	}
	var state struct{ Deployment apitype.DeploymentV3 }
	if err := json.Unmarshal(text.Bytes(), &state); err != nil {
		return nil, fmt.Errorf("read the state of stack %s: %w", name, err)
	}
	return automation.Open(ctx, dir, name, plain(state.Deployment.Resources).program, false)
}

func (all plain) program(ctx *pulumi.Context) error {
	known := map[resource.URN]pulumi.Resource{}
	for _, r := range all {
		if r.Type == resource.RootStackType || strings.HasPrefix(string(r.Type), "pulumi:providers:") {
			continue
		}
		var opts []pulumi.ResourceOption
		if parent := known[r.Parent]; parent != nil {
			opts = append(opts, pulumi.Parent(parent))
		}
		made, err := declare(ctx, r, opts)
		if err != nil {
			return fmt.Errorf("declare %s: %w", r.URN.Name(), err)
		}
		known[r.URN] = made
	}
	return nil
}

func declare(ctx *pulumi.Context, r apitype.ResourceV3, opts []pulumi.ResourceOption) (pulumi.Resource, error) {
	inputs := pulumi.Map{}
	for name, value := range r.Inputs {
		if input := literal(value); input != nil && !strings.HasPrefix(name, "__") {
			inputs[name] = input
		}
	}
	if !r.Custom {
		var component pulumi.ResourceState
		return &component, ctx.RegisterComponentResourceV2(string(r.Type), r.URN.Name(), inputs, &component, opts...)
	}
	// Resources of another version of a provider would be other resources.
	if _, version, found := strings.Cut(providerName(r.Provider), "default_"); found {
		opts = append(opts, pulumi.Version(strings.ReplaceAll(version, "_", ".")))
	}
	var custom pulumi.CustomResourceState
	return &custom, ctx.RegisterResource(string(r.Type), r.URN.Name(), inputs, &custom, opts...)
}

// providerName is the name in a reference, which is a URN with an id behind it.
func providerName(reference string) string {
	urn := reference[:max(0, strings.LastIndex(reference, resource.URNNameDelimiter))]
	return string(tokens.QName(resource.URN(urn).Name()))
}

// literal is a value of a state, nil where there is none.
func literal(value any) pulumi.Input {
	switch v := value.(type) {
	case string:
		return pulumi.String(v)
	case float64:
		return pulumi.Float64(v)
	case bool:
		return pulumi.Bool(v)
	case []any:
		list := pulumi.Array{}
		for _, item := range v {
			list = append(list, literal(item))
		}
		return list
	case map[string]any:
		if v[sig.Key] == sig.Secret {
			var inner any
			text, _ := v["plaintext"].(string)
			if json.Unmarshal([]byte(text), &inner) != nil {
				return nil
			}
			return pulumi.ToSecret(literal(inner))
		}
		object := pulumi.Map{}
		for name, item := range v {
			if input := literal(item); input != nil && !strings.HasPrefix(name, "__") {
				object[name] = input
			}
		}
		return object
	}
	return nil
}
