package awsprovider

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

type metadataOptions struct {
	HttpEndpoint            *string `pulumi:"httpEndpoint,optional"`
	HttpPutResponseHopLimit *int    `pulumi:"httpPutResponseHopLimit,optional"`
	HttpTokens              *string `pulumi:"httpTokens,optional"`
	InstanceMetadataTags    *string `pulumi:"instanceMetadataTags,optional"`
}

type rootBlockDevice struct {
	DeleteOnTermination *bool             `pulumi:"deleteOnTermination,optional"`
	Encrypted           *bool             `pulumi:"encrypted,optional"`
	Iops                *int              `pulumi:"iops,optional"`
	KmsKeyId            *string           `pulumi:"kmsKeyId,optional"`
	Tags                map[string]string `pulumi:"tags,optional"`
	Throughput          *int              `pulumi:"throughput,optional"`
	VolumeSize          *int              `pulumi:"volumeSize,optional"`
	VolumeType          *string           `pulumi:"volumeType,optional"`
}

type creditSpecification struct {
	CpuCredits *string `pulumi:"cpuCredits,optional"`
}

type instanceArgs struct {
	Ami                      string               `pulumi:"ami" provider:"replaceOnChanges"`
	AssociatePublicIpAddress *bool                `pulumi:"associatePublicIpAddress,optional" provider:"replaceOnChanges"`
	AvailabilityZone         *string              `pulumi:"availabilityZone,optional" provider:"replaceOnChanges"`
	CreditSpecification      *creditSpecification `pulumi:"creditSpecification,optional"`
	DisableApiTermination    *bool                `pulumi:"disableApiTermination,optional"`
	EbsOptimized             *bool                `pulumi:"ebsOptimized,optional" provider:"replaceOnChanges"`
	IamInstanceProfile       *string              `pulumi:"iamInstanceProfile,optional"`
	InstanceType             string               `pulumi:"instanceType"`
	KeyName                  *string              `pulumi:"keyName,optional" provider:"replaceOnChanges"`
	MetadataOptions          *metadataOptions     `pulumi:"metadataOptions,optional"`
	Monitoring               *bool                `pulumi:"monitoring,optional"`
	PrivateIp                *string              `pulumi:"privateIp,optional" provider:"replaceOnChanges"`
	RootBlockDevice          *rootBlockDevice     `pulumi:"rootBlockDevice,optional"`
	SourceDestCheck          *bool                `pulumi:"sourceDestCheck,optional"`
	SubnetId                 string               `pulumi:"subnetId" provider:"replaceOnChanges"`
	Tags                     map[string]string    `pulumi:"tags,optional"`
	UserData                 *string              `pulumi:"userData,optional"`
	// UserDataReplaceOnChange says what a changed userData does; see
	// adjustInstance. It changes nothing in the cloud by itself.
	UserDataReplaceOnChange *bool             `pulumi:"userDataReplaceOnChange,optional"`
	VolumeTags              map[string]string `pulumi:"volumeTags,optional"`
	VpcSecurityGroupIds     []string          `pulumi:"vpcSecurityGroupIds,optional"`
}

// instanceState holds the SHA-1 of the user data in place of its text, as the
// real provider's state does.
type instanceState struct {
	instanceArgs
	Arn                       string            `pulumi:"arn"`
	InstanceState             string            `pulumi:"instanceState"`
	PrimaryNetworkInterfaceId string            `pulumi:"primaryNetworkInterfaceId"`
	PrivateDns                string            `pulumi:"privateDns"`
	PublicIp                  string            `pulumi:"publicIp"`
	TagsAll                   map[string]string `pulumi:"tagsAll"`
}

func (s *instanceState) made() bool { return s.Arn != "" }

// maxUserData is AWS's limit for user data before base64, in bytes.
const maxUserData = 16 * 1024

func checkInstance(in property.Map) []p.CheckFailure {
	if n := len(text(in, "userData")); n > maxUserData {
		// Without a Property, whose value the engine would print.
		return []p.CheckFailure{{
			Reason: fmt.Sprintf("userData has %d bytes, AWS takes at most %d", n, maxUserData)}}
	}
	return nil
}

// adjustInstance makes a change of the user data, and of what is fixed on a
// root device, a replacement. Without userDataReplaceOnChange new user data is
// an update that stops and starts the instance.
func adjustInstance(in property.Map, resp *p.DiffResponse) {
	replace := false
	if v, ok := in.GetOk("userDataReplaceOnChange"); ok && v.IsBool() {
		replace = v.AsBool()
	}
	for path, d := range resp.DetailedDiff {
		switch path {
		case "userData":
			if replace {
				resp.DetailedDiff[path] = asReplace(d)
			}
		case "rootBlockDevice.encrypted", "rootBlockDevice.kmsKeyId":
			resp.DetailedDiff[path] = asReplace(d)
		}
	}
}

type instance struct{}

func (instance) token() (string, string) { return "ec2/instance", "Instance" }

func userDataHash(data *string) *string {
	if data == nil {
		return nil
	}
	sum := sha1.Sum([]byte(*data))
	text := hex.EncodeToString(sum[:])
	return &text
}

