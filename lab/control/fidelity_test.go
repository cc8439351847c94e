package control

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	r53 "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
)

// fidelity is the world, its API, and what rows leave for later rows.
type fidelity struct {
	world
	api   *ec2.Client
	dns   *route53.Client
	ssm   *ssm.Client
	t     *testing.T
	other string // a second instance
}

// row is one call and the error code that AWS answers it with; "" is success.
// Rows run in order against one cloud.
type row struct {
	name string
	want string
	call func(context.Context, *fidelity) error
}

func errOf[T any](_ T, err error) error { return err }

func launchWith(change func(*fidelity, *ec2.RunInstancesInput)) func(context.Context, *fidelity) error {
	return func(ctx context.Context, f *fidelity) error {
		in := f.launch("other")
		change(f, in)
		got, err := f.api.RunInstances(ctx, in)
		if err == nil {
			f.other = *got.Instances[0].InstanceId
		}
		return err
	}
}

func address(ip string) func(context.Context, *fidelity) error {
	return launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) { in.PrivateIpAddress = &ip })
}

func volume(size, iops, throughput int32) func(context.Context, *fidelity) error {
	return func(ctx context.Context, f *fidelity) error {
		return errOf(f.api.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1a"),
			Size: &size, Iops: &iops, Throughput: &throughput, VolumeType: types.VolumeTypeGp3}))
	}
}

func attach(volume, device string) func(context.Context, *fidelity) error {
	return func(ctx context.Context, f *fidelity) error {
		id := f.volume
		if volume != "" {
			made, err := f.api.CreateVolume(ctx, &ec2.CreateVolumeInput{
				AvailabilityZone: &volume, Size: aws.Int32(1), VolumeType: types.VolumeTypeGp3})
			if err != nil {
				return err
			}
			id = *made.VolumeId
		}
		return errOf(f.api.AttachVolume(ctx, &ec2.AttachVolumeInput{VolumeId: &id, InstanceId: &f.instance, Device: &device}))
	}
}

func portRange(from, to int32) func(context.Context, *fidelity) error {
	return func(ctx context.Context, f *fidelity) error {
		return errOf(f.api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &f.group,
			IpPermissions: []types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: &from, ToPort: &to,
				IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0/8")}}}}}))
	}
}

func dnsRecord(action r53.ChangeAction, value string) func(context.Context, *fidelity) error {
	return func(ctx context.Context, f *fidelity) error {
		return errOf(f.dns.ChangeResourceRecordSets(ctx, f.record(action, value)))
	}
}

func TestFidelity(t *testing.T) {
	t.Parallel()
	c := start(t, t.TempDir())
	f := &fidelity{world: build(t, c), t: t, api: ec2.NewFromConfig(c.awsConfig(Region)),
		dns: route53.NewFromConfig(c.awsConfig(Region)), ssm: ssm.NewFromConfig(c.awsConfig(Region))}
	play(t, f, append(append(append(hostRows(), diskRows()...), networkRows()...), teardownRows()...))
}

// play runs the rows in order.
func play(t *testing.T, f *fidelity, rows []row) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			began := time.Now()
			err := row.call(t.Context(), f)
			code := ""
			if api, ok := errors.AsType[smithy.APIError](err); ok {
				code = api.ErrorCode()
			} else if err != nil {
				t.Fatalf("not an AWS error: %v", err)
			}
			if code != row.want {
				t.Errorf("got %q (%v), want %q", code, err, row.want)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("it took %v: is the error one that the SDK retries?", took)
			}
		})
	}
}

