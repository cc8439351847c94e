package automation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// commandType is the type of a step on a host.
const commandType = "command:remote:Command"

// driftVariable is what a step's record says in its environment about what was
// found. No step has an environment, so the next Up sees a difference there,
// and nowhere else.
const driftVariable = "KRAFTSTACK_DRIFT"

// Drifted is a host on which the work of some steps is undone.
type Drifted struct {
	Host  string
	Found string // what was found, for whoever reads the next preview
	// Roll says that Kafka itself may have to be restarted for it.
	Roll bool
}

// MarkDrifted notes in the stack's state that hosts are no longer as their steps
// left them. The engine has no way to see that: a command cannot be read back. The
// next Up then runs these steps again, as updates, in their order and behind the
// same gates as ever: a step that was only to be done once, on a new host, is not
// done again.
func (s *Stack) MarkDrifted(ctx context.Context, hosts []Drifted) error {
	op := "note what was found on the hosts of stack " + s.Name
	state, err := s.inner.Export(ctx)
	if err != nil {
		return Classify(op, err, nil)
	}
	if state.Deployment, err = markDrifted(state.Deployment, hosts); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	if err := s.inner.Import(ctx, state); err != nil {
		return Classify(op, err, nil)
	}
	return nil
}

// markDrifted changes nothing of a deployment but the environments, whatever
// else a newer engine has written into it.
func markDrifted(deployment json.RawMessage, hosts []Drifted) (json.RawMessage, error) {
	var state map[string]any
	decoder := json.NewDecoder(bytes.NewReader(deployment))
	decoder.UseNumber()
	if err := decoder.Decode(&state); err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	resources, _ := state["resources"].([]any)
	for _, item := range resources {
		entry, _ := item.(map[string]any)
		urn, _ := entry["urn"].(string)
		if entry["type"] != commandType {
			continue
		}
		for _, host := range hosts {
			step, own := strings.CutPrefix(resource.URN(urn).Name(), host.Host+"-")
			if !own || step == "roll" && !host.Roll {
				continue
			}
			for _, side := range []string{"inputs", "outputs"} {
				if values, ok := entry[side].(map[string]any); ok {
					values["environment"] = map[string]any{driftVariable: host.Found}
				}
			}
		}
	}
	return json.Marshal(state)
}
