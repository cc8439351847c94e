package components

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"golang.org/x/crypto/ssh"

	"kraftstack/config"
	"kraftstack/sessionmanager"
)

// sessions is the way in of a stack without a bastion. On each host AWS's agent,
// which all images have, connects to Session Manager through endpoints in the
// VPC; what connects to a host does so through that connection. So no port of
// the stack is open to anybody, and who may reach a host is for IAM to say.
type sessions struct {
	ready []pulumi.Resource // the endpoints and what agents may do
	// jump is what every connection passes through: an SSH server that this
	// program runs, on the loopback of the same machine.
	jump remote.ProxyConnectionArgs
}

// resources is what must be there before a host of the stack is: an agent that
// finds no permission or no endpoint when it starts looks again only after
// minutes, in the end after an hour. nil where a bastion is the way in.
func (s *sessions) resources() []pulumi.Resource {
	if s == nil {
		return nil
	}
	return append([]pulumi.Resource{}, s.ready...)
}

// agentServices are the AWS services that the agent speaks to (Systems Manager
// user guide, "Set up VPC endpoints for Session Manager").
var agentServices = []string{"ssm", "ssmmessages", "ec2messages"}

// agentPolicy is what the agent needs for sessions (Systems Manager user guide,
// "Create a custom IAM role for Session Manager"). The calls of ssmmessages take
// no resource in a policy (service authorization reference).
const agentPolicy = `{"Version":"2012-10-17","Statement":[` +
	`{"Sid":"Sessions","Effect":"Allow","Action":["ssmmessages:CreateControlChannel","ssmmessages:CreateDataChannel",` +
	`"ssmmessages:OpenControlChannel","ssmmessages:OpenDataChannel"],"Resource":"*"},` +
	`{"Sid":"Register","Effect":"Allow","Action":"ssm:UpdateInstanceInformation","Resource":"arn:%s:ec2:%s:%s:instance/*"}]}`

func (a *Access) addSessions(ctx *pulumi.Context, args AccessArgs) error {
	a.sessions = &sessions{}
	policy, err := iam.NewRolePolicy(ctx, a.resource("session-policy"), &iam.RolePolicyArgs{
		Name:   pulumi.String("session-manager"),
		Role:   args.Launch.Role.Name,
		Policy: pulumi.Sprintf(agentPolicy, partition(args.Stack.Region), args.Stack.Region, args.Network.VPC.OwnerId),
	}, pulumi.Parent(a))
	if err != nil {
		return err
	}
	a.sessions.ready = append(a.sessions.ready, policy)
	if err := a.addEndpoints(ctx, args); err != nil {
		return err
	}
	return a.addJump(ctx, args)
}

// addEndpoints gives the agents a way to the services that needs no other way out
// of the network: an interface in each private subnet. With private DNS the
// services' usual names lead there.
func (a *Access) addEndpoints(ctx *pulumi.Context, args AccessArgs) error {
	group, err := ec2.NewSecurityGroup(ctx, a.resource("endpoint-group"), &ec2.SecurityGroupArgs{
		VpcId:               args.Network.VPC.ID(),
		Name:                pulumi.String(a.stack + "-endpoint-group"),
		Description:         pulumi.String("Endpoints of Session Manager for Kafka stack " + a.stack),
		RevokeRulesOnDelete: pulumi.Bool(true),
		Tags:                a.tagged("endpoint-group"),
	}, pulumi.Parent(a))
	if err != nil {
		return err
	}
	// Out of the nodes lead the rules for downloads, which have this port.
	err = a.allowIngress(ctx, "endpoint-443-from-nodes", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId:           group.ID(),
		Description:               pulumi.String("Agents of Session Manager on the nodes"),
		FromPort:                  pulumi.Int(httpsPort),
		ToPort:                    pulumi.Int(httpsPort),
		ReferencedSecurityGroupId: a.NodeGroup.ID(),
	})
	if err != nil {
		return err
	}
	subnets := pulumi.StringArray{}
	for _, subnet := range args.Network.PrivateSubnets {
		subnets = append(subnets, subnet.ID())
	}
	for _, service := range agentServices {
		endpoint, err := ec2.NewVpcEndpoint(ctx, a.resource(service+"-endpoint"), &ec2.VpcEndpointArgs{
			VpcId:             args.Network.VPC.ID(),
			ServiceName:       pulumi.String(fmt.Sprintf("com.amazonaws.%s.%s", args.Stack.Region, service)),
			VpcEndpointType:   pulumi.String("Interface"),
			PrivateDnsEnabled: pulumi.Bool(true),
			SubnetIds:         subnets,
			SecurityGroupIds:  pulumi.StringArray{group.ID()},
			Tags:              a.tagged(service + "-endpoint"),
		}, pulumi.Parent(a))
		if err != nil {
			return err
		}
		a.sessions.ready = append(a.sessions.ready, endpoint)
	}
	return nil
}

// addJump says where connections pass through, and opens it as soon as its keys
// are known. The connections themselves name only what stays from run to run.
func (a *Access) addJump(ctx *pulumi.Context, args AccessArgs) error {
	shown := namer{stack: a.stack, name: "session-manager"}.hostKey(a.hosts)
	client := sessionmanager.New(args.Stack.Region, args.Profile)
	opened := pulumi.All(shown.Private, shown.Public, a.Key.PublicKeyOpenssh).ApplyT(func(of []any) (string, error) {
		if ctx.DryRun() {
			return of[1].(string), nil // a preview connects to nothing
		}
		return of[1].(string), openJump(args.Stack.Access, client, of[0].(string), of[2].(string))
	}).(pulumi.StringOutput)
	a.sessions.jump = remote.ProxyConnectionArgs{
		Host:           pulumi.String("127.0.0.1"),
		Port:           pulumi.Float64(args.Stack.Access.LocalPort),
		User:           pulumi.String("kraftstack"),
		PrivateKey:     a.Key.PrivateKeyOpenssh,
		HostKey:        pulumi.Unsecret(opened).(pulumi.StringOutput),
		DialErrorLimit: pulumi.Int(dialErrorLimit(a.timeout)),
		PerDialTimeout: pulumi.Int(perDialTimeout),
	}
	return nil
}

// perSessionTimeout in seconds is for one session to begin: AWS is asked, and asks
// the agent.
const perSessionTimeout = 15

// openJump serves until this process ends, which is after the last step.
func openJump(access config.Access, client *sessionmanager.Client, private, login string) error {
	signer, err := ssh.ParsePrivateKey([]byte(private))
	if err != nil {
		// The parser's error is not passed on: it must never quote the key.
		return errors.New("read the key of the way through Session Manager: it is not an OpenSSH private key")
	}
	return sessionmanager.Jump{Port: access.LocalPort, HostKey: signer, Login: login, Dial: client.Dial}.Open()
}
