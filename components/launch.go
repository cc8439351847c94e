package components

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
)

// The roles that hosts are launched in.
const (
	roleBastion    = "bastion"
	roleController = "controller"
	roleBroker     = "broker"
)

const rootVolumeGiB = 20

// Launch is how hosts come to life: a launch template for each role, the IAM
// role that they run as, and the placement groups that keep them apart.
type Launch struct {
	pulumi.ResourceState
	namer

	Role      *iam.Role
	Profile   *iam.InstanceProfile
	Templates map[string]*ec2.LaunchTemplate // by role
	User      string                         // who logs in to every host

	hosts  config.Hosts
	spread map[string][]*ec2.PlacementGroup // by role
}

// LaunchArgs is what a Launch is made from.
type LaunchArgs struct {
	Stack  config.Stack
	Tags   Tags
	Images Images
}

// Images are what hosts boot from, by config.Architecture, each that the stack's
// instance types have, and who logs in to them.
type Images struct {
	ByArchitecture map[string]Image
	User           string
}

// Image is a machine image.
type Image struct {
	ID   pulumi.StringInput
	Root string // the name of its root device
}

// of is the image for an instance type.
func (i Images) of(instanceType string) Image {
	return i.ByArchitecture[config.Architecture(instanceType)]
}

// NewLaunch makes what hosts are launched with.
func NewLaunch(ctx *pulumi.Context, name string, args LaunchArgs, opts ...pulumi.ResourceOption) (*Launch, error) {
	l := &Launch{
		namer:     namer{stack: args.Stack.Name, name: name, tags: args.Tags},
		Templates: map[string]*ec2.LaunchTemplate{},
		User:      args.Images.User,
		hosts:     args.Stack.Hosts,
		spread:    map[string][]*ec2.PlacementGroup{},
	}
	inputs := pulumi.Map{"terminationProtection": pulumi.Bool(l.hosts.TerminationProtection)}
	if err := ctx.RegisterComponentResourceV2("kraftstack:launch:Launch", name, inputs, l, opts...); err != nil {
		return nil, err
	}
	if err := l.addRole(ctx, args.Stack.Region); err != nil {
		return nil, err
	}
	if args.Stack.Access.HasBastion() {
		if err := l.addTemplate(ctx, args.Images, roleBastion, args.Stack.Access.Bastion.InstanceType); err != nil {
			return nil, err
		}
	}
	if err := l.addSpread(ctx, args.Stack.Nodes()); err != nil {
		return nil, err
	}
	return l, ctx.RegisterResourceOutputs(l, pulumi.Map{"role": l.Role.Name})
}

// AddNodes makes the templates of the Kafka hosts. They are apart from the
// bastion's, over which the image that they name may have to be baked first.
func (l *Launch) AddNodes(ctx *pulumi.Context, stack config.Stack, images Images) error {
	if stack.Controllers.Mode == config.ModeDedicated {
		if err := l.addTemplate(ctx, images, roleController, stack.Controllers.InstanceType); err != nil {
			return err
		}
	}
	return l.addTemplate(ctx, images, roleBroker, stack.Brokers.InstanceType)
}

// trust lets EC2 alone give the role to an instance.
const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// addRole makes the role that hosts run as. It has no permission at all, since
// nothing on a host calls AWS, but for what Session Manager's agent needs where
// there is no bastion (see sessions). That there is one lets a permission be added
// later without a new host, and keeps an account's default role away.
func (l *Launch) addRole(ctx *pulumi.Context, region string) (err error) {
	// Roles are known in all regions of an account.
	name := pulumi.String(l.stack + "-kafka-host-" + region)
	l.Role, err = iam.NewRole(ctx, l.resource("role"), &iam.RoleArgs{
		Name:             name,
		Description:      pulumi.String("Hosts of Kafka stack " + l.stack),
		AssumeRolePolicy: pulumi.String(trust),
		Tags:             l.tagged("role"),
	}, pulumi.Parent(l))
	if err != nil {
		return err
	}
	l.Profile, err = iam.NewInstanceProfile(ctx, l.resource("profile"), &iam.InstanceProfileArgs{
		Name: name, Role: l.Role.Name, Tags: l.tagged("profile"),
	}, pulumi.Parent(l))
	return err
}

