package components

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func toType(name, before, after string) *pulumi.ResourceHookArgs {
	inputs := func(size string) resource.PropertyMap {
		return resource.PropertyMap{"instanceType": resource.NewProperty(size)}
	}
	return &pulumi.ResourceHookArgs{Name: name, OldInputs: inputs(before), NewInputs: inputs(after)}
}

// gate is one of functions; without a function for it no node is down.
type gate struct {
	mayStop func(node string) error
	isDown  func(node string) bool
}

func (g gate) MayStop(_ context.Context, node string) error { return g.mayStop(node) }

func (g gate) IsDown(_ context.Context, node string) bool { return g.isDown != nil && g.isDown(node) }

func aTurn(gate Gate) *turns {
	t := &turns{gate: gate, free: make(chan struct{}, 1)}
	t.free <- struct{}{}
	return t
}

func TestOneNodeStopsAtATime(t *testing.T) {
	asked := make(chan string, 2)
	turn := aTurn(gate{mayStop: func(node string) error { asked <- node; return nil }})
	if err := turn.wait(t.Context(), toType("broker-1001-instance", "m7g.large", "m7g.large")); err != nil || len(asked) != 0 {
		t.Fatalf("an update of another kind was held up: %v", err)
	}
	if err := turn.wait(t.Context(), toType("broker-1001-instance", "m7g.large", "m7g.xlarge")); err != nil {
		t.Fatal(err)
	}
	second := make(chan error)
	go func() { second <- turn.wait(t.Context(), toType("broker-1002-instance", "m7g.large", "m7g.xlarge")) }()
	if node := <-asked; node != "broker-1001" {
		t.Errorf("the gate was asked about %s", node)
	}
	select {
	case node := <-asked:
		t.Fatalf("%s was stopped beside broker-1001", node)
	case <-time.After(50 * time.Millisecond): // nothing can tell that a goroutine waits
	}
	turn.end("broker-1001-instance")
	if err := <-second; err != nil || <-asked != "broker-1002" {
		t.Errorf("the second node: %v", err)
	}
}

// A node that a killed run left stopped is started while another one's gate waits for it.
func TestNodeThatIsDownNeedsNoTurn(t *testing.T) {
	asked, back := make(chan string, 2), make(chan struct{})
	turn := aTurn(gate{
		mayStop: func(node string) error { asked <- node; <-back; return nil },
		isDown:  func(node string) bool { return node == "broker-1001" },
	})
	other := make(chan error)
	go func() { other <- turn.wait(t.Context(), toType("broker-1002-instance", "a", "b")) }()
	if node := <-asked; node != "broker-1002" {
		t.Fatalf("the gate was asked about %s", node)
	}
	if err := turn.wait(t.Context(), toType("broker-1001-instance", "a", "b")); err != nil {
		t.Fatal(err)
	}
	turn.end("broker-1001-instance")
	select {
	case <-turn.free:
		t.Error("a node that had no turn gave it back")
	default:
	}
	close(back)
	if err := <-other; err != nil || len(asked) != 0 {
		t.Errorf("the other node: %v; and the gate was asked about %d more", err, len(asked))
	}
}

func TestRefusedNodeLeavesTheTurn(t *testing.T) {
	refusal := errors.New("not now")
	turn := aTurn(gate{mayStop: func(string) error { return refusal }})
	for range 2 {
		if err := turn.wait(t.Context(), toType("broker-1001-instance", "a", "b")); !errors.Is(err, refusal) {
			t.Errorf("the refusal became %v", err)
		}
	}
}

func TestNoGateStopsNothing(t *testing.T) {
	err := aTurn(nil).wait(t.Context(), toType("broker-1001-instance", "a", "b"))
	if err == nil || !strings.Contains(err.Error(), "kraftstack up changes instance types host by host") {
		t.Errorf("without a gate: %v", err)
	}
}

func TestInterruptEndsTheWait(t *testing.T) {
	turn := aTurn(gate{mayStop: func(string) error { return nil }})
	<-turn.free
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := turn.wait(ctx, toType("broker-1001-instance", "a", "b")); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted wait: %v", err)
	}
}
