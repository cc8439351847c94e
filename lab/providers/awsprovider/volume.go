package awsprovider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

type volumeArgs struct {
	AvailabilityZone string            `pulumi:"availabilityZone" provider:"replaceOnChanges"`
	Size             int               `pulumi:"size"`
	Type             *string           `pulumi:"type,optional"`
	Iops             *int              `pulumi:"iops,optional"`
	Throughput       *int              `pulumi:"throughput,optional"`
	Encrypted        *bool             `pulumi:"encrypted,optional" provider:"replaceOnChanges"`
	KmsKeyId         *string           `pulumi:"kmsKeyId,optional" provider:"replaceOnChanges"`
	Tags             map[string]string `pulumi:"tags,optional"`
}

type volumeState struct {
	volumeArgs
	Arn     string            `pulumi:"arn"`
	TagsAll map[string]string `pulumi:"tagsAll"`
}

func (s *volumeState) made() bool { return s.Arn != "" }

// checkVolume holds AWS's limits of gp3 (3,000 to 16,000 IOPS and 500 for each
// GiB at most; 125 to 1,000 MiB/s and a quarter for each provisioned IOPS),
// which the emulator does not.
func checkVolume(in property.Map) []p.CheckFailure {
	size, known := number(in, "size")
	_, throughput := number(in, "throughput")
	switch {
	case known && (size < 1 || size > 16384):
		return []p.CheckFailure{{Property: "size", Reason: fmt.Sprintf("size is %v GiB, allowed are 1 to 16384", size)}}
	case text(in, "type") == "gp3":
		return checkGP3(in)
	case throughput:
		return []p.CheckFailure{{Property: "throughput", Reason: "throughput may be given with type gp3 only"}}
	}
	return nil
}

func checkGP3(in property.Map) (failures []p.CheckFailure) {
	fail := func(key, format string, a ...any) {
		failures = append(failures, p.CheckFailure{Property: key, Reason: fmt.Sprintf(format, a...)})
	}
	size, sizeKnown := number(in, "size")
	iops, iopsKnown := number(in, "iops")
	throughput, throughputKnown := number(in, "throughput")
	if iopsKnown && (iops < 3000 || iops > 16000 || sizeKnown && iops > 3000 && iops > 500*size) {
		fail("iops", "iops is %v, a gp3 volume takes 3000 to 16000 and at most 500 for each GiB", iops)
	}
	provisioned := 3000.0
	if iopsKnown {
		provisioned = iops
	}
	if throughputKnown && (throughput < 125 || throughput > 1000 || throughput > provisioned/4) {
		fail("throughput", "throughput is %v MiB/s, a gp3 volume takes 125 to 1000 and at most 0.25 for each of its IOPS", throughput)
	}
	return failures
}

func number(in property.Map, key string) (float64, bool) {
	if v, ok := in.GetOk(key); ok && v.IsNumber() {
		return v.AsNumber(), true
	}
	return 0, false
}

type volume struct{}

func (volume) token() (string, string) { return "ebs/volume", "Volume" }

func (volume) plan(c *cloud, old volumeState, in volumeArgs) volumeState {
	was := old.volumeArgs
	old.volumeArgs = in
	old.Type = keep(in.Type, was.Type)
	old.Iops = keep(in.Iops, was.Iops)
	old.Throughput = keep(in.Throughput, was.Throughput)
	old.KmsKeyId = keep(in.KmsKeyId, was.KmsKeyId)
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d volume) create(ctx context.Context, c *cloud, in volumeArgs, st *volumeState) (string, error) {
	req, done := once(ctx)
	defer done()
	ask := &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(in.AvailabilityZone), Size: aws.Int32(int32(in.Size)),
		Iops: int32Of(in.Iops), Throughput: int32Of(in.Throughput), Encrypted: in.Encrypted, KmsKeyId: in.KmsKeyId,
		TagSpecifications: ec2TagSpec(types.ResourceTypeVolume, st.TagsAll),
	}
	if in.Type != nil {
		ask.VolumeType = types.VolumeType(*in.Type)
	}
	out, err := c.ec2.CreateVolume(req, ask)
	if err != nil {
		return "", failed("CreateVolume", fmt.Sprintf("%d GiB in %s", in.Size, in.AvailabilityZone), err)
	}
	id := aws.ToString(out.VolumeId)
	err = await(ctx, id+" to be available", 5*time.Minute, func(ctx context.Context) (bool, string, error) {
		v, err := describeVolume(ctx, c, id)
		if err != nil {
			return false, "", err
		}
		d.fill(v, st)
		return v.State == types.VolumeStateAvailable, string(v.State), nil
	})
	if err == nil {
		st.Arn, err = c.ownArn(req, "volume/"+id)
	}
	return id, err
}

