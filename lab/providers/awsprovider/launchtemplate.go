package awsprovider

import (
	"context"
	"fmt"
	"reflect"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// templateDisk is the ebs part of a mapping. Its two flags are text in the
// SDK: "" would leave them to the image.
type templateDisk struct {
	DeleteOnTermination *string `pulumi:"deleteOnTermination,optional"`
	Encrypted           *string `pulumi:"encrypted,optional"`
	Iops                *int    `pulumi:"iops,optional"`
	KmsKeyId            *string `pulumi:"kmsKeyId,optional"`
	Throughput          *int    `pulumi:"throughput,optional"`
	VolumeSize          *int    `pulumi:"volumeSize,optional"`
	VolumeType          *string `pulumi:"volumeType,optional"`
}

type templateMapping struct {
	DeviceName *string       `pulumi:"deviceName,optional"`
	Ebs        *templateDisk `pulumi:"ebs,optional"`
}

type templateProfile struct {
	Name *string `pulumi:"name,optional"`
}

type templateMonitoring struct {
	Enabled *bool `pulumi:"enabled,optional"`
}

type maintenanceOptions struct {
	AutoRecovery *string `pulumi:"autoRecovery,optional"`
}

type templateTags struct {
	ResourceType *string           `pulumi:"resourceType,optional"`
	Tags         map[string]string `pulumi:"tags,optional"`
}

// templateContent is what a new version of a template is made of.
type templateContent struct {
	BlockDeviceMappings   []templateMapping   `pulumi:"blockDeviceMappings,optional"`
	DisableApiTermination *bool               `pulumi:"disableApiTermination,optional"`
	EbsOptimized          *string             `pulumi:"ebsOptimized,optional"`
	IamInstanceProfile    *templateProfile    `pulumi:"iamInstanceProfile,optional"`
	ImageId               *string             `pulumi:"imageId,optional"`
	InstanceType          *string             `pulumi:"instanceType,optional"`
	MaintenanceOptions    *maintenanceOptions `pulumi:"maintenanceOptions,optional"`
	MetadataOptions       *metadataOptions    `pulumi:"metadataOptions,optional"`
	Monitoring            *templateMonitoring `pulumi:"monitoring,optional"`
	TagSpecifications     []templateTags      `pulumi:"tagSpecifications,optional"`
}

type launchTemplateArgs struct {
	templateContent
	Description          *string           `pulumi:"description,optional"`
	Name                 *string           `pulumi:"name,optional" provider:"replaceOnChanges"`
	Tags                 map[string]string `pulumi:"tags,optional"`
	UpdateDefaultVersion *bool             `pulumi:"updateDefaultVersion,optional"`
}

type launchTemplateState struct {
	launchTemplateArgs
	Arn            string            `pulumi:"arn"`
	DefaultVersion int               `pulumi:"defaultVersion"`
	LatestVersion  int               `pulumi:"latestVersion"`
	TagsAll        map[string]string `pulumi:"tagsAll"`
}

func (s *launchTemplateState) made() bool { return s.Arn != "" }

type launchTemplate struct{}

func (launchTemplate) token() (string, string) { return "ec2/launchTemplate", "LaunchTemplate" }

func (launchTemplate) plan(c *cloud, old launchTemplateState, in launchTemplateArgs) launchTemplateState {
	if old.made() && in.changes(old.launchTemplateArgs) {
		old.LatestVersion++
		if orFalse(in.UpdateDefaultVersion) {
			old.DefaultVersion = old.LatestVersion
		}
	}
	old.launchTemplateArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

// changes says whether the template needs another version.
func (in launchTemplateArgs) changes(old launchTemplateArgs) bool {
	return !reflect.DeepEqual(in.templateContent, old.templateContent) || aws.ToString(in.Description) != aws.ToString(old.Description)
}

func (launchTemplate) create(ctx context.Context, c *cloud, in launchTemplateArgs, st *launchTemplateState) (string, error) {
	req, done := once(ctx)
	defer done()
	data, err := in.data()
	if err != nil {
		return "", err
	}
	out, err := c.ec2.CreateLaunchTemplate(req, &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: in.Name, LaunchTemplateData: data, VersionDescription: in.Description,
		TagSpecifications: ec2TagSpec(types.ResourceTypeLaunchTemplate, st.TagsAll),
	})
	if err != nil {
		return "", failed("CreateLaunchTemplate", aws.ToString(in.Name), err)
	}
	id := aws.ToString(out.LaunchTemplate.LaunchTemplateId)
	st.DefaultVersion = int(aws.ToInt64(out.LaunchTemplate.DefaultVersionNumber))
	st.LatestVersion = int(aws.ToInt64(out.LaunchTemplate.LatestVersionNumber))
	st.Arn, err = c.ownArn(req, "launch-template/"+id)
	return id, err
}

func describeTemplate(ctx context.Context, c *cloud, id string) (types.LaunchTemplate, error) {
	out, err := c.ec2.DescribeLaunchTemplates(ctx, &ec2.DescribeLaunchTemplatesInput{LaunchTemplateIds: []string{id}})
	if hasCode(err, "InvalidLaunchTemplateId.NotFound") || err == nil && len(out.LaunchTemplates) == 0 {
		return types.LaunchTemplate{}, errGone
	}
	if err != nil {
		return types.LaunchTemplate{}, failed("DescribeLaunchTemplates", id, err)
	}
	return out.LaunchTemplates[0], nil
}

// read compares versions and tags. A version that somebody else made is told as
// another latest version: instances name theirs by its number.
func (launchTemplate) read(ctx context.Context, c *cloud, id string, in *launchTemplateArgs, st *launchTemplateState) error {
	t, err := describeTemplate(ctx, c, id)
	if err != nil {
		return err
	}
	in.Name = t.LaunchTemplateName
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(t.Tags), in.Tags)
	st.DefaultVersion = int(aws.ToInt64(t.DefaultVersionNumber))
	st.LatestVersion = int(aws.ToInt64(t.LatestVersionNumber))
	st.launchTemplateArgs = *in
	return nil
}

