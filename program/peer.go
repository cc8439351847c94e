package program

import (
	"fmt"
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/components"
	"kraftstack/config"
)

// findPeer looks the peer VPC up, where the stack has one: its addresses, which
// may not overlap the stack's, and its route tables, which get the routes back.
func findPeer(ctx *pulumi.Context, stack config.Stack) (config.Stack, components.Peer, error) {
	wanted := stack.Network.PeerVPC.ID
	if wanted == "" {
		return stack, components.Peer{}, nil
	}
	args := &ec2.LookupVpcArgs{Id: &wanted}
	if isDefault := true; wanted == config.PeerDefault {
		args = &ec2.LookupVpcArgs{Default: &isDefault}
	}
	found, err := ec2.LookupVpc(ctx, args)
	if err != nil {
		return stack, components.Peer{}, fmt.Errorf("look up the peer VPC %s in %s: %w; mend network.peerVpc.id", wanted, stack.Region, err)
	}
	primary, err := netip.ParsePrefix(found.CidrBlock)
	if err != nil {
		return stack, components.Peer{}, fmt.Errorf("read the addresses of the peer VPC %s: %w", found.Id, err)
	}
	cidrs := []netip.Prefix{primary}
	for _, association := range found.CidrBlockAssociations {
		cidr, err := netip.ParsePrefix(association.CidrBlock)
		if err == nil && cidr != primary {
			cidrs = append(cidrs, cidr)
		}
	}
	if err := stack.CheckPeer(cidrs); err != nil {
		return stack, components.Peer{}, err
	}
	tables, err := ec2.GetRouteTables(ctx, &ec2.GetRouteTablesArgs{VpcId: &found.Id})
	if err != nil {
		return stack, components.Peer{}, fmt.Errorf("list the route tables of the peer VPC %s: %w", found.Id, err)
	}
	return stack.WithPeer(found.Id, primary), components.Peer{RouteTables: tables.Ids}, nil
}
