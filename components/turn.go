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

// Gate tells of the running cluster. It is given by whoever can look at that: a
// program alone sees resources.
type Gate interface {
	// MayStop returns when the cluster can do without one of its nodes, or with the
	// reason why not.
	MayStop(ctx context.Context, node string) error
	// IsDown says that a node's host is down already, so that to stop it takes nothing
	// from the cluster. Where nobody can tell it is false.
	IsDown(ctx context.Context, node string) bool
}

// errNoGate is for an engine that runs the program without the driver.
var errNoGate = errors.New("another instance type stops the host, and nothing here can ask the cluster whether it can do without it: " +
	"kraftstack up changes instance types host by host")

// turns let one node at a time be stopped. EC2 changes the type of an instance
// only while that is stopped, and the engine would change those of all nodes side
// by side; nor can the graph order them, for a new cluster is born side by side.
type turns struct {
	gate Gate
	free chan struct{} // holds one token while no node is being stopped

	mu     sync.Mutex
	taken  time.Time
	holder string // the resource that has the turn
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
		t.end(args.Name)
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
// that: those behind it are not to follow, and give up in the end. A node that is down
// needs no turn, and must not wait for one: it may be what the gate of the node that
// has the turn waits for.
func (t *turns) wait(ctx context.Context, args *pulumi.ResourceHookArgs) error {
	if !stops(args) {
		return nil
	}
	if t.gate == nil {
		return errNoGate
	}
	node := strings.TrimSuffix(args.Name, "-instance")
	if t.gate.IsDown(ctx, node) {
		return nil
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
	t.taken, t.holder = time.Now(), args.Name
	t.mu.Unlock()
	err := t.gate.MayStop(ctx, node)
	if err != nil {
		t.end(args.Name) // the next one's gate decides for itself
	}
	return err
}

// end gives the turn back, if the resource has it.
func (t *turns) end(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holder == name {
		t.holder = ""
		t.free <- struct{}{}
	}
}

func (t *turns) since() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.taken
}
