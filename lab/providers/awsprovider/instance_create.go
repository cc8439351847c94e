package awsprovider

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func (d instance) create(ctx context.Context, c *cloud, in instanceArgs, st *instanceState) (string, error) {
	req, done := once(ctx)
	defer done()
	ask, err := d.request(req, c, in, st.TagsAll)
	if err != nil {
		return "", err
	}
	out, err := c.ec2.RunInstances(req, ask)
	if err != nil {
		return "", failed("RunInstances", fmt.Sprintf("%s in %s", in.InstanceType, in.SubnetId), err)
	}
	id := aws.ToString(out.Instances[0].InstanceId)
	if st.Arn, err = c.ownArn(req, "instance/"+id); err != nil {
		return id, err
	}
	if err := awaitInstance(ctx, c, id, types.InstanceStateNameRunning); err != nil {
		return id, err
	}
	if in.AssociatePublicIpAddress != nil && len(in.VpcSecurityGroupIds) > 0 {
		// The emulator lists groups given with an interface on that alone.
		if err := d.updateGroups(ctx, c, id, instanceState{}, in); err != nil {
			return id, err
		}
	}
	if !orTrue(in.SourceDestCheck) {
		if err := setSourceDestCheck(ctx, c, id, false); err != nil {
			return id, err
		}
	}
	return id, d.fill(ctx, c, id, st)
}

// request is the call that starts the instance. As with the real provider the
// interface is written out only where a public address is asked for or refused.
func (instance) request(ctx context.Context, c *cloud, in instanceArgs, tags map[string]string) (*ec2.RunInstancesInput, error) {
	ask := &ec2.RunInstancesInput{
		ImageId: in.Ami, InstanceType: types.InstanceType(in.InstanceType), KeyName: in.KeyName,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		EbsOptimized: in.EbsOptimized, DisableApiTermination: in.DisableApiTermination,
	}
	if in.AssociatePublicIpAddress == nil {
		ask.SubnetId, ask.PrivateIpAddress, ask.SecurityGroupIds = aws.String(in.SubnetId), in.PrivateIp, in.VpcSecurityGroupIds
	} else {
		ask.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{
			DeviceIndex: aws.Int32(0), SubnetId: aws.String(in.SubnetId), PrivateIpAddress: in.PrivateIp,
			Groups: in.VpcSecurityGroupIds, AssociatePublicIpAddress: in.AssociatePublicIpAddress,
			DeleteOnTermination: aws.Bool(true),
		}}
	}
	ask.TagSpecifications = ec2TagSpec(types.ResourceTypeInstance, tags)
	if in.AvailabilityZone != nil || in.PlacementGroup != nil {
		ask.Placement = &types.Placement{AvailabilityZone: in.AvailabilityZone, GroupName: in.PlacementGroup}
	}
	if t := in.LaunchTemplate; t != nil {
		ask.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateId: t.Id, LaunchTemplateName: t.Name, Version: t.Version}
	}
	if in.UserData != nil {
		ask.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte(*in.UserData)))
	}
	if in.Monitoring != nil {
		ask.Monitoring = &types.RunInstancesMonitoringEnabled{Enabled: in.Monitoring}
	}
	if in.IamInstanceProfile != nil {
		ask.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: in.IamInstanceProfile}
	}
	if in.CreditSpecification != nil {
		ask.CreditSpecification = &types.CreditSpecificationRequest{CpuCredits: in.CreditSpecification.CpuCredits}
	}
	ask.MetadataOptions = in.MetadataOptions.request()
	volumeTags := in.VolumeTags
	if r := in.RootBlockDevice; r != nil {
		device, err := rootDeviceName(ctx, c, aws.ToString(in.Ami))
		if err != nil {
			return nil, err
		}
		ask.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String(device), Ebs: &types.EbsBlockDevice{
			// As the real provider: a root volume goes with its instance unless
			// it is told otherwise.
			DeleteOnTermination: aws.Bool(r.DeleteOnTermination == nil || *r.DeleteOnTermination), Encrypted: r.Encrypted, KmsKeyId: r.KmsKeyId,
			Iops: int32Of(r.Iops), Throughput: int32Of(r.Throughput), VolumeSize: int32Of(r.VolumeSize),
			VolumeType: types.VolumeType(aws.ToString(r.VolumeType)),
		}}}
		if volumeTags == nil && r.Tags != nil {
			volumeTags = c.tagsAll(r.Tags)
		}
	}
	ask.TagSpecifications = append(ask.TagSpecifications, ec2TagSpec(types.ResourceTypeVolume, volumeTags)...)
	return ask, nil
}

func (m *metadataOptions) request() *types.InstanceMetadataOptionsRequest {
	if m == nil {
		return nil
	}
	return &types.InstanceMetadataOptionsRequest{
		HttpEndpoint:            types.InstanceMetadataEndpointState(aws.ToString(m.HttpEndpoint)),
		HttpTokens:              types.HttpTokensState(aws.ToString(m.HttpTokens)),
		InstanceMetadataTags:    types.InstanceMetadataTagsState(aws.ToString(m.InstanceMetadataTags)),
		HttpPutResponseHopLimit: int32Of(m.HttpPutResponseHopLimit),
	}
}

// rootDeviceName asks the image for the name of its root device.
func rootDeviceName(ctx context.Context, c *cloud, ami string) (string, error) {
	out, err := c.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{ami}})
	if err != nil {
		return "", failed("DescribeImages", ami, err)
	}
	if len(out.Images) == 0 {
		return "", fmt.Errorf("aws: DescribeImages for %s: the image does not exist in %s", ami, c.region)
	}
	return aws.ToString(out.Images[0].RootDeviceName), nil
}
