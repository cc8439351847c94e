package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
)

// comeBackLimit is how long a host that was stopped may take to boot and to catch
// up before the next one's turn.
const comeBackLimit = 10 * time.Minute

// mayStop is the gate of a node whose instance gets another type: it returns when
// the cluster is whole, so with the node before it back and in sync, or at once for a
// node that is down, which gives nothing to lose. Nodes ask one at a time.
func (op *operation) mayStop(ctx context.Context, node string) error {
	limit := time.Duration(op.file.Rolling.GateTimeoutSeconds) * time.Second
	if op.stopped {
		limit = comeBackLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, err := automation.Outputs(ctx, op.dir, op.stack)
	if err != nil {
		return err
	}
	// A run that was killed may have left it stopped, and nobody else starts it.
	if down, err := cluster.IsDown(ctx, out, node); err == nil && down {
		op.stopped = true
		return nil
	}
	wrong, err := cluster.AwaitHealthy(ctx, out)
	if err != nil {
		return fmt.Errorf("%s was not stopped: within %s the cluster was not whole: %s; next: kraftstack status --stack %s --hosts; up goes on when it is healthy",
			node, limit, strings.Join(wrong, ", "), op.stack)
	}
	op.stopped = true
	return nil
}

// awaitStopped returns when the last host that was stopped is back too.
func (op *operation) awaitStopped(ctx context.Context) error {
	if !op.stopped {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, comeBackLimit)
	defer cancel()
	out, err := automation.Outputs(ctx, op.dir, op.stack)
	if err != nil {
		return err
	}
	wrong, err := cluster.AwaitHealthy(ctx, out)
	if err != nil {
		return &fail.Error{
			Cause: fail.Unhealthy, Op: "wait for the hosts that were stopped to come back",
			Err:  fmt.Errorf("within %s the cluster did not become whole: %s", comeBackLimit, strings.Join(wrong, ", ")),
			Next: "kraftstack status --stack " + op.stack + " --hosts",
		}
	}
	return nil
}
