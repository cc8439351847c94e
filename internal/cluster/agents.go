package cluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kraftstack/scripts"
)

// tellTimeout bounds TellAgents.
const tellTimeout = time.Minute

// TellAgents has AWS's agent on each node look for Session Manager again as soon as
// the stack has endpoints for it in its network. It says which nodes could not be
// told, and why.
func TellAgents(ctx context.Context, out Outputs, network string) (untold []string) {
	ctx, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	t, err := Dial(ctx, out)
	if err != nil {
		return []string{"the agents could not be told of Session Manager: " + reason(err)}
	}
	defer func() { _ = t.Close() }()
	command := fmt.Sprintf("sudo -n bash -s -- ssmmessages.%s.amazonaws.com %s", out.Region, network)
	failed := make([]error, len(out.Nodes))
	t.eachNode(func(i int, node NodeOutput) { failed[i] = t.tell(ctx, node, command) })
	for i, err := range failed {
		if err != nil {
			untold = append(untold, fmt.Sprintf("the agent on %s could not be told of Session Manager: %s", out.Nodes[i].Name, reason(err)))
		}
	}
	return untold
}

func (t *Tunnel) tell(ctx context.Context, node NodeOutput, command string) error {
	client, err := t.Host(ctx, node)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	_, err = runWith(ctx, client, command, strings.NewReader(scripts.Agent()))
	return err
}
