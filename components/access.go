package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
)

// Access is the way in: the stack's SSH key pair, the security groups, and the
// bastion that every connection to a private host passes through, or, without
// one, what Session Manager needs in its place.
type Access struct {
	pulumi.ResourceState
	namer

	Key          *tls.PrivateKey    // logs in to every host
	bornKey      *tls.PrivateKey    // logs in to a host that was just born
	hosts        *tls.PrivateKey    // the keys of all hosts derive from it
	bornHosts    *tls.PrivateKey    // those that hosts are born with
	BastionGroup *ec2.SecurityGroup // nil without a bastion
	NodeGroup    *ec2.SecurityGroup
	Bastion      *Bastion // nil where Session Manager is the way in

	sessions *sessions // nil where the bastion is the way in
	keyPair  *ec2.KeyPair
	user     string
	timeout  int
	keys     int // their generation
	// rules must exist before anything dials a host.
	rules []pulumi.Resource
}

// AccessArgs is what an Access is made from.
type AccessArgs struct {
	Stack   config.Stack
	Tags    Tags
	Network *Network
	Launch  *Launch
	// Profile is the AWS profile that sessions are started with; "" is the
	// environment's credentials.
	Profile string
}

// NewAccess makes the way into a stack's network.
func NewAccess(ctx *pulumi.Context, name string, args AccessArgs, opts ...pulumi.ResourceOption) (*Access, error) {
	a := &Access{
		namer:   namer{stack: args.Stack.Name, name: name, tags: args.Tags},
		user:    args.Launch.User,
		timeout: args.Stack.Access.HostTimeoutSeconds,
		keys:    args.Stack.Access.KeyGeneration,
	}
	cidrs := pulumi.StringArray{}
	for _, cidr := range args.Stack.Access.AdminCIDRs {
		cidrs = append(cidrs, pulumi.String(cidr.String()))
	}
	if err := ctx.RegisterComponentResourceV2("kraftstack:access:Access", name, pulumi.Map{"adminCidrs": cidrs}, a, opts...); err != nil {
		return nil, err
	}
	steps := []func(*pulumi.Context, AccessArgs) error{a.addKeyPair, a.addGroups, a.addNodeRules, a.addClientRules}
	if args.Stack.Access.HasBastion() {
		steps = append(steps, a.addBastionRules, a.addBastion)
	} else {
		steps = append(steps, a.addSessions)
	}
	for _, step := range steps {
		if err := step(ctx, args); err != nil {
			return nil, err
		}
	}
	outputs := pulumi.Map{}
	if a.Bastion != nil {
		outputs["bastionAddress"] = a.Bastion.Address()
	}
	return a, ctx.RegisterResourceOutputs(a, outputs)
}

func (a *Access) addBastion(ctx *pulumi.Context, args AccessArgs) (err error) {
	a.Bastion, err = newBastion(ctx, "bastion", args, a)
	return err
}

// reachable is what must be there before a private host can be reached. A bastion
// has its keys for good once its toolkit is there.
func (a *Access) reachable() []pulumi.Resource {
	if a.Bastion == nil {
		return append(a.sessions.resources(), a.rules...)
	}
	return append([]pulumi.Resource{a.Bastion.toolkit}, a.rules...)
}

func (a *Access) addKeyPair(ctx *pulumi.Context, _ AccessArgs) (err error) {
	a.bornKey, a.Key, err = a.newKeys(ctx, a.keys, "key", a)
	if err != nil {
		return err
	}
	a.bornHosts, a.hosts, err = a.newKeys(ctx, a.keys, "host-keys", a)
	if err != nil {
		return err
	}
	a.keyPair, err = ec2.NewKeyPair(ctx, a.resource("key-pair"), &ec2.KeyPairArgs{
		KeyName:   pulumi.String(a.stack + "-" + generation(a.name, a.keys-1)),
		PublicKey: a.bornKey.PublicKeyOpenssh,
		Tags:      a.tagged("key-pair"),
	}, pulumi.Parent(a))
	return err
}

func (a *Access) addGroups(ctx *pulumi.Context, args AccessArgs) (err error) {
	group := func(suffix, description string) (*ec2.SecurityGroup, error) {
		return ec2.NewSecurityGroup(ctx, a.resource(suffix), &ec2.SecurityGroupArgs{
			VpcId:       args.Network.VPC.ID(),
			Name:        pulumi.String(a.stack + "-" + suffix),
			Description: pulumi.String(description),
			// The groups name each other, and a rule made by hand would keep
			// both of them for ever.
			RevokeRulesOnDelete: pulumi.Bool(true),
			Tags:                a.tagged(suffix),
		}, pulumi.Parent(a))
	}
	if args.Stack.Access.HasBastion() {
		if a.BastionGroup, err = group("bastion-group", "Bastion of Kafka stack "+a.stack); err != nil {
			return err
		}
	}
	a.NodeGroup, err = group("node-group", "Kafka nodes of stack "+a.stack)
	return err
}

// addBastionRules lets administrators in by SSH, and the bastion out to fetch
// its tools and to reach the nodes.
func (a *Access) addBastionRules(ctx *pulumi.Context, args AccessArgs) error {
	for _, cidr := range args.Stack.Access.AdminCIDRs {
		err := a.allowIngress(ctx, "bastion-ssh-from-"+cidr.String(), &vpc.SecurityGroupIngressRuleArgs{
			SecurityGroupId: a.BastionGroup.ID(),
			Description:     pulumi.String("SSH for administrators"),
			FromPort:        pulumi.Int(sshPort),
			ToPort:          pulumi.Int(sshPort),
			CidrIpv4:        pulumi.String(cidr.String()),
		})
		if err != nil {
			return err
		}
	}
	if err := a.allowDownloads(ctx, "bastion", a.BastionGroup, args.Stack); err != nil {
		return err
	}
	for _, ports := range append(clientPorts(args.Stack), single(sshPort)) {
		if err := a.allowToNodes(ctx, "bastion", a.BastionGroup, ports, "Kafka tools and SSH on the bastion"); err != nil {
			return err
		}
	}
	return nil
}

