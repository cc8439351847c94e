package components

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
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
