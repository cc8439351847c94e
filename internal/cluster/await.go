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