func (instance) plan(c *cloud, old instanceState, in instanceArgs) instanceState {
	was := old.instanceArgs
	old.instanceArgs = in
	old.AvailabilityZone = keep(in.AvailabilityZone, was.AvailabilityZone)
	old.PrivateIp = keep(in.PrivateIp, was.PrivateIp)
	old.UserData = userDataHash(in.UserData)
	if in.VpcSecurityGroupIds == nil {
		old.VpcSecurityGroupIds = was.VpcSecurityGroupIds
	}
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

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
		ImageId: aws.String(in.Ami), InstanceType: types.InstanceType(in.InstanceType), KeyName: in.KeyName,
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
	if in.AvailabilityZone != nil {
		ask.Placement = &types.Placement{AvailabilityZone: in.AvailabilityZone}
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
	if m := in.MetadataOptions; m != nil {
		ask.MetadataOptions = &types.InstanceMetadataOptionsRequest{
			HttpEndpoint:            types.InstanceMetadataEndpointState(aws.ToString(m.HttpEndpoint)),
			HttpTokens:              types.HttpTokensState(aws.ToString(m.HttpTokens)),
			InstanceMetadataTags:    types.InstanceMetadataTagsState(aws.ToString(m.InstanceMetadataTags)),
			HttpPutResponseHopLimit: int32Of(m.HttpPutResponseHopLimit),
		}
	}
	volumeTags := in.VolumeTags
	if r := in.RootBlockDevice; r != nil {
		device, err := rootDeviceName(ctx, c, in.Ami)
		if err != nil {
			return nil, err
		}
		ask.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String(device), Ebs: &types.EbsBlockDevice{
			DeleteOnTermination: r.DeleteOnTermination, Encrypted: r.Encrypted, KmsKeyId: r.KmsKeyId,
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

func describeInstance(ctx context.Context, c *cloud, id string) (types.Instance, error) {
	out, err := c.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if notFound(err) || err == nil && (len(out.Reservations) == 0 || len(out.Reservations[0].Instances) == 0) {
		return types.Instance{}, errGone
	}
	if err != nil {
		return types.Instance{}, failed("DescribeInstances", id, err)
	}
	return out.Reservations[0].Instances[0], nil
}

func stateOf(i types.Instance) types.InstanceStateName {
	if i.State == nil {
		return ""
	}
	return i.State.Name
}

// awaitInstance waits for one of the states. An instance that ends instead is
// an error with AWS's reason.
func awaitInstance(ctx context.Context, c *cloud, id string, want ...types.InstanceStateName) error {
	return await(ctx, fmt.Sprintf("%s to be %v", id, want), 10*time.Minute, func(ctx context.Context) (bool, string, error) {
		i, err := describeInstance(ctx, c, id)
		if err != nil {
			return false, "", err
		}
		state := stateOf(i)
		for _, w := range want {
			if state == w {
				return true, "", nil
			}
		}
		if state == types.InstanceStateNameTerminated || state == types.InstanceStateNameShuttingDown {
			reason := aws.ToString(i.StateTransitionReason)
			if i.StateReason != nil {
				reason = aws.ToString(i.StateReason.Message)
			}
			return false, "", fmt.Errorf("aws: %s is %s instead of %v: %s", id, state, want, reason)
		}
		return false, string(state), nil
	})
}

// fill completes the computed part of the state. A public address is one that
// an Elastic IP gives: what the emulator assigns by itself belongs to others.
func (instance) fill(ctx context.Context, c *cloud, id string, st *instanceState) error {
	i, err := describeInstance(ctx, c, id)
	if err != nil {
		return err
	}
	st.InstanceState = string(stateOf(i))
	st.PrivateDns = aws.ToString(i.PrivateDnsName)
	st.PrivateIp = i.PrivateIpAddress
	if i.Placement != nil {
		st.AvailabilityZone = i.Placement.AvailabilityZone
	}
	st.VpcSecurityGroupIds = groupIDs(i, st.VpcSecurityGroupIds)
	for _, n := range i.NetworkInterfaces {
		if n.Attachment != nil && aws.ToInt32(n.Attachment.DeviceIndex) == 0 {
			st.PrimaryNetworkInterfaceId = aws.ToString(n.NetworkInterfaceId)
		}
	}
	out, err := c.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{Filters: []types.Filter{filter("instance-id", id)}})
	if err != nil {
		return failed("DescribeAddresses", id, err)
	}
	st.PublicIp = ""
	for _, a := range out.Addresses {
		st.PublicIp = aws.ToString(a.PublicIp)
	}
	return nil
}

func (instance) remove(ctx context.Context, c *cloud, id string, st instanceState) error {
	_, err := c.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	if notFound(err) {
		return nil
	}
	if hasCode(err, "OperationNotPermitted") {
		return fmt.Errorf("%w; next: set disableApiTermination to false and run up first", failed("TerminateInstances", id, err))
	}
	if err != nil {
		return failed("TerminateInstances", id, err)
	}
	return await(ctx, id+" to be terminated", 10*time.Minute, func(ctx context.Context) (bool, string, error) {
		i, err := describeInstance(ctx, c, id)
		if err == errGone {
			return true, "", nil
		}
		return err == nil && stateOf(i) == types.InstanceStateNameTerminated, string(stateOf(i)), err
	})
}
