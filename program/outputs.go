package program

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/components"
	"kraftstack/config"
)

// export names what operators and the driver's live view need. Ids come in the
// order of the zones, nodes in the order in which they are rolled.
func export(
	ctx *pulumi.Context, stack config.Stack, network *components.Network,
	access *components.Access, quorum *components.Quorum, fleet *components.Fleet, entry *components.Entry,
) {
	ctx.Export("region", pulumi.String(stack.Region))
	ctx.Export("zones", pulumi.ToStringArray(stack.Network.Zones))
	ctx.Export("vpcId", network.VPC.ID())
	ctx.Export("dnsZoneId", network.DNSZone.ZoneId)
	ctx.Export("domain", pulumi.String(stack.Domain()))

	var public, private, natAddresses pulumi.StringArray
	for _, subnet := range network.PublicSubnets {
		public = append(public, subnet.ID())
	}
	for _, subnet := range network.PrivateSubnets {
		private = append(private, subnet.ID())
	}
	for _, address := range network.NATAddresses {
		natAddresses = append(natAddresses, address.PublicIp)
	}
	ctx.Export("publicSubnetIds", public)
	ctx.Export("privateSubnetIds", private)
	ctx.Export("natAddresses", natAddresses)

	ctx.Export("nodeSecurityGroupId", access.NodeGroup.ID())
	if access.Bastion != nil {
		ctx.Export("bastionSecurityGroupId", access.BastionGroup.ID())
		ctx.Export("bastion", pulumi.Map{
			"address":  access.Bastion.Address(),
			"user":     pulumi.String(access.User()),
			"hostKey":  access.Bastion.HostKey.Public,
			"instance": access.Bastion.Instance.ID(),
		})
	} else {
		ctx.Export("sessionManager", pulumi.Map{"user": pulumi.String(access.User())})
	}
	ctx.Export("sshPrivateKey", pulumi.ToSecret(access.Key.PrivateKeyOpenssh))

	if entry != nil {
		ctx.Export("loadBalancer", pulumi.Map{
			"name": entry.Record.Fqdn, "dnsName": entry.Balancer.DnsName, "arn": entry.Balancer.Arn, "securityGroupId": entry.Group.ID(),
		})
	}
	if network.Peering != nil {
		ctx.Export("peeringConnectionId", network.Peering.ID())
	}

	nodes := pulumi.Array{}
	for _, node := range fleet.Nodes {
		nodes = append(nodes, nodeOutput(stack, node))
	}
	ctx.Export("clusterId", quorum.ClusterID)
	ctx.Export("nodes", nodes)
	ctx.Export("bootstrapServers", pulumi.ToStringArray(fleet.BootstrapServers))
}

func nodeOutput(stack config.Stack, node *components.Node) pulumi.Map {
	return pulumi.Map{
		"id":        pulumi.Int(node.ID),
		"name":      pulumi.String(node.Name),
		"host":      pulumi.String(stack.Host(node.Node)),
		"privateIp": node.Instance.PrivateIp,
		"zone":      pulumi.String(stack.Network.Zones[node.Zone]),
		"instance":  node.Instance.ID(),
		"volume":    node.Volume.ID(),
		"hostKey":   node.HostKey.Public,
		"roles":     pulumi.ToStringArray(node.Roles()),
	}
}

// exportUsers names the users with what they may do, and apart from that what
// they log in with, which is secret.
func exportUsers(ctx *pulumi.Context, users *components.Users) {
	ctx.Export("users", users.Declared)
	ctx.Export("userLogins", pulumi.ToSecret(users.Logins))
}

// exportSecurity names what a client of the cluster needs, and the
// administrator that the live view speaks as.
func exportSecurity(ctx *pulumi.Context, stack config.Stack, certificates *components.Certificates) {
	ctx.Export("clients", pulumi.String(stack.Security.Clients))
	ctx.Export("caCertificate", certificates.CA)
	ctx.Export("adminUser", pulumi.String(config.AdminUser))
	ctx.Export("certificatesEnd", certificates.End())
	ctx.Export("certificatesDue", certificates.Due(stack.Security))
	ctx.Export("adminLogin", pulumi.ToSecret(certificates.AdminLogin))
}
