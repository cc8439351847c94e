package awsprovider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// The stand-in has no snapshotWithoutReboot: the lab makes an image of a host
// that is shut down for it, which is AWS's default.
type amiFromInstanceArgs struct {
	Name             *string           `pulumi:"name,optional" provider:"replaceOnChanges"`
	Description      *string           `pulumi:"description,optional"`
	SourceInstanceId string            `pulumi:"sourceInstanceId" provider:"replaceOnChanges"`
	Tags             map[string]string `pulumi:"tags,optional"`
}

type amiFromInstanceState struct {
	amiFromInstanceArgs
	Architecture       string            `pulumi:"architecture"`
	Arn                string            `pulumi:"arn"`
	ManageEbsSnapshots bool              `pulumi:"manageEbsSnapshots"`
	OwnerId            string            `pulumi:"ownerId"`
	RootDeviceName     string            `pulumi:"rootDeviceName"`
	RootSnapshotId     string            `pulumi:"rootSnapshotId"`
	TagsAll            map[string]string `pulumi:"tagsAll"`
}

func (s *amiFromInstanceState) made() bool { return s.Arn != "" }

type amiFromInstance struct{}

func (amiFromInstance) token() (string, string) { return "ec2/amiFromInstance", "AmiFromInstance" }

func (amiFromInstance) plan(c *cloud, old amiFromInstanceState, in amiFromInstanceArgs) amiFromInstanceState {
	old.amiFromInstanceArgs = in
	old.ManageEbsSnapshots = true
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d amiFromInstance) create(ctx context.Context, c *cloud, in amiFromInstanceArgs, st *amiFromInstanceState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.CreateImage(req, &ec2.CreateImageInput{
		Name: in.Name, Description: in.Description, InstanceId: aws.String(in.SourceInstanceId), NoReboot: aws.Bool(false),
		TagSpecifications: ec2TagSpec(types.ResourceTypeImage, st.TagsAll),
	})
	if err != nil {
		return "", failed("CreateImage", in.SourceInstanceId, err)
	}
	id := aws.ToString(out.ImageId)
	err = await(ctx, id+" to be available", 40*time.Minute, func(ctx context.Context) (bool, string, error) {
		image, err := describeImage(ctx, c, id)
		if err != nil {
			return false, "", err
		}
		if image.State == types.ImageStateFailed {
			return false, "", fmt.Errorf("aws: CreateImage for %s: failed", id)
		}
		d.fill(c, image, st)
		return image.State == types.ImageStateAvailable, string(image.State), nil
	})
	return id, err
}

// describeImage takes a deregistered image for one that is gone.
func describeImage(ctx context.Context, c *cloud, id string) (types.Image, error) {
	out, err := c.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{id}})
	if notFound(err) || err == nil && len(out.Images) == 0 {
		return types.Image{}, errGone
	}
	if err != nil {
		return types.Image{}, failed("DescribeImages", id, err)
	}
	return out.Images[0], nil
}

func (amiFromInstance) fill(c *cloud, image types.Image, st *amiFromInstanceState) {
	st.Architecture = string(image.Architecture)
	st.Arn = c.ec2ARN("", "image/"+aws.ToString(image.ImageId))
	st.OwnerId = aws.ToString(image.OwnerId)
	st.RootDeviceName = aws.ToString(image.RootDeviceName)
	for _, mapping := range image.BlockDeviceMappings {
		if mapping.Ebs != nil && aws.ToString(mapping.DeviceName) == st.RootDeviceName {
			st.RootSnapshotId = aws.ToString(mapping.Ebs.SnapshotId)
		}
	}
}

func (d amiFromInstance) read(ctx context.Context, c *cloud, id string, in *amiFromInstanceArgs, st *amiFromInstanceState) error {
	image, err := describeImage(ctx, c, id)
	if err != nil {
		return err
	}
	in.Name, in.Description = image.Name, optional(aws.ToString(image.Description))
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(image.Tags), in.Tags)
	st.amiFromInstanceArgs = *in
	d.fill(c, image, st)
	return nil
}

// update knows tags alone: what an image is does not change.
func (amiFromInstance) update(ctx context.Context, c *cloud, id string, old amiFromInstanceState, in amiFromInstanceArgs, st *amiFromInstanceState) error {
	if aws.ToString(old.Description) != aws.ToString(in.Description) {
		return errors.New("the lab's stand-in cannot change the description of an image")
	}
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

// remove takes the image's snapshot away too, as manageEbsSnapshots says.
func (amiFromInstance) remove(ctx context.Context, c *cloud, id string, st amiFromInstanceState) error {
	_, err := c.ec2.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: aws.String(id)})
	if err != nil && !notFound(err) {
		return failed("DeregisterImage", id, err)
	}
	if st.RootSnapshotId == "" {
		return nil
	}
	_, err = c.ec2.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(st.RootSnapshotId)})
	if err != nil && !notFound(err) {
		return failed("DeleteSnapshot", st.RootSnapshotId, err)
	}
	return nil
}
