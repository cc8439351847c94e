package program

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/components"
	"kraftstack/config"
)

// findHosts asks EC2 what the stack's instance types and images are, and
// refuses what does not go together, before anything is made.
func findHosts(ctx *pulumi.Context, stack config.Stack) (components.Images, error) {
	images := components.Images{ByArchitecture: map[string]components.Image{}, User: "ubuntu"}
	if stack.BaseImage() == config.ImageAmazonLinux {
		images.User = "ec2-user"
	}
	types, err := findTypes(ctx, stack)
	if err != nil {
		return images, err
	}
	given := map[string]config.Image{}
	for _, instanceType := range stack.InstanceTypes() {
		architecture := config.Architecture(instanceType)
		if _, known := images.ByArchitecture[architecture]; known {
			continue
		}
		if parameter := stack.ImageParameter(architecture); parameter != "" {
			images.ByArchitecture[architecture] = newest(ctx, stack, parameter)
			continue
		}
		id := stack.ImageID(architecture)
		found, err := ec2.LookupAmi(ctx, &ec2.LookupAmiArgs{Filters: []ec2.GetAmiFilter{{Name: "image-id", Values: []string{id}}}})
		if err != nil {
			return images, fmt.Errorf("cannot find image %s in %s: %w", id, stack.Region, err)
		}
		given[architecture] = config.Image{ID: id, Architecture: ours(found.Architecture)}
		images.ByArchitecture[architecture] = components.Image{ID: pulumi.String(id), Root: found.RootDeviceName}
	}
	return images, stack.CheckHosts(types, given)
}

// findTypes leaves out the types that the region does not have.
func findTypes(ctx *pulumi.Context, stack config.Stack) (map[string]config.InstanceType, error) {
	types := map[string]config.InstanceType{}
	for _, name := range stack.InstanceTypes() {
		found, err := ec2.GetInstanceType(ctx, &ec2.GetInstanceTypeArgs{InstanceType: name})
		if err != nil {
			if strings.Contains(err.Error(), "InvalidInstanceType") || strings.Contains(err.Error(), "no matching EC2 Instance Type") {
				continue
			}
			return nil, fmt.Errorf("cannot ask what instance type %s is: %w", name, err)
		}
		known := config.InstanceType{
			MemoryMiB: found.MemorySize, NVMe: found.EbsNvmeSupport != "unsupported",
			IOPS: found.EbsPerformanceMaximumIops, MBPerSecond: found.EbsPerformanceMaximumThroughput,
		}
		for _, architecture := range found.SupportedArchitectures {
			known.Architectures = append(known.Architectures, ours(architecture))
		}
		types[name] = known
	}
	return types, nil
}

// ours is AWS's name of an architecture in the form of image names.
func ours(architecture string) string {
	if architecture == "x86_64" {
		return "amd64"
	}
	return architecture
}

// newest is the image whose id its maker publishes under a parameter. The
// parameter says the architecture, so that there is nothing to check.
func newest(ctx *pulumi.Context, stack config.Stack, parameter string) components.Image {
	found := ssm.LookupParameterOutput(ctx, ssm.LookupParameterOutputArgs{Name: pulumi.String(parameter)})
	// The provider marks every parameter's value as secret; an image's public
	// id is none, and a preview should show it.
	id := pulumi.Unsecret(found.InsecureValue()).(pulumi.StringOutput)
	return components.Image{ID: id, Root: stack.RootDevice()}
}
