// Package program is the stack: it loads the configuration, builds the
// components and exports their outputs. The same function is run by
// `pulumi up` through main.go and by the driver as an inline program.
package program

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/components"
	"kraftstack/config"
)

// Deploy declares one Kafka cluster. Everything that can be refused is refused
// before the first resource is registered.
func Deploy(ctx *pulumi.Context) error {
	stack, err := loadStack(ctx)
	if err != nil {
		return err
	}
	for _, warning := range stack.Warnings() {
		if err := ctx.Log.Warn(warning.String(), nil); err != nil {
			return err
		}
	}
	image := findImage(ctx, stack)
	tags := components.Tags{"kraftstack:stack": stack.Name, "ManagedBy": "kraftstack"}
	network, err := components.NewNetwork(ctx, "network", components.NetworkArgs{Stack: stack, Tags: tags})
	if err != nil {
		return err
	}
	access, err := components.NewAccess(ctx, "access", components.AccessArgs{
		Stack: stack, Tags: tags, Network: network, Image: image,
	})
	if err != nil {
		return err
	}
	quorum, err := components.NewQuorum(ctx, "quorum", components.QuorumArgs{Stack: stack})
	if err != nil {
		return err
	}
	fleet, err := components.NewFleet(ctx, "fleet", components.FleetArgs{
		Stack: stack, Tags: tags, Network: network, Access: access, Quorum: quorum, Image: image,
	})
	if err != nil {
		return err
	}
	users, err := components.NewUsers(ctx, "users", components.UsersArgs{
		Stack: stack, Network: network, Access: access, Fleet: fleet,
	})
	if err != nil {
		return err
	}
	export(ctx, stack, network, access, quorum, fleet)
	exportUsers(ctx, users)
	return nil
}

// loadStack reads and checks the stack file, and resolves its zones against
// those that the region has.
func loadStack(ctx *pulumi.Context) (config.Stack, error) {
	values, err := configValues(ctx)
	if err != nil {
		return config.Stack{}, err
	}
	stack, err := config.Load(ctx.Stack(), values)
	if err != nil {
		return config.Stack{}, err
	}
	if err := checkSecrets(ctx, stack); err != nil {
		return config.Stack{}, err
	}
	state := "available"
	zones, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{
		State: &state,
		// Local and wavelength zones lack most of what a cluster needs.
		Filters: []aws.GetAvailabilityZonesFilter{{Name: "opt-in-status", Values: []string{"opt-in-not-required"}}},
	})
	if err != nil {
		return config.Stack{}, fmt.Errorf("cannot list the availability zones of %s: %w", stack.Region, err)
	}
	if err := stack.CheckZones(zones.Names); err != nil {
		return config.Stack{}, err
	}
	return stack.WithZones(zones.Names), nil
}

// checkSecrets refuses secrets in plain text: here they come decrypted, and
// Pulumi tells of whole keys only whether there is a secret in them.
func checkSecrets(ctx *pulumi.Context, stack config.Stack) error {
	for _, key := range stack.SecretKeys() {
		if !ctx.IsConfigSecret(key) {
			return fmt.Errorf("%s has a secret in plain text; write it with: pulumi config set --secret --path", key)
		}
	}
	return nil
}

// configValues gathers the configuration under the keys that config.Load
// knows. An engine that runs main.go hands over all keys, misspelt ones
// included; an inline program can ask for known keys only, and there the
// driver has checked the stack file itself.
func configValues(ctx *pulumi.Context) (map[string]string, error) {
	values := map[string]string{}
	if all, ok := os.LookupEnv("PULUMI_CONFIG"); ok {
		if err := json.Unmarshal([]byte(all), &values); err != nil {
			return nil, fmt.Errorf("cannot read the configuration that Pulumi passes in PULUMI_CONFIG: %w", err)
		}
	}
	for _, key := range config.Keys() {
		if value, ok := ctx.GetConfig(key); ok {
			values[key] = value
		}
	}
	return values, nil
}

// The public parameters under which the makers of an image publish its id.
// Sources: Canonical, "Find Ubuntu images on AWS"; AWS, "Launch AL2023 using
// the SSM parameter".
const (
	ubuntuParameter      = "/aws/service/canonical/ubuntu/server/24.04/stable/current/%s/hvm/ebs-gp3/ami-id"
	amazonLinuxParameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-%s"
)

// findImage resolves the stack's image to an id for each architecture that its
// instance types have, and the user that its hosts are logged in to as.
func findImage(ctx *pulumi.Context, stack config.Stack) components.Image {
	image := components.Image{AMIs: map[string]pulumi.StringInput{}, User: "ubuntu"}
	if stack.Brokers.Image == config.ImageAmazonLinux {
		image.User = "ec2-user"
	}
	types := []string{stack.Access.Bastion.InstanceType}
	for _, node := range stack.Nodes() {
		types = append(types, node.InstanceType)
	}
	for _, instanceType := range types {
		architecture := config.Architecture(instanceType)
		if _, known := image.AMIs[architecture]; !known {
			image.AMIs[architecture] = findAMI(ctx, stack.Brokers.Image, architecture)
		}
	}
	return image
}

// findAMI asks AWS for the id of an image by its name in the stack file; an
// image of the user's own is named by its id already.
func findAMI(ctx *pulumi.Context, image, architecture string) pulumi.StringInput {
	var parameter string
	switch image {
	case config.ImageUbuntu:
		parameter = fmt.Sprintf(ubuntuParameter, architecture)
	case config.ImageAmazonLinux:
		if architecture == "amd64" {
			architecture = "x86_64" // Amazon's own name for it
		}
		parameter = fmt.Sprintf(amazonLinuxParameter, architecture)
	default:
		return pulumi.String(image)
	}
	found := ssm.LookupParameterOutput(ctx, ssm.LookupParameterOutputArgs{Name: pulumi.String(parameter)})
	// The provider marks every parameter's value as secret; an image's public
	// id is none, and a preview should show it.
	return pulumi.Unsecret(found.InsecureValue()).(pulumi.StringOutput)
}
