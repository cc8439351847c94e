package control

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"kraftstack/lab/cloud"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// launchData is what an instance was launched with. It is read once per
// instance: while the instance runs AWS lets nobody change it, and a key pair
// that is deleted later stays in the instance.
type launchData struct {
	userData   []byte
	publicKeys []string
}

// instances lists what is left of the region's instances: terminated ones stay
// visible for an hour.
func (r *reader) instances(ctx context.Context) ([]types.Instance, error) {
	var found []types.Instance
	pages := ec2.NewDescribeInstancesPaginator(r.ec2, &ec2.DescribeInstancesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, reservation := range page.Reservations {
			for _, instance := range reservation.Instances {
				if stateOf(instance) != "" {
					found = append(found, instance)
				}
			}
		}
	}
	return found, nil
}

func (r *reader) readImages(ctx context.Context, s *cloud.Snapshot) error {
	found, err := r.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{Owners: []string{"self"}})
	if err != nil {
		return err
	}
	for _, image := range found.Images {
		if source := aws.ToString(image.SourceInstanceId); source != "" {
			s.Images = append(s.Images, cloud.Image{ID: aws.ToString(image.ImageId), Source: source})
		}
	}
	return nil
}

// stateOf reduces AWS's states to the two that a host can be in.
func stateOf(instance types.Instance) string {
	switch instance.State.Name {
	case types.InstanceStateNamePending, types.InstanceStateNameRunning:
		return "running"
	case types.InstanceStateNameStopping, types.InstanceStateNameStopped:
		return "stopped"
	}
	return ""
}

func (r *reader) readInstances(ctx context.Context, instances []types.Instance, s *cloud.Snapshot) error {
	for _, instance := range instances {
		one, err := r.instance(ctx, instance)
		if err != nil {
			return fmt.Errorf("instance %s: %w", aws.ToString(instance.InstanceId), err)
		}
		s.Instances = append(s.Instances, one)
	}
	return nil
}

func (r *reader) instance(ctx context.Context, in types.Instance) (cloud.Instance, error) {
	out := cloud.Instance{
		ID:     aws.ToString(in.InstanceId),
		State:  stateOf(in),
		Image:  aws.ToString(in.ImageId),
		Type:   string(in.InstanceType),
		VPC:    aws.ToString(in.VpcId),
		Subnet: aws.ToString(in.SubnetId),
	}
	if in.Placement != nil {
		out.Zone = aws.ToString(in.Placement.AvailabilityZone)
	}
	for _, tag := range in.Tags {
		if aws.ToString(tag.Key) == "Name" {
			out.Name = aws.ToString(tag.Value)
		}
	}
	for _, group := range in.SecurityGroups {
		out.SecurityGroups = append(out.SecurityGroups, aws.ToString(group.GroupId))
	}
	slices.Sort(out.SecurityGroups)
	for _, mapping := range in.BlockDeviceMappings {
		if mapping.Ebs == nil || aws.ToString(mapping.DeviceName) == aws.ToString(in.RootDeviceName) {
			continue
		}
		out.Volumes = append(out.Volumes, cloud.Attachment{
			Volume: aws.ToString(mapping.Ebs.VolumeId), Device: aws.ToString(mapping.DeviceName),
		})
	}
	sortBy(out.Volumes, func(a cloud.Attachment) string { return a.Volume })
	var err error
	if out.PrivateIP, err = parseAddr("private address", aws.ToString(in.PrivateIpAddress)); err != nil {
		return out, err
	}
	launched, err := r.launched(ctx, out.ID, aws.ToString(in.KeyName), out.State)
	out.UserData, out.PublicKeys = launched.userData, launched.publicKeys
	return out, err
}

func (r *reader) launched(ctx context.Context, id, keyName, state string) (launchData, error) {
	r.control.mu.Lock()
	data, known := r.control.launch[id]
	r.control.mu.Unlock()
	if known && state == "running" {
		return data, nil
	}
	userData, err := r.userData(ctx, id)
	if err != nil {
		return data, err
	}
	data.userData = userData
	if !known && keyName != "" {
		if data.publicKeys, err = r.publicKeys(ctx, keyName); err != nil {
			return data, err
		}
	}
	r.control.mu.Lock()
	r.control.launch[id] = data
	r.control.mu.Unlock()
	return data, nil
}

func (r *reader) userData(ctx context.Context, id string) ([]byte, error) {
	got, err := r.ec2.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{
		InstanceId: &id, Attribute: types.InstanceAttributeNameUserData,
	})
	if err != nil {
		return nil, err
	}
	if got.UserData == nil || aws.ToString(got.UserData.Value) == "" {
		return nil, nil
	}
	// Neither the content nor a part of it may reach an error: it holds host keys.
	content, err := base64.StdEncoding.DecodeString(*got.UserData.Value)
	if err != nil {
		return nil, errors.New("decode its user data: not base64")
	}
	return content, nil
}

// publicKeys is empty for a key pair that was deleted before it was first read.
func (r *reader) publicKeys(ctx context.Context, name string) ([]string, error) {
	got, err := r.ec2.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{IncludePublicKey: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	for _, pair := range got.KeyPairs {
		if aws.ToString(pair.KeyName) == name && aws.ToString(pair.PublicKey) != "" {
			return []string{*pair.PublicKey}, nil
		}
	}
	return nil, nil
}

// forgetLaunches drops what is remembered of instances that are gone.
func (c *Control) forgetLaunches(alive []cloud.Instance) {
	keep := map[string]bool{}
	for _, instance := range alive {
		keep[instance.ID] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.launch {
		if !keep[id] {
			delete(c.launch, id)
		}
	}
}
