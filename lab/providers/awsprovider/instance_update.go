package awsprovider

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// update is a list of the changes that AWS does in place. Those that need a
// stopped instance go last and share one stop.
func (d instance) update(ctx context.Context, c *cloud, id string, old instanceState, in instanceArgs, st *instanceState) error {
	steps := []func(context.Context, *cloud, string, instanceState, instanceArgs) error{
		d.updateProtection, d.updateGroups, d.updateSourceDestCheck, d.updateMonitoring, d.updateMetadata,
		d.updateCredits, d.updateProfile, d.updateRoot, d.updateVolumeTags, d.updateStopped,
	}
	for _, step := range steps {
		if err := step(ctx, c, id, old, in); err != nil {
			return err
		}
	}
	if err := c.retag(ctx, id, old.TagsAll, st.TagsAll); err != nil {
		return err
	}
	return d.fill(ctx, c, id, st)
}

func (instance) modify(ctx context.Context, c *cloud, what string, ask *ec2.ModifyInstanceAttributeInput) error {
	_, err := c.ec2.ModifyInstanceAttribute(ctx, ask)
	return failed("ModifyInstanceAttribute "+what, aws.ToString(ask.InstanceId), err)
}

func (d instance) updateProtection(ctx context.Context, c *cloud, id string, old instanceState, in instanceArgs) error {
	if orFalse(old.DisableApiTermination) == orFalse(in.DisableApiTermination) {
		return nil
	}
	return d.modify(ctx, c, "disableApiTermination", &ec2.ModifyInstanceAttributeInput{InstanceId: aws.String(id),
		DisableApiTermination: &types.AttributeBooleanValue{Value: aws.Bool(orFalse(in.DisableApiTermination))}})
}

func (d instance) updateGroups(ctx context.Context, c *cloud, id string, old instanceState, in instanceArgs) error {
	if in.VpcSecurityGroupIds == nil || reflect.DeepEqual(old.VpcSecurityGroupIds, in.VpcSecurityGroupIds) {
		return nil
	}
	return d.modify(ctx, c, "groupSet", &ec2.ModifyInstanceAttributeInput{InstanceId: aws.String(id), Groups: in.VpcSecurityGroupIds})
}

func setSourceDestCheck(ctx context.Context, c *cloud, id string, on bool) error {
	return instance{}.modify(ctx, c, "sourceDestCheck", &ec2.ModifyInstanceAttributeInput{InstanceId: aws.String(id),
		SourceDestCheck: &types.AttributeBooleanValue{Value: aws.Bool(on)}})
}

func (instance) updateSourceDestCheck(ctx context.Context, c *cloud, id string, old instanceState, in instanceArgs) error {
	if orTrue(old.SourceDestCheck) == orTrue(in.SourceDestCheck) {
		return nil
	}
	return setSourceDestCheck(ctx, c, id, orTrue(in.SourceDestCheck))
}

func (instance) updateMonitoring(ctx context.Context, c *cloud, id string, old instanceState, in instanceArgs) error {
	if orFalse(old.Monitoring) == orFalse(in.Monitoring) {
		return nil
	}
	if orFalse(in.Monitoring) {
		_, err := c.ec2.MonitorInstances(ctx, &ec2.MonitorInstancesInput{InstanceIds: []string{id}})
		return failed("MonitorInstances", id, err)
	}
	_, err := c.ec2.UnmonitorInstances(ctx, &ec2.UnmonitorInstancesInput{InstanceIds: []string{id}})
	return failed("UnmonitorInstances", id, err)
}

func (instance) updateMetadata(ctx context.Context, c *cloud, id string, old instanceState, in instanceArgs) error {
	m := in.MetadataOptions
	if m == nil || reflect.DeepEqual(old.MetadataOptions, m) {
		return nil
	}
	_, err := c.ec2.ModifyInstanceMetadataOptions(ctx, &ec2.ModifyInstanceMetadataOptionsInput{
		InstanceId:              aws.String(id),
		HttpEndpoint:            types.InstanceMetadataEndpointState(aws.ToString(m.HttpEndpoint)),
		HttpTokens:              types.HttpTokensState(aws.ToString(m.HttpTokens)),
		InstanceMetadataTags:    types.InstanceMetadataTagsState(aws.ToString(m.InstanceMetadataTags)),
		HttpPutResponseHopLimit: int32Of(m.HttpPutResponseHopLimit),
	})
	return failed("ModifyInstanceMetadataOptions", id, err)
}

func (instance) updateCredits(ctx context.Context, c *cloud, id string, old instanceState, in instanceArgs) error {
	if in.CreditSpecification == nil || reflect.DeepEqual(old.CreditSpecification, in.CreditSpecification) {
		return nil
	}
	_, err := c.ec2.ModifyInstanceCreditSpecification(ctx, &ec2.ModifyInstanceCreditSpecificationInput{
		InstanceCreditSpecifications: []types.InstanceCreditSpecificationRequest{{
			InstanceId: aws.String(id), CpuCredits: in.CreditSpecification.CpuCredits}}})
	return failed("ModifyInstanceCreditSpecification", id, err)
}

