// Package program is the stack: it loads the configuration, builds the
// components and exports their outputs. The same function is run by
// `pulumi up` through main.go and by the driver as an inline program.
package program

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/components"
	"kraftstack/config"
)

// Options are what a program may be given by whoever runs it.
type Options struct {
	// Gate is asked before a node's instance is stopped for another type; nil
	// refuses that.
	Gate components.Gate
}

// Deploy declares one Kafka cluster, without options.
func Deploy(ctx *pulumi.Context) error { return Options{}.Deploy(ctx) }

// Deploy declares one Kafka cluster. Everything that can be refused is refused
// before the first resource is registered.
func (o Options) Deploy(ctx *pulumi.Context) error {
	stack, err := loadStack(ctx)
	if err != nil {
		return err
	}
	stack, peer, err := findPeer(ctx, stack)
	if err != nil {
		return err
	}
	images, err := findHosts(ctx, stack)
	if err != nil {
		return err
	}
	tags := components.Tags{"kraftstack:stack": stack.Name, "ManagedBy": "kraftstack"}
	network, err := components.NewNetwork(ctx, "network", components.NetworkArgs{Stack: stack, Peer: peer, Tags: tags})
	if err != nil {
		return err
	}
	launch, err := components.NewLaunch(ctx, "launch", components.LaunchArgs{Stack: stack, Tags: tags, Images: images})
	if err != nil {
		return err
	}
	access, err := components.NewAccess(ctx, "access", components.AccessArgs{Stack: stack, Tags: tags, Network: network, Launch: launch, Profile: profile(ctx)})
	if err != nil {
		return err
	}
	if err := launchNodes(ctx, stack, tags, network, access, launch, images); err != nil {
		return err
	}
	quorum, err := components.NewQuorum(ctx, "quorum", components.QuorumArgs{Stack: stack})
	if err != nil {
		return err
	}
	certificates, err := components.NewCertificates(ctx, "certificates", components.CertificatesArgs{Stack: stack})
	if err != nil {
		return err
	}
	fleet, err := components.NewFleet(ctx, "fleet", components.FleetArgs{
		Stack: stack, Tags: tags, Network: network, Access: access, Quorum: quorum, Launch: launch, Certificates: certificates,
		Gate: o.Gate,
	})
	if err != nil {
		return err
	}
	entry, err := admitClients(ctx, stack, tags, network, access, fleet, certificates)
	if err != nil {
		return err
	}
	users, err := components.NewUsers(ctx, "users", components.UsersArgs{
		Stack: stack, Network: network, Access: access, Fleet: fleet, Certificates: certificates,
	})
	if err != nil {
		return err
	}
	export(ctx, stack, network, access, quorum, fleet, entry)
	exportSecurity(ctx, stack, certificates)
	exportUsers(ctx, users)
	return nil
}

// launchNodes says how Kafka hosts are launched: from the image that the stack
// bakes, where it wants that.
func launchNodes(
	ctx *pulumi.Context, stack config.Stack, tags components.Tags, network *components.Network,
	access *components.Access, launch *components.Launch, images components.Images,
) error {
	golden, err := components.NewGolden(ctx, "golden", components.GoldenArgs{
		Stack: stack, Tags: tags, Network: network, Access: access, Launch: launch, Images: images,
	})
	if err != nil {
		return err
	}
	if stack.Brokers.Image == config.ImageGolden {
		images = golden.Images
	}
	return launch.AddNodes(ctx, stack, images)
}

// admitClients makes the bastion, if there is one, a client of the cluster, and gives all others
// the way in that the stack wants.
func admitClients(
	ctx *pulumi.Context, stack config.Stack, tags components.Tags, network *components.Network,
	access *components.Access, fleet *components.Fleet, certificates *components.Certificates,
) (*components.Entry, error) {
	if access.Bastion != nil {
		if err := access.Bastion.AddClient(ctx, stack, certificates, fleet); err != nil {
			return nil, err
		}
	}
	return components.NewEntry(ctx, "entry", components.EntryArgs{
		Stack: stack, Tags: tags, Network: network, Access: access, Fleet: fleet,
	})
}

// warn says what the stack file allows and its owner rarely means.
func warn(ctx *pulumi.Context, stack config.Stack) error {
	for _, warning := range stack.Warnings() {
		if err := ctx.Log.Warn(warning.String(), nil); err != nil {
			return err
		}
	}
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
	if err := warn(ctx, stack); err != nil {
		return config.Stack{}, err
	}
	return stack.WithZones(zones.Names), nil
}

// profile is the AWS profile that the provider uses.
func profile(ctx *pulumi.Context) string {
	name, _ := ctx.GetConfig("aws:profile")
	return name
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
