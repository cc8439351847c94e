package awsprovider

import (
	"context"
	"encoding/base64"
	"slices"
	"sort"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// groupIDs gives the instance's groups, in the order of like where they are
// the same ones: the order has no meaning and must make no difference.
func groupIDs(i types.Instance, like []string) []string {
	found := make([]string, 0, len(i.SecurityGroups))
	for _, g := range i.SecurityGroups {
		found = append(found, aws.ToString(g.GroupId))
	}
	sort.Strings(found)
	sorted := slices.Clone(like)
	sort.Strings(sorted)
	if slices.Equal(found, sorted) {
		return like
	}
	return found
}

// read takes a terminated instance, which AWS lists for an hour, for one that
// is gone.
func (d instance) read(ctx context.Context, c *cloud, id string, in *instanceArgs, st *instanceState) error {
	i, err := describeInstance(ctx, c, id)
	if err != nil {
		return err
	}
	if s := stateOf(i); s == types.InstanceStateNameTerminated || s == types.InstanceStateNameShuttingDown {
		return errGone
	}
	driftGiven(&in.Ami, i.ImageId)
	in.InstanceType = string(i.InstanceType)
	in.SubnetId = aws.ToString(i.SubnetId)
	driftGiven(&in.KeyName, i.KeyName)
	if i.Placement != nil {
		driftGiven(&in.PlacementGroup, optional(aws.ToString(i.Placement.GroupName)))
	}
	driftGiven(&in.PrivateIp, i.PrivateIpAddress)
	drift(&in.SourceDestCheck, i.SourceDestCheck, true)
	if in.VpcSecurityGroupIds != nil {
		in.VpcSecurityGroupIds = groupIDs(i, in.VpcSecurityGroupIds)
	}
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(i.Tags), in.Tags)
	if err := d.readAttributes(ctx, c, id, in); err != nil {
		return err
	}
	if err := d.readRoot(ctx, c, i, in); err != nil {
		return err
	}
	groups := st.VpcSecurityGroupIds
	st.instanceArgs = *in
	if in.VpcSecurityGroupIds == nil {
		st.VpcSecurityGroupIds = groups
	}
	st.UserData = userDataHash(in.UserData)
	return d.fill(ctx, c, id, st)
}

// readAttributes asks for what DescribeInstances does not tell.
func (instance) readAttributes(ctx context.Context, c *cloud, id string, in *instanceArgs) error {
	ask := func(name types.InstanceAttributeName) (*ec2.DescribeInstanceAttributeOutput, error) {
		out, err := c.ec2.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{
			InstanceId: aws.String(id), Attribute: name})
		return out, failed("DescribeInstanceAttribute "+string(name), id, err)
	}
	protection, err := ask(types.InstanceAttributeNameDisableApiTermination)
	if err != nil {
		return err
	}
	if protection.DisableApiTermination != nil {
		drift(&in.DisableApiTermination, protection.DisableApiTermination.Value, false)
	}
	data, err := ask(types.InstanceAttributeNameUserData)
	if err != nil {
		return err
	}
	var found *string
	if data.UserData != nil && aws.ToString(data.UserData.Value) != "" {
		raw, err := base64.StdEncoding.DecodeString(*data.UserData.Value)
		if err != nil {
			return failed("DescribeInstanceAttribute userData", id, err)
		}
		found = aws.String(string(raw))
	}
	if aws.ToString(found) != aws.ToString(in.UserData) {
		in.UserData = found
	}
	return nil
}

// readRoot reports a root volume that was changed behind our back, for the
// properties that the program gives.
func (instance) readRoot(ctx context.Context, c *cloud, i types.Instance, in *instanceArgs) error {
	if in.RootBlockDevice == nil {
		return nil
	}
	id := rootVolume(i)
	if id == "" {
		return nil
	}
	v, err := describeVolume(ctx, c, id)
	if err != nil {
		return err
	}
	root := *in.RootBlockDevice
	driftGiven(&root.VolumeSize, intOf(v.Size))
	driftGiven(&root.VolumeType, optional(string(v.VolumeType)))
	in.RootBlockDevice = &root
	return nil
}

// rootVolume gives the id of the instance's root volume, or "".
func rootVolume(i types.Instance) string {
	for _, m := range i.BlockDeviceMappings {
		if aws.ToString(m.DeviceName) == aws.ToString(i.RootDeviceName) && m.Ebs != nil {
			return aws.ToString(m.Ebs.VolumeId)
		}
	}
	return ""
}