// addNodeRules admits exactly what Kafka and its operators need: SSH and the
// brokers' ports from the bastion, Kafka's ports among the nodes. Sessions come
// from the host itself and need none. Nodes reach
// each other and the servers of their packages; answers need no rule.
func (a *Access) addNodeRules(ctx *pulumi.Context, args AccessArgs) error {
	type source struct {
		from  *ec2.SecurityGroup
		name  string
		ports portRange
		why   string
	}
	var sources []source
	if a.BastionGroup != nil {
		sources = append(sources, source{a.BastionGroup, "bastion", single(sshPort), "SSH through the bastion"})
		for _, ports := range clientPorts(args.Stack) {
			sources = append(sources, source{a.BastionGroup, "bastion", ports, "Kafka tools on the bastion"})
		}
	}
	for _, ports := range nodePorts() {
		sources = append(sources, source{a.NodeGroup, "nodes", ports, "Brokers and voters among themselves"})
	}
	for _, s := range sources {
		err := a.allowIngress(ctx, "node-"+s.ports.String()+"-from-"+s.name, &vpc.SecurityGroupIngressRuleArgs{
			SecurityGroupId:           a.NodeGroup.ID(),
			Description:               pulumi.String(s.why),
			FromPort:                  pulumi.Int(s.ports.from),
			ToPort:                    pulumi.Int(s.ports.to),
			ReferencedSecurityGroupId: s.from.ID(),
		})
		if err != nil {
			return err
		}
	}
	for _, ports := range nodePorts() {
		if err := a.allowToNodes(ctx, "node", a.NodeGroup, ports, "Brokers and voters among themselves"); err != nil {
			return err
		}
	}
	return a.allowDownloads(ctx, "node", a.NodeGroup, args.Stack)
}

// addClientRules admits the clients that the stack file names, to the ports for
// clients alone.
func (a *Access) addClientRules(ctx *pulumi.Context, args AccessArgs) error {
	for _, ports := range clientPorts(args.Stack) {
		for _, cidr := range clientNetworks(args.Stack) {
			if err := a.allowClient(ctx, ports, cidr.String(), &vpc.SecurityGroupIngressRuleArgs{CidrIpv4: pulumi.String(cidr.String())}); err != nil {
				return err
			}
		}
		for _, group := range args.Stack.Access.ClientGroups {
			if err := a.allowClient(ctx, ports, group, &vpc.SecurityGroupIngressRuleArgs{ReferencedSecurityGroupId: pulumi.String(group)}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Access) allowClient(ctx *pulumi.Context, ports portRange, from string, rule *vpc.SecurityGroupIngressRuleArgs) error {
	rule.SecurityGroupId = a.NodeGroup.ID()
	rule.Description = pulumi.String("Clients of Kafka")
	rule.FromPort, rule.ToPort = pulumi.Int(ports.from), pulumi.Int(ports.to)
	return a.allowIngress(ctx, "node-"+ports.String()+"-from-"+from, rule)
}

func (a *Access) allowIngress(ctx *pulumi.Context, suffix string, args *vpc.SecurityGroupIngressRuleArgs) error {
	args.IpProtocol = pulumi.String("tcp")
	args.Tags = a.tagged(suffix)
	rule, err := vpc.NewSecurityGroupIngressRule(ctx, a.resource(suffix), args, pulumi.Parent(a))
	a.rules = append(a.rules, rule)
	return err
}

// allowDownloads lets a group out to the ports of package mirrors and of the
// Kafka archive's server, whose addresses are not fixed. Names and time come
// from AWS's own servers in the VPC, which no group filters.
func (a *Access) allowDownloads(ctx *pulumi.Context, name string, group *ec2.SecurityGroup, stack config.Stack) error {
	for _, ports := range downloadPorts(stack) {
		err := a.allowEgress(ctx, name+"-"+ports.String()+"-out", ports, &vpc.SecurityGroupEgressRuleArgs{
			SecurityGroupId: group.ID(),
			Description:     pulumi.String("Packages and archives"),
			CidrIpv4:        pulumi.String(anywhere),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// allowToNodes lets a group out to ports of the nodes.
func (a *Access) allowToNodes(ctx *pulumi.Context, name string, group *ec2.SecurityGroup, ports portRange, why string) error {
	return a.allowEgress(ctx, name+"-"+ports.String()+"-to-nodes", ports, &vpc.SecurityGroupEgressRuleArgs{
		SecurityGroupId:           group.ID(),
		Description:               pulumi.String(why),
		ReferencedSecurityGroupId: a.NodeGroup.ID(),
	})
}

func (a *Access) allowEgress(ctx *pulumi.Context, suffix string, ports portRange, args *vpc.SecurityGroupEgressRuleArgs) error {
	args.IpProtocol = pulumi.String("tcp")
	args.FromPort, args.ToPort = pulumi.Int(ports.from), pulumi.Int(ports.to)
	args.Tags = a.tagged(suffix)
	rule, err := vpc.NewSecurityGroupEgressRule(ctx, a.resource(suffix), args, pulumi.Parent(a))
	a.rules = append(a.rules, rule)
	return err
}