// addTemplate says how a host of a role is launched. What can be changed on a
// running host is said on the instance again, where a change reaches it.
func (l *Launch) addTemplate(ctx *pulumi.Context, images Images, role, instanceType string) error {
	image := images.of(instanceType)
	disk := ec2.LaunchTemplateBlockDeviceMappingEbsArgs{
		VolumeType: pulumi.String("gp3"), VolumeSize: pulumi.Int(rootVolumeGiB),
		Encrypted: pulumi.String("true"), DeleteOnTermination: pulumi.String("true"),
	}
	if l.hosts.KMSKey != "" {
		disk.KmsKeyId = pulumi.String(l.hosts.KMSKey)
	}
	var specifications ec2.LaunchTemplateTagSpecificationArray
	for _, kind := range []string{"instance", "network-interface", "volume"} {
		specifications = append(specifications, ec2.LaunchTemplateTagSpecificationArgs{
			ResourceType: pulumi.String(kind), Tags: l.tags.named(l.stack + "-" + role),
		})
	}
	template, err := ec2.NewLaunchTemplate(ctx, l.resource(role), &ec2.LaunchTemplateArgs{
		Name:                 pulumi.String(l.stack + "-" + role),
		UpdateDefaultVersion: pulumi.Bool(true),
		ImageId:              image.ID.ToStringOutput(),
		InstanceType:         pulumi.String(instanceType),
		EbsOptimized:         pulumi.String("true"),
		IamInstanceProfile:   ec2.LaunchTemplateIamInstanceProfileArgs{Name: l.Profile.Name},
		BlockDeviceMappings: ec2.LaunchTemplateBlockDeviceMappingArray{
			ec2.LaunchTemplateBlockDeviceMappingArgs{DeviceName: pulumi.String(image.Root), Ebs: disk},
		},
		// Version 2 alone, and one hop: a token request that was forwarded
		// from elsewhere gets no answer (AWS: "Use IMDSv2").
		MetadataOptions: ec2.LaunchTemplateMetadataOptionsArgs{
			HttpEndpoint: pulumi.String("enabled"), HttpTokens: pulumi.String("required"),
			HttpPutResponseHopLimit: pulumi.Int(1), InstanceMetadataTags: pulumi.String("disabled"),
		},
		Monitoring:            ec2.LaunchTemplateMonitoringArgs{Enabled: pulumi.Bool(l.hosts.DetailedMonitoring)},
		DisableApiTermination: pulumi.Bool(l.protects(role)),
		// EC2 moves a host off hardware that fails, with its id, addresses and
		// disks ("Simplified automatic recovery").
		MaintenanceOptions: ec2.LaunchTemplateMaintenanceOptionsArgs{AutoRecovery: pulumi.String("default")},
		TagSpecifications:  specifications,
		Tags:               l.tagged(role),
	}, pulumi.Parent(l))
	l.Templates[role] = template
	return err
}

// protects tells whether a role's hosts may not be terminated: those that run
// Kafka. The bastion has nothing to lose, and comes back by refresh and up.
func (l *Launch) protects(role string) bool {
	return l.hosts.TerminationProtection && (role == roleBroker || role == roleController)
}

// addSpread makes as many placement groups for each role as its zones need.
func (l *Launch) addSpread(ctx *pulumi.Context, nodes []config.Node) error {
	if !l.hosts.Spread {
		return nil
	}
	for _, node := range nodes {
		role, index := roleOf(node), node.Rack/config.SpreadLimit
		if index < len(l.spread[role]) {
			continue
		}
		suffix := fmt.Sprintf("%s-spread-%d", role, index+1)
		group, err := ec2.NewPlacementGroup(ctx, l.resource(suffix), &ec2.PlacementGroupArgs{
			Name:     pulumi.String(l.stack + "-" + suffix),
			Strategy: pulumi.String("spread"),
			Tags:     l.tagged(suffix),
		}, pulumi.Parent(l))
		if err != nil {
			return err
		}
		l.spread[role] = append(l.spread[role], group)
	}
	return nil
}

// roleOf is the role that a node is launched in. Combined nodes are brokers.
func roleOf(node config.Node) string {
	if node.Broker {
		return roleBroker
	}
	return roleController
}

// group is the placement group of a node; nil where hosts are not spread.
func (l *Launch) group(node config.Node) pulumi.StringPtrInput {
	if !l.hosts.Spread {
		return nil
	}
	return l.spread[roleOf(node)][node.Rack/config.SpreadLimit].Name
}

// from is how an instance names the template of its role.
func (l *Launch) from(role string) ec2.InstanceLaunchTemplateArgs {
	template := l.Templates[role]
	return ec2.InstanceLaunchTemplateArgs{
		Id:      template.ID(),
		Version: template.LatestVersion.ApplyT(strconv.Itoa).(pulumi.StringOutput),
	}
}
