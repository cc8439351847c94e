package cluster

import (
	"context"
	"time"
)

// awaitPace is the pause between two looks.
const awaitPace = time.Second

// AwaitHealthy looks at the cluster until nothing is wrong with it. Where ctx ends
// before that it returns what was wrong last, and ctx's error.
func AwaitHealthy(ctx context.Context, out Outputs) (wrong []string, err error) {
	tick := time.NewTicker(awaitPace)
	defer tick.Stop()
	for {
		view, err := Status(ctx, out, StatusOptions{})
		switch {
		case ctx.Err() != nil && wrong != nil: // the last look was cut short
		case err != nil:
			wrong = []string{err.Error()}
		case view.Healthy:
			return nil, nil
		default:
			wrong = view.Problems
		}
		select {
		case <-ctx.Done():
			return wrong, ctx.Err()
		case <-tick.C:
		}
	}
}

// IsDown says whether a node's host does not answer, and Kafka on it does not serve:
// to stop it takes nothing from the cluster. An error means that nobody could tell.
func IsDown(ctx context.Context, out Outputs, name string) (bool, error) {
	node, known := out.Node(name)
	if !known {
		return false, nil // it is new
	}
	t, err := Dial(ctx, out)
	if err != nil {
		return false, err
	}
	defer func() { _ = t.Close() }()
	if client, err := t.Host(ctx, node); err == nil {
		_ = client.Close() // it has answered
		return false, nil
	}
	view, err := Status(ctx, out, StatusOptions{})
	if err != nil {
		return false, err
	}
	return !view.serves(node), nil
}

// serves says whether a node does any of its work: as a broker, or as a voter.
func (v View) serves(node NodeOutput) bool {
	for _, broker := range v.Brokers {
		if broker.ID == int32(node.ID) && broker.Alive {
			return true
		}
	}
	if v.Quorum == nil {
		return node.Is(RoleController) // nobody could say
	}
	for _, voter := range v.Quorum.Voters {
		if voter.ID == int32(node.ID) && voter.CaughtUp {
			return true
		}
	}
	return false
}
