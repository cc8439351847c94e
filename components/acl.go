package components

import (
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
)

// tcp is the protocol's number: the AWS API answers with numbers, so a name
// would look like a change at the next refresh.
const tcp = "6"

// aclRule lets TCP in from, or out to, a network. Its ports are those that the
// packet goes to.
type aclRule struct {
	cidr  string
	ports portRange
}

// aclRules are the rules of one network ACL. The ends of a list keep their
// numbers when the other list grows: fixed come from 100 on, listed from 200 on.
type aclRules struct {
	fixedIn, fixedOut   []aclRule // what every stack needs
	listedIn, listedOut []aclRule // for each network that the stack file lists
}

const (
	firstFixed  = 100
	firstListed = 200
)

// publicACL is for the subnets of the bastion and the NAT gateways. A network
// ACL knows no connections, so answers have rules of their own.
func publicACL(stack config.Stack) aclRules {
	var r aclRules
	vpc := stack.Network.CIDR.String()
	answers := hostEphemeral // of what the bastion asked the internet or a node
	if stack.Network.NATGateways != config.NATNone {
		answers = anyEphemeral
	}
	r.fixedIn = append(r.fixedIn, aclRule{anywhere, answers})
	for _, ports := range downloadPorts(stack) {
		if stack.Network.NATGateways != config.NATNone {
			r.fixedIn = append(r.fixedIn, aclRule{vpc, ports}) // private hosts, on their way through NAT
		}
		r.fixedOut = append(r.fixedOut, aclRule{anywhere, ports})
	}
	// To the nodes: SSH and Kafka from the bastion, and NAT's answers.
	if stack.Access.HasBastion() {
		r.fixedOut = append(r.fixedOut, aclRule{vpc, single(sshPort)})
	}
	r.fixedOut = append(r.fixedOut, aclRule{vpc, anyEphemeral})
	for _, cidr := range stack.Access.AdminCIDRs {
		r.listedIn = append(r.listedIn, aclRule{cidr.String(), single(sshPort)})
		r.listedOut = append(r.listedOut, aclRule{cidr.String(), anyEphemeral})
	}
	return r
}

// privateACL is for the subnets of the Kafka hosts. Neighbours in one subnet
// need no rule; nodes of other zones do.
func privateACL(stack config.Stack, bastion string) aclRules {
	var r aclRules
	vpc := stack.Network.CIDR.String()
	// Answers to what hosts asked: from the internet, S3 and each other. The
	// range is Linux's own, and has none of Kafka's ports in it.
	r.fixedIn = append(r.fixedIn, aclRule{anywhere, hostEphemeral})
	if stack.Access.HasBastion() {
		r.fixedIn = append(r.fixedIn, aclRule{bastion, single(sshPort)})
	} else { // the agents, from other zones, to the endpoints of Session Manager
		r.fixedIn = append(r.fixedIn, aclRule{vpc, single(httpsPort)})
	}
	inside := kafkaPorts(stack)
	if stack.Entry.Balanced() {
		// A load balancer's nodes probe from any port, and are answered there.
		inside = []portRange{anyEphemeral}
	}
	for _, ports := range inside {
		r.fixedIn = append(r.fixedIn, aclRule{vpc, ports})
	}
	// Answers to whoever asked from inside the VPC, and Kafka in other zones.
	r.fixedOut = append(r.fixedOut, aclRule{vpc, anyEphemeral})
	for _, ports := range downloadPorts(stack) {
		r.fixedOut = append(r.fixedOut, aclRule{anywhere, ports})
	}
	for _, cidr := range clientNetworks(stack) {
		if cidr.Overlaps(stack.Network.CIDR) {
			continue // let in as part of the VPC
		}
		for _, ports := range clientPorts(stack) {
			r.listedIn = append(r.listedIn, aclRule{cidr.String(), ports})
		}
		r.listedOut = append(r.listedOut, aclRule{cidr.String(), anyEphemeral})
	}
	return r
}

// clientNetworks are the networks that the stack file lets in to the ports for
// clients, the peer VPC's first.
func clientNetworks(stack config.Stack) []netip.Prefix {
	var networks []netip.Prefix
	if peer := stack.Network.PeerVPC; peer.ID != "" {
		networks = append(networks, peer.CIDR)
	}
	return append(networks, stack.Access.ClientCIDRs...)
}

// addNetworkACLs gives the public and the private subnets an ACL each. What is
// not listed is denied by AWS's own last rule.
func (n *Network) addNetworkACLs(ctx *pulumi.Context, stack config.Stack) (err error) {
	if stack.HasPublicSubnets() {
		if n.publicACL, err = n.addACL(ctx, "public", n.PublicSubnets, publicACL(stack)); err != nil {
			return err
		}
	}
	n.privateACL, err = n.addACL(ctx, "private", n.PrivateSubnets, privateACL(stack, n.plan[0].Public.String()))
	return err
}

func (n *Network) addACL(ctx *pulumi.Context, suffix string, subnets []*ec2.Subnet, rules aclRules) (*ec2.NetworkAcl, error) {
	var ids pulumi.StringArray
	for _, subnet := range subnets {
		ids = append(ids, subnet.ID())
	}
	args := &ec2.NetworkAclArgs{VpcId: n.VPC.ID(), SubnetIds: ids, Tags: n.tagged(suffix + "-acl")}
	ingress, egress := ec2.NetworkAclIngressArray{}, ec2.NetworkAclEgressArray{}
	for _, list := range []struct {
		first   int
		in, out []aclRule
	}{{firstFixed, rules.fixedIn, rules.fixedOut}, {firstListed, rules.listedIn, rules.listedOut}} {
		for i, rule := range list.in {
			ingress = append(ingress, ec2.NetworkAclIngressArgs{
				RuleNo: pulumi.Int(list.first + i), Action: pulumi.String("allow"), Protocol: pulumi.String(tcp),
				CidrBlock: pulumi.String(rule.cidr), FromPort: pulumi.Int(rule.ports.from), ToPort: pulumi.Int(rule.ports.to),
			})
		}
		for i, rule := range list.out {
			egress = append(egress, ec2.NetworkAclEgressArgs{
				RuleNo: pulumi.Int(list.first + i), Action: pulumi.String("allow"), Protocol: pulumi.String(tcp),
				CidrBlock: pulumi.String(rule.cidr), FromPort: pulumi.Int(rule.ports.from), ToPort: pulumi.Int(rule.ports.to),
			})
		}
	}
	args.Ingress, args.Egress = ingress, egress
	return ec2.NewNetworkAcl(ctx, n.resource(suffix+"-acl"), args, pulumi.Parent(n))
}
