package components

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
	"kraftstack/render"
)

// addIdentity makes the node's certificates of the request that prepare
// printed, and gives them to the node.
func (n *Node) addIdentity(ctx *pulumi.Context, certificates *Certificates, clusterID pulumi.StringOutput) (err error) {
	nothing := pulumi.String("").ToStringOutput()
	server, clients, admin := nothing, nothing, nothing
	request := n.prepare.Stdout.ApplyT(render.Request).(pulumi.StringOutput)
	host := n.stack.Host(n.Node)
	member := certificates.members.sign(func(by render.Authority, of []string) (string, error) {
		return by.Member(of[0], host)
	}, request)
	if n.Broker && n.stack.Security.Clients != config.ClientsPlaintext {
		names := render.CertificateNames(n.stack, n.Node)
		server = certificates.servers.sign(func(by render.Authority, of []string) (string, error) {
			return by.Server(of[0], names, of[1], of[2])
		}, request, certificates.period.ValidityStartTime, certificates.period.ValidityEndTime)
		clients = certificates.trustedClients
	}
	if n.Controller {
		admin = pulumi.All(certificates.adminPassword, clusterID).ApplyT(func(of []any) (string, error) {
			return render.ScramEntry(config.AdminUser, of[0].(string), of[1].(string))
		}).(pulumi.StringOutput)
	}
	document := pulumi.All(member, certificates.members.certificate, server, clients, admin).ApplyT(func(of []any) (string, error) {
		return render.Identity{
			Member: of[0].(string), Members: of[1].(string), Server: of[2].(string), Clients: of[3].(string), Admin: of[4].(string),
		}.Document()
	}).(pulumi.StringOutput)
	n.identity, err = n.command(ctx, "identity", commandArgs{
		create: pulumi.String(toolkitCall("identity")),
		stdin:  document,
		after:  []pulumi.Resource{n.prepare},
	})
	return err
}

// sign makes a certificate, which is no secret though the key is that signs it.
func (a authority) sign(certify func(render.Authority, []string) (string, error), arguments ...pulumi.StringOutput) pulumi.StringOutput {
	return pulumi.Unsecret(a.certify(certify, arguments...)).(pulumi.StringOutput)
}

// certify calls a method of the authority with arguments.
func (a authority) certify(certify func(render.Authority, []string) (string, error), arguments ...pulumi.StringOutput) pulumi.StringOutput {
	all := []any{a.certificate, a.key}
	for _, argument := range arguments {
		all = append(all, argument)
	}
	return pulumi.All(all...).ApplyT(func(of []any) (string, error) {
		var texts []string
		for _, value := range of {
			texts = append(texts, value.(string))
		}
		return certify(render.Authority{Certificate: texts[0], Key: texts[1]}, texts[2:])
	}).(pulumi.StringOutput)
}

// AddClient gives the bastion's tools the administrator's name, once the nodes
// have the certificates that are wanted now. It is the one host that has a login
// of the cluster.
func (b *Bastion) AddClient(ctx *pulumi.Context, stack config.Stack, certificates *Certificates, fleet *Fleet) (err error) {
	document := pulumi.All(certificates.CA, certificates.AdminLogin).ApplyT(func(of []any) (string, error) {
		return render.Admin{CA: of[0].(string), Login: of[1].(string)}.Document(stack)
	}).(pulumi.StringOutput)
	after := append([]pulumi.Resource{b.install}, fleet.administrated...)
	for _, node := range fleet.Nodes {
		after = append(after, node.identity)
	}
	b.client, err = b.command(ctx, "client", commandArgs{
		create: pulumi.String(toolkitCall("client")),
		stdin:  document,
		after:  after,
	})
	return err
}
