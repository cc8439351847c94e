package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
)

func flagRepair(c *cobra.Command, o *options) {
	c.Flags().BoolVar(&o.repair, "repair", false, "audit the hosts first, and apply the stack again to those that differ")
}

// markDrifted audits the hosts and notes in the state which of them differ, so
// that up applies the stack to them again, restarts included and gated as ever.
func (op *operation) markDrifted(ctx context.Context, stack *automation.Stack) error {
	if !op.repair {
		return nil
	}
	audit, err := op.audit(ctx)
	if err != nil {
		return err
	}
	var drifted []automation.Drifted
	for _, host := range audit.Differing() {
		if len(op.hosts) == 0 || slices.Contains(op.hosts, host.Name) {
			drifted = append(drifted, mendable(host)...)
		}
	}
	if len(drifted) == 0 {
		return nil
	}
	return stack.MarkDrifted(ctx, drifted)
}

// checkRepaired audits again: what is left is for a person to judge.
func (op *operation) checkRepaired(ctx context.Context) error {
	if !op.repair {
		return nil
	}
	audit, err := op.audit(ctx)
	if err != nil || audit.Clean {
		return err
	}
	if !op.json {
		if err := writeAudit(op.command.OutOrStdout(), audit); err != nil {
			return err
		}
	}
	return drifted(audit)
}

func (op *operation) audit(ctx context.Context) (cluster.Audit, error) {
	out, err := automation.Outputs(ctx, op.dir, op.stack)
	if err != nil {
		return cluster.Audit{}, err
	}
	audit, err := cluster.AuditHosts(ctx, out)
	if fail.Of(err) == fail.Unreachable {
		return audit, &fail.Error{
			Cause: fail.Unreachable, Op: "look for what to repair on stack " + op.stack, Err: err,
			Next: fmt.Sprintf("kraftstack refresh --stack %[1]s, then kraftstack up --stack %[1]s without --repair: hosts come back first", op.stack),
		}
	}
	return audit, err
}

// mendable is what up can mend on a host, if anything.
func mendable(host cluster.HostAudit) []automation.Drifted {
	var found []string
	roll := false
	for _, d := range host.Drift {
		if d.Mendable() {
			found = append(found, d.Kind+" "+d.What)
		}
		roll = roll || d.NeedsRoll()
	}
	if len(found) == 0 {
		return nil
	}
	return []automation.Drifted{{Host: host.Name, Found: strings.Join(found, ", "), Roll: roll}}
}

// errRepairPlan is for --repair beside --plan.
var errRepairPlan = errors.New("--repair finds out itself what to do, so it goes with no --plan")
