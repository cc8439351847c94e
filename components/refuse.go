package components

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
)

// refuseShrink ends a preview or an update that would make a volume smaller,
// which EBS cannot do: without it the first to say so would be AWS, in the
// middle of an update.
func refuseShrink(args *pulumi.ResourceHookArgs) error {
	before, after := args.OldInputs["size"], args.NewInputs["size"]
	if !before.IsNumber() || !after.IsNumber() || after.NumberValue() >= before.NumberValue() {
		return nil
	}
	return fmt.Errorf("the volume %s has %.0f GiB and the stack file says %.0f: an EBS volume never shrinks; write sizeGiB: %.0f again",
		args.Name, before.NumberValue(), after.NumberValue(), before.NumberValue())
}

// refuseFoundDisk ends a preview or an update in which a node has fewer lost disks
// than before: what may be formatted is told by that number going up.
func refuseFoundDisk(args *pulumi.ResourceHookArgs) error {
	before, after := args.OldInputs["lostDisks"], args.NewInputs["lostDisks"]
	if !before.IsNumber() || !after.IsNumber() || after.NumberValue() >= before.NumberValue() {
		return nil
	}
	return fmt.Errorf("hosts.lostDisks has %.0f for %s, and had %.0f: a disk that was lost stays so; write %[2]s: %.0[3]f again",
		after.NumberValue(), args.Name, before.NumberValue())
}

// refuseMove ends a preview or an update in which the quorum cannot get to where the
// stack file has it. Brokers become controllers by a restart, before which there is
// no voter that could replace dedicated ones; and these have to be told that the
// quorum is on brokers.
func refuseMove(args *pulumi.ResourceHookArgs) error {
	before, after, from := args.OldInputs["mode"], args.NewInputs["mode"], args.NewInputs["from"]
	if !before.IsString() || !after.IsString() || before.StringValue() == after.StringValue() {
		return nil
	}
	if after.StringValue() == config.ModeCombined {
		return errors.New("controllers.mode was dedicated: a quorum moves to hosts of its own, and not back; write mode: dedicated again")
	}
	if !from.IsString() || from.StringValue() != config.ModeCombined {
		return errors.New("controllers.mode was combined: write from: combined beside mode: dedicated to move the quorum, or mode: combined again")
	}
	return nil
}