// updateProfile puts another IAM profile in place of the associated one.
func (instance) updateProfile(ctx context.Context, c *cloud, id string, old instanceState, in instanceArgs) error {
	if aws.ToString(old.IamInstanceProfile) == aws.ToString(in.IamInstanceProfile) {
		return nil
	}
	out, err := c.ec2.DescribeIamInstanceProfileAssociations(ctx, &ec2.DescribeIamInstanceProfileAssociationsInput{
		Filters: []types.Filter{filter("instance-id", id)}})
	if err != nil {
		return failed("DescribeIamInstanceProfileAssociations", id, err)
	}
	for _, a := range out.IamInstanceProfileAssociations {
		_, err := c.ec2.DisassociateIamInstanceProfile(ctx, &ec2.DisassociateIamInstanceProfileInput{AssociationId: a.AssociationId})
		if err != nil {
			return failed("DisassociateIamInstanceProfile", id, err)
		}
	}
	if in.IamInstanceProfile == nil {
		return nil
	}
	_, err = c.ec2.AssociateIamInstanceProfile(ctx, &ec2.AssociateIamInstanceProfileInput{
		InstanceId:         aws.String(id),
		IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: in.IamInstanceProfile}})
	return failed("AssociateIamInstanceProfile", id, err)
}

// updateRoot changes size, type and speed of the root volume in place.
func (d instance) updateRoot(ctx context.Context, c *cloud, id string, old instanceState, in instanceArgs) error {
	r, was := in.RootBlockDevice, old.RootBlockDevice
	if r == nil || reflect.DeepEqual(r, was) {
		return nil
	}
	if was == nil {
		was = &rootBlockDevice{}
	}
	i, err := describeInstance(ctx, c, id)
	if err != nil {
		return err
	}
	root := rootVolume(i)
	if root == "" {
		return fmt.Errorf("aws: ModifyVolume for %s: its root volume is not listed", id)
	}
	if was.VolumeSize != nil && r.VolumeSize != nil && *r.VolumeSize < *was.VolumeSize {
		return fmt.Errorf("aws: ModifyVolume for the root volume %s of %s: a volume cannot shrink from %d to %d GiB", root, id, *was.VolumeSize, *r.VolumeSize)
	}
	same := reflect.DeepEqual([]any{r.VolumeSize, r.Iops, r.Throughput, r.VolumeType}, []any{was.VolumeSize, was.Iops, was.Throughput, was.VolumeType})
	if !same {
		if err := modifyVolume(ctx, c, &ec2.ModifyVolumeInput{VolumeId: aws.String(root), Size: int32Of(r.VolumeSize),
			Iops: int32Of(r.Iops), Throughput: int32Of(r.Throughput), VolumeType: types.VolumeType(aws.ToString(r.VolumeType))}); err != nil {
			return err
		}
	}
	if r.DeleteOnTermination != nil && !reflect.DeepEqual(r.DeleteOnTermination, was.DeleteOnTermination) {
		if err := d.modify(ctx, c, "blockDeviceMapping", &ec2.ModifyInstanceAttributeInput{InstanceId: aws.String(id),
			BlockDeviceMappings: []types.InstanceBlockDeviceMappingSpecification{{DeviceName: i.RootDeviceName,
				Ebs: &types.EbsInstanceBlockDeviceSpecification{VolumeId: aws.String(root), DeleteOnTermination: r.DeleteOnTermination}}}}); err != nil {
			return err
		}
	}
	return c.retag(ctx, root, was.Tags, r.Tags)
}

func (instance) updateVolumeTags(ctx context.Context, c *cloud, id string, old instanceState, in instanceArgs) error {
	if reflect.DeepEqual(old.VolumeTags, in.VolumeTags) {
		return nil
	}
	i, err := describeInstance(ctx, c, id)
	if err != nil {
		return err
	}
	if root := rootVolume(i); root != "" {
		return c.retag(ctx, root, old.VolumeTags, in.VolumeTags)
	}
	return nil
}

// updateStopped does what AWS allows on a stopped instance only: another type
// and other user data (which a booted host does not read again).
func (d instance) updateStopped(ctx context.Context, c *cloud, id string, old instanceState, in instanceArgs) error {
	newType := old.InstanceType != in.InstanceType
	newData := aws.ToString(old.UserData) != aws.ToString(userDataHash(in.UserData))
	if !newType && !newData {
		return nil
	}
	if err := stopInstance(ctx, c, id); err != nil {
		return err
	}
	if newType {
		if err := d.modify(ctx, c, "instanceType", &ec2.ModifyInstanceAttributeInput{InstanceId: aws.String(id),
			InstanceType: &types.AttributeValue{Value: aws.String(in.InstanceType)}}); err != nil {
			return errors.Join(err, startInstance(ctx, c, id))
		}
	}
	if newData {
		if err := d.modify(ctx, c, "userData", &ec2.ModifyInstanceAttributeInput{InstanceId: aws.String(id),
			UserData: &types.SecureBlobAttributeValue{Value: []byte(aws.ToString(in.UserData))}}); err != nil {
			return errors.Join(err, startInstance(ctx, c, id))
		}
	}
	return startInstance(ctx, c, id)
}

// stopInstance returns errGone for an instance that does not exist any more.
func stopInstance(ctx context.Context, c *cloud, id string) error {
	i, err := describeInstance(ctx, c, id)
	if err != nil {
		return err
	}
	switch stateOf(i) {
	case types.InstanceStateNameTerminated, types.InstanceStateNameShuttingDown:
		return errGone
	case types.InstanceStateNameStopped:
		return nil
	}
	if _, err := c.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
		return failed("StopInstances", id, err)
	}
	if err := awaitInstance(ctx, c, id, types.InstanceStateNameStopped); err != nil || c.isOff == nil {
		return err
	}
	return await(ctx, "the host of "+id+" to power off", 10*time.Minute, func(context.Context) (bool, string, error) {
		return c.isOff(id), "it runs", nil
	})
}

func startInstance(ctx context.Context, c *cloud, id string) error {
	if _, err := c.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}}); err != nil {
		return failed("StartInstances", id, err)
	}
	return awaitInstance(ctx, c, id, types.InstanceStateNameRunning)
}
