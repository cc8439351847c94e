package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
)

// Peer is the VPC that a stack's clients live in, as it was looked up.
type Peer struct {
	RouteTables []string // ids, all of its tables
}

// addPeering joins the VPC with the one of the clients, both in one account and
// region, so that it is accepted at once. Names resolve across it because the
// private zone belongs to both VPCs: see addDNSZone.
func (n *Network) addPeering(ctx *pulumi.Context, stack config.Stack) (err error) {
	peer := stack.Network.PeerVPC
	if peer.ID == "" {
		return nil
	}
	n.Peering, err = ec2.NewVpcPeeringConnection(ctx, n.resource("peering"), &ec2.VpcPeeringConnectionArgs{
		VpcId:      n.VPC.ID(),
		PeerVpcId:  pulumi.String(peer.ID),
		AutoAccept: pulumi.Bool(true),
		// Each side gets private addresses for the other's public EC2 names.
		Requester: ec2.VpcPeeringConnectionRequesterArgs{AllowRemoteVpcDnsResolution: pulumi.Bool(true)},
		Accepter:  ec2.VpcPeeringConnectionAccepterTypeArgs{AllowRemoteVpcDnsResolution: pulumi.Bool(true)},
		Tags:      n.tagged("peering"),
	}, pulumi.Parent(n))
	if err != nil {
		return err
	}
	for i, table := range n.tables {
		if err := n.addPeeringRoute(ctx, "to-"+n.tableNames[i], table.ID(), peer.CIDR.String()); err != nil {
			return err
		}
	}
	for _, table := range n.peer.RouteTables {
		if err := n.addPeeringRoute(ctx, "back-"+table, pulumi.String(table), stack.Network.CIDR.String()); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network) addPeeringRoute(ctx *pulumi.Context, suffix string, table pulumi.StringInput, cidr string) error {
	_, err := ec2.NewRoute(ctx, n.resource("peering-"+suffix), &ec2.RouteArgs{
		RouteTableId:           table,
		DestinationCidrBlock:   pulumi.String(cidr),
		VpcPeeringConnectionId: n.Peering.ID(),
	}, pulumi.Parent(n))
	return err
}
