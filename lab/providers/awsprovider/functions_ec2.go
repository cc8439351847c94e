package awsprovider

import (
	"context"
	"fmt"
	"regexp"
	"sort"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/pulumi/pulumi-go-provider/infer"
)

type amiArgs struct {
	ExecutableUsers   []string     `pulumi:"executableUsers,optional"`
	Filters           []nameFilter `pulumi:"filters,optional"`
	IncludeDeprecated *bool        `pulumi:"includeDeprecated,optional"`
	MostRecent        *bool        `pulumi:"mostRecent,optional"`
	NameRegex         *string      `pulumi:"nameRegex,optional"`
	Owners            []string     `pulumi:"owners,optional"`
}

type amiResult struct {
	amiArgs
	Architecture       string            `pulumi:"architecture"`
	CreationDate       string            `pulumi:"creationDate"`
	Description        string            `pulumi:"description"`
	Id                 string            `pulumi:"id"`
	ImageId            string            `pulumi:"imageId"`
	Name               string            `pulumi:"name"`
	OwnerId            string            `pulumi:"ownerId"`
	RootDeviceName     string            `pulumi:"rootDeviceName"`
	RootDeviceType     string            `pulumi:"rootDeviceType"`
	State              string            `pulumi:"state"`
	Tags               map[string]string `pulumi:"tags"`
	VirtualizationType string            `pulumi:"virtualizationType"`
}

type getAmi struct{ session *session }

func (*getAmi) Annotate(a infer.Annotator) { a.SetToken("ec2/getAmi", "getAmi") }

func (f *getAmi) Invoke(ctx context.Context, req infer.FunctionRequest[amiArgs]) (infer.FunctionResponse[amiResult], error) {
	var resp infer.FunctionResponse[amiResult]
	c, err := f.session.get()
	if err != nil {
		return resp, err
	}
	in := req.Input
	out, err := c.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{ExecutableUsers: in.ExecutableUsers,
		Filters: filtersOf(in.Filters), IncludeDeprecated: in.IncludeDeprecated, Owners: in.Owners})
	if err != nil {
		return resp, failed("DescribeImages", "the filters", err)
	}
	images, err := matching(out.Images, in.NameRegex)
	if err != nil {
		return resp, err
	}
	if len(images) == 0 {
		return resp, fmt.Errorf("aws: getAmi: no image matches in %s; next: change the filters", c.region)
	}
	if len(images) > 1 && !orFalse(in.MostRecent) {
		return resp, fmt.Errorf("aws: getAmi: %d images match; next: narrow the filters or set mostRecent", len(images))
	}
	i := images[0]
	resp.Output = amiResult{amiArgs: in, Architecture: string(i.Architecture), CreationDate: aws.ToString(i.CreationDate),
		Description: aws.ToString(i.Description), Id: aws.ToString(i.ImageId), ImageId: aws.ToString(i.ImageId),
		Name: aws.ToString(i.Name), OwnerId: aws.ToString(i.OwnerId), RootDeviceName: aws.ToString(i.RootDeviceName),
		RootDeviceType: string(i.RootDeviceType), State: string(i.State), Tags: fromEC2Tags(i.Tags),
		VirtualizationType: string(i.VirtualizationType)}
	return resp, nil
}

// matching gives the images whose name fits, newest first.
func matching(images []types.Image, pattern *string) ([]types.Image, error) {
	kept := images
	if pattern != nil {
		re, err := regexp.Compile(*pattern)
		if err != nil {
			return nil, fmt.Errorf("aws: getAmi: nameRegex: %w", err)
		}
		kept = nil
		for _, i := range images {
			if re.MatchString(aws.ToString(i.Name)) {
				kept = append(kept, i)
			}
		}
	}
	sort.SliceStable(kept, func(a, b int) bool {
		da, db := aws.ToString(kept[a].CreationDate), aws.ToString(kept[b].CreationDate)
		if da != db {
			return da > db
		}
		return aws.ToString(kept[a].ImageId) < aws.ToString(kept[b].ImageId)
	})
	return kept, nil
}

type instanceTypeArgs struct {
	InstanceType string `pulumi:"instanceType"`
}

