package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2transitgateway"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
)

// Golden is the images that the stack bakes, one for each architecture that its
// Kafka hosts have: each of a host with Java and Kafka, which stops when its
// image is made. All of it has the image's name in its own, so that another
// name is another image, and nothing else changes one.
type Golden struct {
	pulumi.ResourceState

	Images Images // by architecture, for Kafka hosts
}

// GoldenArgs is what Golden is made from.
type GoldenArgs struct {
	Stack   config.Stack
	Tags    Tags
	Network *Network
	Access  *Access
	Launch  *Launch
	Images  Images // what the images are made from
}

// NewGolden bakes the stack's images. It is nil where the stack bakes none.
func NewGolden(ctx *pulumi.Context, name string, args GoldenArgs, opts ...pulumi.ResourceOption) (*Golden, error) {
	if args.Stack.Hosts.Golden.Name == "" {
		return nil, nil //nolint:nilnil // having none is no error
	}
	g := &Golden{Images: Images{ByArchitecture: map[string]Image{}, User: args.Images.User}}
	inputs := pulumi.Map{"name": pulumi.String(args.Stack.Hosts.Golden.Name)}
	if err := ctx.RegisterComponentResourceV2("kraftstack:golden:Golden", name, inputs, g, opts...); err != nil {
		return nil, err
	}
	baked := pulumi.StringMap{}
	for _, node := range args.Stack.Nodes() {
		architecture := config.Architecture(node.InstanceType)
		if _, done := g.Images.ByArchitecture[architecture]; done {
			continue
		}
		image, err := g.bake(ctx, args, architecture, node.InstanceType)
		if err != nil {
			return nil, err
		}
		g.Images.ByArchitecture[architecture] = Image{ID: image.ID().ToStringOutput(), Root: args.Images.of(node.InstanceType).Root}
		baked[architecture] = image.ID()
	}
	return g, ctx.RegisterResourceOutputs(g, pulumi.Map{"images": baked})
}

// bake prepares a host of a type that the fleet has, and makes an image of it.
func (g *Golden) bake(ctx *pulumi.Context, args GoldenArgs, architecture, instanceType string) (*ec2.AmiFromInstance, error) {
	name := fmt.Sprintf("golden-%s-%s", args.Stack.Hosts.Golden.Name, architecture)
	h := host{namer: namer{stack: args.Stack.Name, name: name, tags: args.Tags}, parent: g, access: args.Access, once: true}
	if err := args.Launch.addTemplate(ctx, args.Images, name, instanceType); err != nil {
		return nil, err
	}
	err := h.addInstance(ctx, instanceArgs{
		launch: args.Launch, role: name, instanceType: instanceType,
		subnet: args.Network.PrivateSubnets[0], group: args.Access.NodeGroup,
		hostname: name + "." + args.Stack.Domain(), after: args.Access.sessions.resources(),
	})
	if err != nil {
		return nil, err
	}
	// It is never given later keys: it stops once its image is made.
	h.connection = args.Access.Connection(h.Instance, args.Access.bornKey, h.bornKey)
	if err := h.addToolkit(ctx, args.Access.reachable()); err != nil {
		return nil, err
	}
	if err := h.addInstall(ctx, args.Stack, args.Network.privateEgress); err != nil {
		return nil, err
	}
	sealed, err := h.command(ctx, "seal", commandArgs{
		create: pulumi.String(toolkitCall("seal")), after: []pulumi.Resource{h.install},
	})
	if err != nil {
		return nil, err
	}
	image, err := ec2.NewAmiFromInstance(ctx, h.resource("image"), &ec2.AmiFromInstanceArgs{
		Name:             pulumi.String(args.Stack.GoldenImage(architecture)),
		Description:      pulumi.String(fmt.Sprintf("Kafka %s for stack %s", args.Stack.Kafka.Version, args.Stack.Name)),
		SourceInstanceId: h.Instance.ID(),
		Tags:             h.tagged("image"),
	}, pulumi.Parent(g), pulumi.DependsOn([]pulumi.Resource{sealed}),
		// What it was made of is in its description. A host that was lost
		// afterwards is no reason to make it anew.
		pulumi.IgnoreChanges([]string{"description", "sourceInstanceId"}))
	if err != nil {
		return nil, err
	}
	_, err = ec2transitgateway.NewInstanceState(ctx, h.resource("stopped"), &ec2transitgateway.InstanceStateArgs{
		InstanceId: h.Instance.ID(), State: pulumi.String("stopped"),
	}, pulumi.Parent(g), pulumi.DependsOn([]pulumi.Resource{image}))
	return image, err
}
