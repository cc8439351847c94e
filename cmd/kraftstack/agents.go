package main

import (
	"context"
	"fmt"

	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
)

// tellAgents prepares the hosts of a stack that is about to lose its bastion for the
// other way in, while the bastion still leads to them. A host that cannot be told is
// no reason to stop: it may be on its way out, and a new one needs no telling. Where
// it is none, its steps say that it is not connected, and the bastion stays.
func (op *operation) tellAgents(ctx context.Context) error {
	if op.use != "up" || !op.bastion || op.file.Access.HasBastion() {
		return nil
	}
	out, err := automation.Outputs(ctx, op.dir, op.stack)
	if err != nil {
		return err
	}
	for _, untold := range cluster.TellAgents(ctx, out, op.file.Network.CIDR.String()) {
		_, err := fmt.Fprintf(op.command.ErrOrStderr(), "warning: %s; if its step says that it is not connected to Session Manager, "+
			"give the stack its bastion back and run up again\n", untold)
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
