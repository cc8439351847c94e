package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Bastion is the one host with a public address. SSH to every other host hops
// over it, and Kafka's console tools are installed on it.
type Bastion struct {
	pulumi.ResourceState
	host

	ElasticIP   *ec2.Eip
	Association *ec2.EipAssociation

	client *remote.Command // its tools know the cluster and the administrator
}

// Address is the public address, known once it answers.
func (b *Bastion) Address() pulumi.StringOutput { return b.Association.PublicIp }

func newBastion(ctx *pulumi.Context, name string, args AccessArgs, access *Access) (*Bastion, error) {
	b := &Bastion{host: host{namer: namer{stack: args.Stack.Name, name: name, tags: args.Tags}, access: access}}
	b.parent = b
	inputs := pulumi.Map{"instanceType": pulumi.String(args.Stack.Access.Bastion.InstanceType)}
	if err := ctx.RegisterComponentResourceV2("kraftstack:access:Bastion", name, inputs, b, pulumi.Parent(access)); err != nil {
		return nil, err
	}
	err := b.addInstance(ctx, instanceArgs{
		launch: args.Launch, role: roleBastion, instanceType: args.Stack.Access.Bastion.InstanceType,
		subnet: args.Network.PublicSubnets[0], group: access.BastionGroup,
		hostname: name + "." + args.Stack.Domain(), hop: true,
	})
	if err != nil {
		return nil, err
	}
	if err := b.addAddress(ctx, args.Network); err != nil {
		return nil, err
	}
	reachable := append([]pulumi.Resource{b.Association}, access.rules...)
	if err := b.addKeys(ctx, access.direct(b.Association.PublicIp, access.bornKey, b.bornKey), reachable); err != nil {
		return nil, err
	}
	if err := b.addToolkit(ctx, append(reachable, args.Network.publicEgress...)); err != nil {
		return nil, err
	}
	return b, ctx.RegisterResourceOutputs(b, pulumi.Map{"address": b.Address()})
}

// addAddress gives the bastion its Elastic IP. The address answers only once
// it is associated, so connections are made from the association's output.
func (b *Bastion) addAddress(ctx *pulumi.Context, network *Network) (err error) {
	b.ElasticIP, err = ec2.NewEip(ctx, b.resource("address"), &ec2.EipArgs{
		Domain: pulumi.String("vpc"),
		Tags:   b.tagged("address"),
	}, pulumi.Parent(b), pulumi.DependsOn([]pulumi.Resource{network.gateway}))
	if err != nil {
		return err
	}
	b.Association, err = ec2.NewEipAssociation(ctx, b.resource("address-association"), &ec2.EipAssociationArgs{
		AllocationId: b.ElasticIP.AllocationId,
		InstanceId:   b.Instance.ID(),
	}, pulumi.Parent(b))
	if err != nil {
		return err
	}
	b.connection = b.access.direct(b.Association.PublicIp, b.access.Key, b.HostKey)
	return nil
}
