package awsprovider

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

type volumeAttachmentArgs struct {
	DeviceName string `pulumi:"deviceName" provider:"replaceOnChanges"`
	InstanceId string `pulumi:"instanceId" provider:"replaceOnChanges"`
	VolumeId   string `pulumi:"volumeId" provider:"replaceOnChanges"`
	// The three say how the attachment is taken away; a change of one is kept
	// in the state until then.
	ForceDetach                 *bool `pulumi:"forceDetach,optional"`
	SkipDestroy                 *bool `pulumi:"skipDestroy,optional"`
	StopInstanceBeforeDetaching *bool `pulumi:"stopInstanceBeforeDetaching,optional"`
}

type volumeAttachmentState struct {
	volumeAttachmentArgs
}

type volumeAttachment struct{}

func (volumeAttachment) token() (string, string) { return "ec2/volumeAttachment", "VolumeAttachment" }

func (volumeAttachment) plan(_ *cloud, old volumeAttachmentState, in volumeAttachmentArgs) volumeAttachmentState {
	old.volumeAttachmentArgs = in
	return old
}

func (in volumeAttachmentArgs) subject() string {
	return fmt.Sprintf("%s on %s as %s", in.VolumeId, in.InstanceId, in.DeviceName)
}

func (volumeAttachment) create(ctx context.Context, c *cloud, in volumeAttachmentArgs, _ *volumeAttachmentState) (string, error) {
	req, done := once(ctx)
	defer done()
	v, err := describeVolume(req, c, in.VolumeId)
	if errors.Is(err, errGone) {
		return "", failed("AttachVolume", in.subject(), &smithy.GenericAPIError{Code: "InvalidVolume.NotFound",
			Message: "the volume does not exist"})
	}
	if err != nil {
		return "", err
	}
	if a, held := attachedTo(v); held && aws.ToString(a.InstanceId) != in.InstanceId {
		return "", failed("AttachVolume", in.subject(), &smithy.GenericAPIError{Code: "VolumeInUse",
			Message: fmt.Sprintf("%s is already attached to %s", in.VolumeId, aws.ToString(a.InstanceId))})
	} else if !held {
		// As with the real provider the instance must run first: a pending one
		// is refused by AWS.
		if err := awaitInstance(ctx, c, in.InstanceId, types.InstanceStateNameRunning, types.InstanceStateNameStopped); err != nil {
			return "", err
		}
		if _, err := c.ec2.AttachVolume(req, &ec2.AttachVolumeInput{
			Device: aws.String(in.DeviceName), InstanceId: aws.String(in.InstanceId), VolumeId: aws.String(in.VolumeId),
		}); err != nil {
			return "", failed("AttachVolume", in.subject(), err)
		}
	}
	sum := crc32.ChecksumIEEE([]byte(in.DeviceName + "-" + in.InstanceId + "-" + in.VolumeId + "-"))
	id := fmt.Sprintf("vai-%d", sum)
	return id, await(ctx, in.subject()+" to be attached", 5*time.Minute, func(ctx context.Context) (bool, string, error) {
		v, err := describeVolume(ctx, c, in.VolumeId)
		if err != nil {
			return false, "", err
		}
		a, held := attachedTo(v)
		return held && a.State == types.VolumeAttachmentStateAttached, string(a.State), nil
	})
}

func attachedTo(v types.Volume) (types.VolumeAttachment, bool) {
	for _, a := range v.Attachments {
		if a.State != types.VolumeAttachmentStateDetached {
			return a, true
		}
	}
	return types.VolumeAttachment{}, false
}

func (volumeAttachment) read(ctx context.Context, c *cloud, _ string, in *volumeAttachmentArgs, st *volumeAttachmentState) error {
	v, err := describeVolume(ctx, c, st.VolumeId)
	if err != nil {
		return err
	}
	a, held := attachedTo(v)
	if !held || aws.ToString(a.InstanceId) != st.InstanceId {
		return errGone
	}
	in.DeviceName = aws.ToString(a.Device)
	in.InstanceId = aws.ToString(a.InstanceId)
	in.VolumeId = aws.ToString(a.VolumeId)
	st.volumeAttachmentArgs = *in
	return nil
}

// update has nothing to do in the cloud: see the three fields.
func (volumeAttachment) update(context.Context, *cloud, string, volumeAttachmentState, volumeAttachmentArgs, *volumeAttachmentState) error {
	return nil
}

func (volumeAttachment) remove(ctx context.Context, c *cloud, _ string, st volumeAttachmentState) error {
	if orFalse(st.SkipDestroy) {
		return nil
	}
	v, err := describeVolume(ctx, c, st.VolumeId)
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil {
		return err
	}
	if a, held := attachedTo(v); !held || aws.ToString(a.InstanceId) != st.InstanceId {
		return nil
	}
	if orFalse(st.StopInstanceBeforeDetaching) {
		if err := stopInstance(ctx, c, st.InstanceId); err != nil && !errors.Is(err, errGone) {
			return err
		}
	}
	_, err = c.ec2.DetachVolume(ctx, &ec2.DetachVolumeInput{
		VolumeId: aws.String(st.VolumeId), InstanceId: aws.String(st.InstanceId),
		Device: aws.String(st.DeviceName), Force: st.ForceDetach})
	if err != nil && !notFound(err) && !hasCode(err, "IncorrectState") {
		return failed("DetachVolume", st.subject(), err)
	}
	return await(ctx, st.subject()+" to be detached", 5*time.Minute, func(ctx context.Context) (bool, string, error) {
		v, err := describeVolume(ctx, c, st.VolumeId)
		if errors.Is(err, errGone) {
			return true, "", nil
		}
		a, held := attachedTo(v)
		return err == nil && (!held || aws.ToString(a.InstanceId) != st.InstanceId), string(a.State), err
	})
}
