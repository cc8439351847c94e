package components

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Gate returns when the cluster can do without one of its nodes, or with the
// reason why not. It is given by whoever can look at the running cluster: a
// program alone sees resources.
type Gate func(ctx context.Context, node string) error

// errNoGate is for an engine that runs the program without the driver.
var errNoGate = errors.New("another instance type stops the host, and nothing here can ask the cluster whether it can do without it: " +
	"kraftstack up changes instance types host by host")

// turns let one node at a time be stopped. EC2 changes the type of an instance
// only while that is stopped, and the engine would change those of all nodes side
// by side; nor can the graph order them, for a new cluster is born side by side.
type turns struct {
	gate Gate
	free chan struct{} // holds one token while no node is being stopped

	mu    sync.Mutex
	taken time.Time
}

// turnLimit is for how long a node may keep its turn. The aws provider gives up
// on an instance earlier.
const turnLimit = 15 * time.Minute

// newTurns registers the hooks of the nodes' instances.
func newTurns(ctx *pulumi.Context, gate Gate) (*pulumi.ResourceHookBinding, error) {
	t := &turns{gate: gate, free: make(chan struct{}, 1)}
	t.free <- struct{}{}
	before, err := ctx.RegisterResourceHook("node-waits-for-its-turn", func(args *pulumi.ResourceHookArgs) error {
		return t.wait(ctx.Context(), args)
	}, nil)
	if err != nil {
		return nil, err
	}
	after, err := ctx.RegisterResourceHook("node-ends-its-turn", func(args *pulumi.ResourceHookArgs) error {
		if stops(args) {
			t.free <- struct{}{}
		}
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return &pulumi.ResourceHookBinding{BeforeUpdate: []*pulumi.ResourceHook{before}, AfterUpdate: []*pulumi.ResourceHook{after}}, nil
}

// stops says whether an update stops the instance.
func stops(args *pulumi.ResourceHookArgs) bool {
	return !args.OldInputs["instanceType"].DeepEquals(args.NewInputs["instanceType"])
}

// wait takes the turn. A node whose change failed keeps it, for nothing tells of
// that: those behind it are not to follow, and give up in the end.
func (t *turns) wait(ctx context.Context, args *pulumi.ResourceHookArgs) error {
	if !stops(args) {
		return nil
	}
	if t.gate == nil {
		return errNoGate
	}
	limit := time.NewTimer(turnLimit)
	defer limit.Stop()
	for got := false; !got; {
		select {
		case <-t.free:
			got = true
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			left := turnLimit - time.Since(t.since())
			if left <= 0 {
				return fmt.Errorf("%s was not changed: the host before it did not end within %s", args.Name, turnLimit)
			}
			limit.Reset(left)
		}
	}
	t.mu.Lock()
	t.taken = time.Now()
	t.mu.Unlock()
	err := t.gate(ctx, strings.TrimSuffix(args.Name, "-instance"))
	if err != nil {
		t.free <- struct{}{} // the next one's gate decides for itself
	}
	return err
}

func (t *turns) since() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.taken
}