func hostRows() []row {
	return []row{
		{"an action that moto lacks", "kraftstack.NotEmulated", func(ctx context.Context, f *fidelity) error {
			return errOf(f.api.DescribeCapacityReservations(ctx, &ec2.DescribeCapacityReservationsInput{}))
		}},
		{"a call outside of EC2 that moto lacks", "kraftstack.NotEmulated", func(ctx context.Context, f *fidelity) error {
			return errOf(f.dns.ListCidrCollections(ctx, &route53.ListCidrCollectionsInput{}))
		}},
		{"Ubuntu's image parameter names an image", "", imageParameter("/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id")},
		{"Amazon's image parameter names an image", "", imageParameter("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")},
		{"zones enough", "", func(ctx context.Context, f *fidelity) error {
			got, err := f.api.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{})
			if err == nil && len(got.AvailabilityZones) < 3 {
				f.t.Errorf("%d zones", len(got.AvailabilityZones))
			}
			return err
		}},
		{"user data over 16 KiB", "InvalidParameterValue", launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) {
			in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 16385))))
		})},
		{"an image of another architecture", "InvalidParameterValue", launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) {
			in.ImageId = aws.String("ami-0123456789abcdef1")
		})},
		{"an unknown image", "InvalidAMIID.NotFound", launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) {
			in.ImageId = aws.String("ami-0aaaaaaaaaaaaaaaa")
		})},
		{"an unknown key pair", "InvalidKeyPair.NotFound", launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) {
			in.KeyName = aws.String("nobody")
		})},
		{"an unknown instance type", "InvalidInstanceType", launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) {
			in.InstanceType = "t3.enormous"
		})},
		{"the router's address", "InvalidParameterValue", address("10.1.0.1")},
		{"the resolver's address", "InvalidParameterValue", address("10.1.0.2")},
		{"the last address", "InvalidParameterValue", address("10.1.0.15")},
		{"an address outside the subnet", "InvalidParameterValue", address("10.1.0.20")},
		{"an address in use", "InvalidIPAddress.InUse", address("10.1.0.5")},
		{"a free address", "", address("10.1.0.9")},
		{"terminate", "", terminateOther},
		{"terminate twice", "", terminateOther},
		{"the freed address", "", address("10.1.0.9")},
		{"terminate again", "", terminateOther},
		{"an interface told to outlive its instance does so", "", func(ctx context.Context, f *fidelity) error {
			in := f.launch("kept")
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0),
				SubnetId: in.SubnetId, Groups: in.SecurityGroupIds, DeleteOnTermination: aws.Bool(false)}}
			in.SubnetId, in.SecurityGroupIds = nil, nil
			got, err := f.api.RunInstances(ctx, in)
			if err != nil {
				return err
			}
			f.other = *got.Instances[0].InstanceId
			if err := terminateOther(ctx, f); err != nil {
				return err
			}
			if err := errOf(f.api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})); err != nil {
				return err
			}
			return errOf(f.api.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{
				NetworkInterfaceId: got.Instances[0].NetworkInterfaces[0].NetworkInterfaceId}))
		}},
		{"two instances in one call", "", launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) {
			in.MinCount, in.MaxCount = aws.Int32(2), aws.Int32(2)
		})},
		{"as many as there is room for", "kraftstack.NotEmulated", launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) {
			in.MaxCount = aws.Int32(2)
		})},
		{"a generated key pair", "kraftstack.NotEmulated", func(ctx context.Context, f *fidelity) error {
			return errOf(f.api.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{KeyName: aws.String("made")}))
		}},
		{"an automatic public address", "kraftstack.NotEmulated", launchWith(func(f *fidelity, in *ec2.RunInstancesInput) {
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0),
				SubnetId: in.SubnetId, Groups: in.SecurityGroupIds, AssociatePublicIpAddress: aws.Bool(true)}}
			in.SubnetId, in.SecurityGroupIds = nil, nil
		})},
		{"more instances than addresses", "InsufficientFreeAddressesInSubnet", func(ctx context.Context, f *fidelity) error {
			for range 12 {
				if err := launchWith(func(*fidelity, *ec2.RunInstancesInput) {})(ctx, f); err != nil {
					return errors.Join(err, cleanUp(ctx, f))
				}
			}
			return nil
		}},
		{"a client token twice gives one instance", "", func(ctx context.Context, f *fidelity) error {
			in := f.launch("token")
			in.ClientToken = aws.String("token-1")
			first, err := f.api.RunInstances(ctx, in)
			if err != nil {
				return err
			}
			f.other = *first.Instances[0].InstanceId
			second, err := f.api.RunInstances(ctx, in)
			if err == nil && *second.Instances[0].InstanceId != f.other {
				f.t.Errorf("two instances: %s and %s", f.other, *second.Instances[0].InstanceId)
			}
			return err
		}},
		{"a client token with other parameters", "IdempotentParameterMismatch", launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) {
			in.ClientToken = aws.String("token-1")
		})},
		{"another type for a running instance", "IncorrectInstanceState", func(ctx context.Context, f *fidelity) error {
			return errOf(f.api.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{
				InstanceId: &f.other, InstanceType: &types.AttributeValue{Value: aws.String("t3.large")}}))
		}},
		{"an unknown placement group", "InvalidPlacementGroup.Unknown", launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) {
			in.Placement = &types.Placement{GroupName: aws.String("nodes")}
		})},
		{"make a placement group", "", makeGroup},
		{"make it twice", "InvalidPlacementGroup.Duplicate", makeGroup},
		{"launch into it", "", launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) {
			in.Placement = &types.Placement{GroupName: aws.String("nodes")}
		})},
		{"delete it in use", "InvalidPlacementGroup.InUse", func(ctx context.Context, f *fidelity) error {
			return errOf(f.api.DeletePlacementGroup(ctx, &ec2.DeletePlacementGroupInput{GroupName: aws.String("nodes")}))
		}},
		{"terminate its member", "", terminateOther},
		{"a stopped instance keeps its address, a started one too", "", func(ctx context.Context, f *fidelity) error {
			if err := launchWith(func(*fidelity, *ec2.RunInstancesInput) {})(ctx, f); err != nil {
				return err
			}
			if err := errOf(f.api.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{f.other}})); err != nil {
				return err
			}
			return errOf(f.api.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{f.other}}))
		}},
	}
}

func imageParameter(name string) func(context.Context, *fidelity) error {
	return func(ctx context.Context, f *fidelity) error {
		got, err := f.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
		if err != nil {
			return err
		}
		return errOf(f.api.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{*got.Parameter.Value}}))
	}
}

func makeGroup(ctx context.Context, f *fidelity) error {
	return errOf(f.api.CreatePlacementGroup(ctx, &ec2.CreatePlacementGroupInput{
		GroupName: aws.String("nodes"), Strategy: types.PlacementStrategySpread}))
}

func terminateOther(ctx context.Context, f *fidelity) error {
	return errOf(f.api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{f.other}}))
}

// cleanUp terminates all instances but the world's own.
func cleanUp(ctx context.Context, f *fidelity) error {
	got, err := f.api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
	if err != nil {
		return err
	}
	var ids []string
	for _, reservation := range got.Reservations {
		for _, instance := range reservation.Instances {
			if *instance.InstanceId != f.instance {
				ids = append(ids, *instance.InstanceId)
			}
		}
	}
	return errOf(f.api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids}))
}