// instanceTypeResult has what the program asks for; the SDK sees the rest as
// zero values.
type instanceTypeResult struct {
	instanceTypeArgs
	BurstablePerformanceSupported    bool     `pulumi:"burstablePerformanceSupported"`
	CurrentGeneration                bool     `pulumi:"currentGeneration"`
	DefaultVcpus                     int      `pulumi:"defaultVcpus"`
	EbsNvmeSupport                   string   `pulumi:"ebsNvmeSupport"`
	EbsPerformanceBaselineBandwidth  int      `pulumi:"ebsPerformanceBaselineBandwidth"`
	EbsPerformanceBaselineIops       int      `pulumi:"ebsPerformanceBaselineIops"`
	EbsPerformanceBaselineThroughput float64  `pulumi:"ebsPerformanceBaselineThroughput"`
	EbsPerformanceMaximumBandwidth   int      `pulumi:"ebsPerformanceMaximumBandwidth"`
	EbsPerformanceMaximumIops        int      `pulumi:"ebsPerformanceMaximumIops"`
	EbsPerformanceMaximumThroughput  float64  `pulumi:"ebsPerformanceMaximumThroughput"`
	Hypervisor                       string   `pulumi:"hypervisor"`
	Id                               string   `pulumi:"id"`
	MemorySize                       int      `pulumi:"memorySize"`
	NetworkPerformance               string   `pulumi:"networkPerformance"`
	SupportedArchitectures           []string `pulumi:"supportedArchitectures"`
}

type getInstanceType struct{ session *session }

func (*getInstanceType) Annotate(a infer.Annotator) {
	a.SetToken("ec2/getInstanceType", "getInstanceType")
}

func (f *getInstanceType) Invoke(ctx context.Context, req infer.FunctionRequest[instanceTypeArgs]) (infer.FunctionResponse[instanceTypeResult], error) {
	var resp infer.FunctionResponse[instanceTypeResult]
	c, err := f.session.get()
	if err != nil {
		return resp, err
	}
	name := req.Input.InstanceType
	out, err := c.ec2.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{types.InstanceType(name)}})
	if err != nil {
		return resp, failed("DescribeInstanceTypes", name, err)
	}
	if len(out.InstanceTypes) != 1 {
		return resp, fmt.Errorf("aws: getInstanceType: there is no instance type %q in %s", name, c.region)
	}
	i := out.InstanceTypes[0]
	r := instanceTypeResult{instanceTypeArgs: req.Input, Id: name, Hypervisor: string(i.Hypervisor), SupportedArchitectures: []string{},
		BurstablePerformanceSupported: orFalse(i.BurstablePerformanceSupported), CurrentGeneration: orFalse(i.CurrentGeneration)}
	if i.VCpuInfo != nil {
		r.DefaultVcpus = int(aws.ToInt32(i.VCpuInfo.DefaultVCpus))
	}
	if i.MemoryInfo != nil {
		r.MemorySize = int(aws.ToInt64(i.MemoryInfo.SizeInMiB))
	}
	if i.NetworkInfo != nil {
		r.NetworkPerformance = aws.ToString(i.NetworkInfo.NetworkPerformance)
	}
	if i.ProcessorInfo != nil {
		for _, a := range i.ProcessorInfo.SupportedArchitectures {
			r.SupportedArchitectures = append(r.SupportedArchitectures, string(a))
		}
	}
	r.fillEBS(i.EbsInfo)
	resp.Output = r
	return resp, nil
}

func (r *instanceTypeResult) fillEBS(e *types.EbsInfo) {
	if e == nil {
		return
	}
	r.EbsNvmeSupport = string(e.NvmeSupport)
	if o := e.EbsOptimizedInfo; o != nil {
		r.EbsPerformanceBaselineBandwidth = int(aws.ToInt32(o.BaselineBandwidthInMbps))
		r.EbsPerformanceBaselineIops = int(aws.ToInt32(o.BaselineIops))
		r.EbsPerformanceBaselineThroughput = aws.ToFloat64(o.BaselineThroughputInMBps)
		r.EbsPerformanceMaximumBandwidth = int(aws.ToInt32(o.MaximumBandwidthInMbps))
		r.EbsPerformanceMaximumIops = int(aws.ToInt32(o.MaximumIops))
		r.EbsPerformanceMaximumThroughput = aws.ToFloat64(o.MaximumThroughputInMBps)
	}
}
