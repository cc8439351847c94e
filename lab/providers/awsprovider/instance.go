package awsprovider

import (
	"context"
	"crypto/sha1" //nolint:gosec // what the real provider keeps, no protection
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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

// instanceTemplate names the launch template whose values hold where the
// instance has none of its own.
type instanceTemplate struct {
	Id      *string `pulumi:"id,optional"`
	Name    *string `pulumi:"name,optional"`
	Version *string `pulumi:"version,optional"`
}

type instanceArgs struct {
	Ami                      *string              `pulumi:"ami,optional" provider:"replaceOnChanges"`
	AssociatePublicIpAddress *bool                `pulumi:"associatePublicIpAddress,optional" provider:"replaceOnChanges"`
	AvailabilityZone         *string              `pulumi:"availabilityZone,optional" provider:"replaceOnChanges"`
	CreditSpecification      *creditSpecification `pulumi:"creditSpecification,optional"`
	DisableApiTermination    *bool                `pulumi:"disableApiTermination,optional"`
	EbsOptimized             *bool                `pulumi:"ebsOptimized,optional" provider:"replaceOnChanges"`
	IamInstanceProfile       *string              `pulumi:"iamInstanceProfile,optional"`
	InstanceType             string               `pulumi:"instanceType"`
	KeyName                  *string              `pulumi:"keyName,optional" provider:"replaceOnChanges"`
	LaunchTemplate           *instanceTemplate    `pulumi:"launchTemplate,optional" provider:"replaceOnChanges"`
	MetadataOptions          *metadataOptions     `pulumi:"metadataOptions,optional"`
	Monitoring               *bool                `pulumi:"monitoring,optional"`
	PlacementGroup           *string              `pulumi:"placementGroup,optional" provider:"replaceOnChanges"`
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
		case "rootBlockDevice.encrypted", "rootBlockDevice.kmsKeyId",
			// An instance does not change its template: it was launched from it.
			"launchTemplate", "launchTemplate.id", "launchTemplate.name", "launchTemplate.version":
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
	sum := sha1.Sum([]byte(*data)) //nolint:gosec // as the import
	text := hex.EncodeToString(sum[:])
	return &text
}

func (instance) plan(c *cloud, old instanceState, in instanceArgs) instanceState {
	was := old.instanceArgs
	old.instanceArgs = in
	old.Ami = keep(in.Ami, was.Ami)
	old.AvailabilityZone = keep(in.AvailabilityZone, was.AvailabilityZone)
	old.PrivateIp = keep(in.PrivateIp, was.PrivateIp)
	old.UserData = userDataHash(in.UserData)
	if in.VpcSecurityGroupIds == nil {
		old.VpcSecurityGroupIds = was.VpcSecurityGroupIds
	}
	old.TagsAll = c.tagsAll(in.Tags)
	return old
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
		if slices.Contains(want, state) {
			return true, "", nil
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
	st.Ami = i.ImageId
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

func (instance) remove(ctx context.Context, c *cloud, id string, _ instanceState) error {
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
		if errors.Is(err, errGone) {
			return true, "", nil
		}
		return err == nil && stateOf(i) == types.InstanceStateNameTerminated, string(stateOf(i)), err
	})
}
