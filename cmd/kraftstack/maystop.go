package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kraftstack/components"
	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
)

// comeBackLimit is how long a host that was stopped may take to boot and to catch
// up before the next one's turn.
const comeBackLimit = 10 * time.Minute

// stopGate is the gate of nodes whose instances get another type.
type stopGate struct {
	op      *operation
	stopped atomic.Bool // a node's instance is, or was

	mu  sync.Mutex // one looks at a time: a bastion takes few who log in at once
	out *cluster.Outputs
}

var _ components.Gate = (*stopGate)(nil)

// MayStop returns when the cluster is whole, so with the node before it back and in
// sync, or at once for a node that is down. Nodes ask one at a time.
func (g *stopGate) MayStop(ctx context.Context, node string) error {
	limit := time.Duration(g.op.file.Rolling.GateTimeoutSeconds) * time.Second
	began := g.stopped.Load()
	if began {
		limit = comeBackLimit
	}
	if g.IsDown(ctx, node) {
		return nil
	}
	wrong, err := g.await(ctx, limit)
	if err != nil && ctx.Err() == nil && !began && g.stopped.Load() {
		// Another node was found down meanwhile, and is on its way back.
		limit = comeBackLimit
		wrong, err = g.await(ctx, limit)
	}
	if err != nil {
		return fmt.Errorf("%s was not stopped: within %s the cluster was not whole: %s; next: kraftstack status --stack %s --hosts; up goes on when it is healthy",
			node, limit, strings.Join(wrong, ", "), g.op.stack)
	}
	g.stopped.Store(true)
	return nil
}

// IsDown says whether a node is down: a run that was killed may have left it stopped,
// and nobody else starts it.
func (g *stopGate) IsDown(ctx context.Context, node string) bool {
	out, err := g.outputs(ctx)
	if err != nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	down, err := cluster.IsDown(ctx, out, node)
	if err != nil || !down {
		return false
	}
	g.stopped.Store(true)
	return true
}

// await waits until the cluster is whole, and says what is wrong where it is not in time.
func (g *stopGate) await(ctx context.Context, limit time.Duration) (wrong []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, err := g.outputs(ctx)
	if err != nil {
		return []string{err.Error()}, err
	}
	return cluster.AwaitHealthy(ctx, out)
}

// outputs are those of the state, which has the same ones until the run ends.
func (g *stopGate) outputs(ctx context.Context) (cluster.Outputs, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.out == nil {
		out, err := automation.Outputs(ctx, g.op.dir, g.op.stack)
		if err != nil {
			return cluster.Outputs{}, err
		}
		g.out = &out
	}
	return *g.out, nil
}

// awaitStopped returns when the last host that was stopped is back too.
func (g *stopGate) awaitStopped(ctx context.Context) error {
	if !g.stopped.Load() {
		return nil
	}
	g.out = nil // the run has ended, and its stack may have others
	wrong, err := g.await(ctx, comeBackLimit)
	if err != nil {
		return &fail.Error{
			Cause: fail.Unhealthy, Op: "wait for the hosts that were stopped to come back",
			Err:  fmt.Errorf("within %s the cluster did not become whole: %s", comeBackLimit, strings.Join(wrong, ", ")),
			Next: "kraftstack status --stack " + g.op.stack + " --hosts",
		}
	}
	return nil
}