func describeVolume(ctx context.Context, c *cloud, id string) (types.Volume, error) {
	out, err := c.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{id}})
	if notFound(err) || err == nil && len(out.Volumes) == 0 {
		return types.Volume{}, errGone
	}
	if err != nil {
		return types.Volume{}, failed("DescribeVolumes", id, err)
	}
	return out.Volumes[0], nil
}

// fill takes what AWS chose where the program gave nothing.
func (volume) fill(v types.Volume, st *volumeState) {
	st.Type = keep(st.Type, optional(string(v.VolumeType)))
	st.Iops = keep(st.Iops, intOf(v.Iops))
	st.Throughput = keep(st.Throughput, intOf(v.Throughput))
	st.KmsKeyId = keep(st.KmsKeyId, v.KmsKeyId)
}

func (d volume) read(ctx context.Context, c *cloud, id string, in *volumeArgs, st *volumeState) error {
	v, err := describeVolume(ctx, c, id)
	if err != nil {
		return err
	}
	if v.State == types.VolumeStateDeleting || v.State == types.VolumeStateDeleted {
		return errGone
	}
	in.AvailabilityZone = aws.ToString(v.AvailabilityZone)
	in.Size = int(aws.ToInt32(v.Size))
	driftGiven(&in.Type, optional(string(v.VolumeType)))
	driftGiven(&in.Iops, intOf(v.Iops))
	driftGiven(&in.Throughput, intOf(v.Throughput))
	drift(&in.Encrypted, v.Encrypted, false)
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(v.Tags), in.Tags)
	st.volumeArgs = *in
	d.fill(v, st)
	return nil
}

func (d volume) update(ctx context.Context, c *cloud, id string, old volumeState, in volumeArgs, st *volumeState) error {
	if in.Size < old.Size {
		return fmt.Errorf("aws: ModifyVolume for %s: a volume cannot shrink from %d to %d GiB; "+
			"next: put the old size back, or make a new volume and move the data", id, old.Size, in.Size)
	}
	ask := &ec2.ModifyVolumeInput{VolumeId: aws.String(id)}
	changed := in.Size != old.Size
	ask.Size = aws.Int32(int32(in.Size))
	if in.Type != nil && aws.ToString(old.Type) != *in.Type {
		ask.VolumeType, changed = types.VolumeType(*in.Type), true
	}
	if in.Iops != nil && aws.ToInt(old.Iops) != *in.Iops {
		ask.Iops, changed = int32Of(in.Iops), true
	}
	if in.Throughput != nil && aws.ToInt(old.Throughput) != *in.Throughput {
		ask.Throughput, changed = int32Of(in.Throughput), true
	}
	if changed {
		if err := modifyVolume(ctx, c, ask); err != nil {
			return err
		}
	}
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

// modifyVolume waits until the new size can be used: AWS goes on optimizing
// for hours after that.
func modifyVolume(ctx context.Context, c *cloud, ask *ec2.ModifyVolumeInput) error {
	id := aws.ToString(ask.VolumeId)
	if _, err := c.ec2.ModifyVolume(ctx, ask); err != nil {
		return failed("ModifyVolume", id, err)
	}
	return await(ctx, "the modification of "+id, 5*time.Minute, func(ctx context.Context) (bool, string, error) {
		out, err := c.ec2.DescribeVolumesModifications(ctx, &ec2.DescribeVolumesModificationsInput{VolumeIds: []string{id}})
		if err != nil {
			return false, "", failed("DescribeVolumesModifications", id, err)
		}
		state := types.VolumeModificationStateCompleted
		for _, m := range out.VolumesModifications {
			state = m.ModificationState
		}
		if state == types.VolumeModificationStateFailed {
			return false, "", fmt.Errorf("aws: ModifyVolume for %s failed", id)
		}
		return state != types.VolumeModificationStateModifying, string(state), nil
	})
}

func (volume) remove(ctx context.Context, c *cloud, id string, _ volumeState) error {
	err := deleting(ctx, "DeleteVolume", id, func(ctx context.Context) error {
		_, err := c.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: aws.String(id)})
		return err
	})
	if err != nil {
		return err
	}
	return await(ctx, id+" to be deleted", 5*time.Minute, func(ctx context.Context) (bool, string, error) {
		v, err := describeVolume(ctx, c, id)
		if errors.Is(err, errGone) {
			return true, "", nil
		}
		return false, string(v.State), err
	})
}