func (launchTemplate) update(ctx context.Context, c *cloud, id string, old launchTemplateState, in launchTemplateArgs, st *launchTemplateState) error {
	if in.changes(old.launchTemplateArgs) {
		data, err := in.data()
		if err != nil {
			return err
		}
		out, err := c.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: aws.String(id), VersionDescription: in.Description,
			LaunchTemplateData: data})
		if err != nil {
			return failed("CreateLaunchTemplateVersion", id, err)
		}
		st.LatestVersion = int(aws.ToInt64(out.LaunchTemplateVersion.VersionNumber))
		if orFalse(in.UpdateDefaultVersion) {
			st.DefaultVersion = st.LatestVersion
			_, err = c.ec2.ModifyLaunchTemplate(ctx, &ec2.ModifyLaunchTemplateInput{
				LaunchTemplateId: aws.String(id), DefaultVersion: aws.String(strconv.Itoa(st.LatestVersion))})
			if err != nil {
				return failed("ModifyLaunchTemplate", id, err)
			}
		}
	}
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (launchTemplate) remove(ctx context.Context, c *cloud, id string, _ launchTemplateState) error {
	return deleting(ctx, "DeleteLaunchTemplate", id, func(ctx context.Context) error {
		_, err := c.ec2.DeleteLaunchTemplate(ctx, &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: aws.String(id)})
		return err
	})
}

// data is the content in the API's form.
func (in templateContent) data() (*types.RequestLaunchTemplateData, error) {
	d := &types.RequestLaunchTemplateData{
		DisableApiTermination: in.DisableApiTermination, ImageId: in.ImageId,
		InstanceType: types.InstanceType(aws.ToString(in.InstanceType)),
	}
	var err error
	if d.EbsOptimized, err = flag("ebsOptimized", in.EbsOptimized); err != nil {
		return nil, err
	}
	if in.IamInstanceProfile != nil {
		d.IamInstanceProfile = &types.LaunchTemplateIamInstanceProfileSpecificationRequest{Name: in.IamInstanceProfile.Name}
	}
	if in.MaintenanceOptions != nil {
		d.MaintenanceOptions = &types.LaunchTemplateInstanceMaintenanceOptionsRequest{
			AutoRecovery: types.LaunchTemplateAutoRecoveryState(aws.ToString(in.MaintenanceOptions.AutoRecovery))}
	}
	if m := in.MetadataOptions; m != nil {
		d.MetadataOptions = &types.LaunchTemplateInstanceMetadataOptionsRequest{
			HttpEndpoint:            types.LaunchTemplateInstanceMetadataEndpointState(aws.ToString(m.HttpEndpoint)),
			HttpTokens:              types.LaunchTemplateHttpTokensState(aws.ToString(m.HttpTokens)),
			InstanceMetadataTags:    types.LaunchTemplateInstanceMetadataTagsState(aws.ToString(m.InstanceMetadataTags)),
			HttpPutResponseHopLimit: int32Of(m.HttpPutResponseHopLimit),
		}
	}
	if in.Monitoring != nil {
		d.Monitoring = &types.LaunchTemplatesMonitoringRequest{Enabled: in.Monitoring.Enabled}
	}
	for _, t := range in.TagSpecifications {
		d.TagSpecifications = append(d.TagSpecifications, types.LaunchTemplateTagSpecificationRequest{
			ResourceType: types.ResourceType(aws.ToString(t.ResourceType)), Tags: ec2Tags(t.Tags)})
	}
	for _, m := range in.BlockDeviceMappings {
		mapping, err := m.request()
		if err != nil {
			return nil, err
		}
		d.BlockDeviceMappings = append(d.BlockDeviceMappings, mapping)
	}
	return d, nil
}

func (m templateMapping) request() (types.LaunchTemplateBlockDeviceMappingRequest, error) {
	out := types.LaunchTemplateBlockDeviceMappingRequest{DeviceName: m.DeviceName}
	if m.Ebs == nil {
		return out, nil
	}
	gone, err := flag("deleteOnTermination", m.Ebs.DeleteOnTermination)
	if err != nil {
		return out, err
	}
	encrypted, err := flag("encrypted", m.Ebs.Encrypted)
	out.Ebs = &types.LaunchTemplateEbsBlockDeviceRequest{
		DeleteOnTermination: gone, Encrypted: encrypted, Iops: int32Of(m.Ebs.Iops), KmsKeyId: m.Ebs.KmsKeyId,
		Throughput: int32Of(m.Ebs.Throughput), VolumeSize: int32Of(m.Ebs.VolumeSize),
		VolumeType: types.VolumeType(aws.ToString(m.Ebs.VolumeType)),
	}
	return out, err
}

// flag reads a truth value that the SDK has as text.
func flag(name string, value *string) (*bool, error) {
	if value == nil || *value == "" {
		return nil, nil //nolint:nilnil // not given, as everywhere in the API
	}
	on, err := strconv.ParseBool(*value)
	if err != nil {
		return nil, fmt.Errorf("aws: launch template: %s is %q, not true or false", name, *value)
	}
	return &on, nil
}
