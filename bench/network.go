package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/components"
	"kraftstack/config"
	"kraftstack/internal/automation"
	"kraftstack/lab"
)

// networkSeconds is how long the network alone may take to apply.
const networkSeconds = 6

// network measures row k: everything that components.Network makes for the lab's
// stack, applied to nothing, by the lab's AWS and with its file backend.
func (b *bench) network(ctx context.Context) (row Row, err error) {
	row = Row{Name: "k  applying the network alone", Unit: "s", MaxOurs: networkSeconds}
	const name = "bench-network"
	dir := filepath.Join(b.work, name)
	if err := b.project(dir, name, nil); err != nil {
		return row, err
	}
	values, err := automation.Config(dir, name)
	if err != nil {
		return row, err
	}
	loaded, err := config.LoadFile(name, values)
	if err != nil {
		return row, err
	}
	declare := func(ctx *pulumi.Context) error {
		_, err := components.NewNetwork(ctx, "network", components.NetworkArgs{
			Stack: loaded, Tags: components.Tags{"kraftstack:stack": name, "ManagedBy": "kraftstack"},
		})
		return err
	}
	err = b.withCloud(ctx, func(_, usual string) error {
		restore, err := setEnvironment([]lab.Variable{{Name: "PULUMI_DEBUG_PROVIDERS", Value: usual}})
		if err != nil {
			return err
		}
		defer restore()
		for range previewRuns {
			made, err := row.applied(ctx, dir, name, declare)
			if err != nil {
				return err
			}
			row.Name = fmt.Sprintf("k  applying the network alone, %d resources", made)
		}
		return nil
	})
	return row, err
}

// applied adds one up to the row, and destroys what it made.
func (r *Row) applied(ctx context.Context, dir, name string, declare pulumi.RunFunc) (made int, err error) {
	stack, err := automation.Open(ctx, dir, name, declare, true)
	if err != nil {
		return 0, err
	}
	err = r.Ours.timed(func() error {
		return stack.Up(ctx, func(event apitype.EngineEvent) {
			if event.ResOutputsEvent != nil && event.ResOutputsEvent.Metadata.Op == apitype.OpCreate {
				made++
			}
		})
	})
	if err != nil {
		return made, err
	}
	return made, stack.Destroy(ctx, func(apitype.EngineEvent) {})
}
