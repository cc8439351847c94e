package awsprovider

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type powerArgs struct {
	InstanceId string `pulumi:"instanceId" provider:"replaceOnChanges"`
	State      string `pulumi:"state"`
}

type powerState struct{ powerArgs }

// power is whether an instance runs, apart from the instance itself.
type power struct{}

func (power) token() (string, string) { return "ec2transitgateway/instanceState", "InstanceState" }

func (power) plan(_ *cloud, old powerState, in powerArgs) powerState {
	old.powerArgs = in
	return old
}

func (d power) create(ctx context.Context, c *cloud, in powerArgs, _ *powerState) (string, error) {
	return in.InstanceId, d.bring(ctx, c, in)
}

func (power) bring(ctx context.Context, c *cloud, in powerArgs) (err error) {
	ids := []string{in.InstanceId}
	switch types.InstanceStateName(in.State) {
	case types.InstanceStateNameStopped:
		_, err = c.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids})
	case types.InstanceStateNameRunning:
		_, err = c.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids})
	default:
		return fmt.Errorf("aws: InstanceState: expected state to be one of [running stopped], got %s", in.State)
	}
	if err != nil {
		return failed("change the state of", in.InstanceId, err)
	}
	return await(ctx, in.InstanceId+" to be "+in.State, 10*time.Minute, func(ctx context.Context) (bool, string, error) {
		found, err := describeInstance(ctx, c, in.InstanceId)
		if err != nil {
			return false, "", err
		}
		return string(found.State.Name) == in.State, string(found.State.Name), nil
	})
}

func (power) read(ctx context.Context, c *cloud, id string, in *powerArgs, st *powerState) error {
	found, err := describeInstance(ctx, c, id)
	if err != nil {
		return err
	}
	if found.State.Name == types.InstanceStateNameTerminated {
		return errGone
	}
	in.InstanceId, in.State = aws.ToString(found.InstanceId), string(found.State.Name)
	st.powerArgs = *in
	return nil
}

func (d power) update(ctx context.Context, c *cloud, _ string, _ powerState, in powerArgs, _ *powerState) error {
	return d.bring(ctx, c, in)
}

// remove leaves the instance as it is, as the real provider does.
func (power) remove(context.Context, *cloud, string, powerState) error { return nil }
