package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"kraftstack/internal/fail"
	"kraftstack/sessionmanager"
)

// dialSession connects to a port of a node through Session Manager. The agent on
// the node dials it there, on the node itself.
func (t *Tunnel) dialSession(ctx context.Context, address string) (net.Conn, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	node, ok := t.outputs.Node(host)
	if !ok {
		return nil, fmt.Errorf("connect to %s: Session Manager leads to hosts of the stack alone", address)
	}
	conn, err := t.sessions(ctx, node.Instance, port)
	if err != nil {
		return nil, err
	}
	return newDeadlineConn(conn), nil
}

// anyAnswers sees that at least one node can be reached, so that a stack whose
// way in is closed is told from one whose cluster is down.
func (t *Tunnel) anyAnswers(ctx context.Context) error {
	var last error
	for _, node := range t.outputs.Nodes {
		conn, err := t.dialSession(ctx, net.JoinHostPort(node.Name, "22"))
		if err == nil {
			_ = conn.Close() // it has answered; what becomes of it after that, its users will see
			return nil
		}
		last = err
		if _, away := errors.AsType[*sessionmanager.NotConnectedError](err); !away || ctx.Err() != nil {
			break // it would be the same with each host, or no time is left
		}
	}
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return &fail.Error{Cause: fail.Cancelled, Op: "reach the stack's hosts", Err: context.Canceled}
	}
	return &fail.Error{Cause: fail.Unreachable, Op: "reach the stack's hosts through Session Manager", Step: "session", Err: last, Next: t.sessionsNext()}
}

// sessionsNext is what to do where Session Manager leads nowhere.
func (t *Tunnel) sessionsNext() string {
	stack := " --stack " + t.outputs.Stack
	return "check that you may start sessions: docs/aws.md has the policy\n" +
		"check that hosts and endpoints are there: kraftstack refresh" + stack + ", then kraftstack up" + stack + "\n" +
		"an agent that found no endpoint looks again within the hour; a reboot of its instance makes it look at once"
}
