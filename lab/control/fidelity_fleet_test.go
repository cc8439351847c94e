package control

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestFidelityOfTheFleet: launch templates, and the buckets that keep states.
func TestFidelityOfTheFleet(t *testing.T) {
	t.Parallel()
	c := start(t, t.TempDir())
	f := &fidelity{world: build(t, c), t: t, api: ec2.NewFromConfig(c.awsConfig(Region))}
	buckets := s3.NewFromConfig(c.awsConfig(Region), func(o *s3.Options) { o.UsePathStyle = true })
	play(t, f, append(templateRows(), bucketRows(buckets)...))
}

func makeTemplate(change func(*types.RequestLaunchTemplateData)) func(context.Context, *fidelity) error {
	return func(ctx context.Context, f *fidelity) error {
		data := &types.RequestLaunchTemplateData{
			ImageId: aws.String("ami-0123456789abcdef0"), InstanceType: "t3.small", DisableApiTermination: aws.Bool(true),
			Monitoring: &types.LaunchTemplatesMonitoringRequest{Enabled: aws.Bool(true)},
			MetadataOptions: &types.LaunchTemplateInstanceMetadataOptionsRequest{
				HttpTokens: types.LaunchTemplateHttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(1),
			},
			TagSpecifications: []types.LaunchTemplateTagSpecificationRequest{
				{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("role"), Value: aws.String("broker")}}},
			},
			BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{
				DeviceName: aws.String("/dev/sda1"), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{
					VolumeSize: aws.Int32(20), VolumeType: types.VolumeTypeGp3, Encrypted: aws.Bool(true), DeleteOnTermination: aws.Bool(true),
				},
			}},
		}
		change(data)
		return errOf(f.api.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("broker"), LaunchTemplateData: data}))
	}
}

// launchFromTemplate says nothing that the template says.
func launchFromTemplate(version string) func(context.Context, *fidelity) error {
	return launchWith(func(_ *fidelity, in *ec2.RunInstancesInput) {
		in.ImageId, in.InstanceType = nil, ""
		in.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("broker"), Version: &version}
	})
}

func templateRows() []row {
	return []row{
		{"a template with what the lab would drop", "kraftstack.NotEmulated", makeTemplate(func(d *types.RequestLaunchTemplateData) {
			d.HibernationOptions = &types.LaunchTemplateHibernationOptionsRequest{Configured: aws.Bool(true)}
		})},
		{"a template", "", makeTemplate(func(*types.RequestLaunchTemplateData) {})},
		{"the same name again", "InvalidLaunchTemplateName.AlreadyExistsException", makeTemplate(func(*types.RequestLaunchTemplateData) {})},
		{"a launch from a version that is not there", "InvalidLaunchTemplateId.VersionNotFound", launchFromTemplate("9")},
		{"a launch from it", "", launchFromTemplate("1")},
		{"the instance is as the template says", "", asTheTemplateSays},
		{"a protected instance is not terminated", "OperationNotPermitted", terminateOther},
	}
}

func asTheTemplateSays(ctx context.Context, f *fidelity) error {
	got, err := f.api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{f.other}})
	if err != nil {
		return err
	}
	i := got.Reservations[0].Instances[0]
	if i.InstanceType != "t3.small" || aws.ToString(i.ImageId) != "ami-0123456789abcdef0" || i.Monitoring.State != types.MonitoringStateEnabled {
		f.t.Errorf("type %s, image %s, monitoring %s", i.InstanceType, aws.ToString(i.ImageId), i.Monitoring.State)
	}
	if m := i.MetadataOptions; m.HttpTokens != types.HttpTokensStateRequired || aws.ToInt32(m.HttpPutResponseHopLimit) != 1 {
		f.t.Errorf("metadata options: tokens %s, hops %d", m.HttpTokens, aws.ToInt32(m.HttpPutResponseHopLimit))
	}
	tags := map[string]string{}
	for _, tag := range i.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	if tags["role"] != "broker" || tags["aws:ec2launchtemplate:version"] != "1" {
		f.t.Errorf("tags: %v", tags)
	}
	root, err := f.api.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{*i.BlockDeviceMappings[0].Ebs.VolumeId}})
	if err == nil && (aws.ToInt32(root.Volumes[0].Size) != 20 || !aws.ToBool(root.Volumes[0].Encrypted)) {
		f.t.Errorf("the root disk has %d GiB, encrypted %t", aws.ToInt32(root.Volumes[0].Size), aws.ToBool(root.Volumes[0].Encrypted))
	}
	return err
}

// deny is a bucket policy that refuses everything under a condition.
func deny(buckets *s3.Client, condition string) func(context.Context, *fidelity) error {
	return func(ctx context.Context, _ *fidelity) error {
		policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::states/*","Condition":` + condition + `}]}`
		return errOf(buckets.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("states"), Policy: &policy}))
	}
}

func bucketRows(buckets *s3.Client) []row {
	put := func(ctx context.Context, _ *fidelity) error {
		return errOf(buckets.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("states"), Key: aws.String("one"), Body: strings.NewReader("1")}))
	}
	return []row{
		{"a bucket", "", func(ctx context.Context, _ *fidelity) error {
			return errOf(buckets.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("states")}))
		}},
		{"a policy that refuses plain HTTP", "", deny(buckets, `{"Bool":{"aws:SecureTransport":"false"}}`)},
		{"an object by what stands for TLS", "", put},
		{"a policy that refuses TLS", "", deny(buckets, `{"Bool":{"aws:SecureTransport":"true"}}`)},
		{"an object is refused then", "", func(ctx context.Context, f *fidelity) error {
			// AWS says AccessDenied, moto Forbidden: nobody reads which.
			if put(ctx, f) == nil {
				f.t.Error("it was taken")
			}
			return nil
		}},
		{"a condition that the lab does not weigh", "kraftstack.NotEmulated", deny(buckets, `{"StringEquals":{"aws:SourceVpc":"vpc-1"}}`)},
	}
}
