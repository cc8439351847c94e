package components

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
	"kraftstack/render"
)

// Certificates are the stack's authorities and its first administrator. There
// are two authorities, so that nothing that a client was ever given lets it in
// where the nodes talk to each other: one signs brokers for clients, the other
// signs members of the cluster. No node's private key is here: each is made on
// its host and stays there.
type Certificates struct {
	pulumi.ResourceState
	namer

	// CA is what clients trust brokers by, as PEM.
	CA pulumi.StringOutput
	// AdminPassword is secret.
	AdminPassword pulumi.StringOutput

	servers authority
	members authority
	// period says from when until when the brokers' certificates for clients
	// are valid.
	period *tls.SelfSignedCert
}

// authority signs certificates, as render.Authority.
type authority struct {
	certificate pulumi.StringOutput
	key         pulumi.StringOutput // secret
}

// CertificatesArgs is what Certificates are made from.
type CertificatesArgs struct {
	Stack config.Stack
}

// How long authorities last, in hours: ten years, and the last of them is for
// their renewal.
const (
	authorityValidity = 87600
	authorityRenewal  = 8760
)

// NewCertificates makes the stack's authorities.
func NewCertificates(ctx *pulumi.Context, name string, args CertificatesArgs, opts ...pulumi.ResourceOption) (*Certificates, error) {
	c := &Certificates{namer: namer{stack: args.Stack.Name, name: name}}
	inputs := pulumi.Map{"clients": pulumi.String(args.Stack.Security.Clients)}
	if err := ctx.RegisterComponentResourceV2("kraftstack:security:Certificates", name, inputs, c, opts...); err != nil {
		return nil, err
	}
	var err error
	if c.servers, err = c.newAuthority(ctx, "ca", "CA"); err != nil {
		return nil, err
	}
	if c.members, err = c.newAuthority(ctx, "members", "members"); err != nil {
		return nil, err
	}
	c.CA = c.servers.certificate
	if err = c.addPeriod(ctx, args.Stack.Security); err != nil {
		return nil, err
	}
	if c.AdminPassword, err = c.newPassword(ctx, "admin", c); err != nil {
		return nil, err
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"ca": c.CA})
}

func (c *Certificates) newAuthority(ctx *pulumi.Context, suffix, role string) (authority, error) {
	key, err := tls.NewPrivateKey(ctx, c.resource(suffix+"-key"), &tls.PrivateKeyArgs{
		Algorithm: pulumi.String("ECDSA"), EcdsaCurve: pulumi.String("P256"),
	}, pulumi.Parent(c))
	if err != nil {
		return authority{}, err
	}
	certificate, err := tls.NewSelfSignedCert(ctx, c.resource(suffix), &tls.SelfSignedCertArgs{
		PrivateKeyPem: key.PrivateKeyPem,
		Subject: &tls.SelfSignedCertSubjectArgs{
			Organization: pulumi.String("kraftstack"), CommonName: pulumi.String(c.stack + " " + role),
		},
		AllowedUses:         pulumi.ToStringArray([]string{"certSigning", "crlSigning"}),
		IsCaCertificate:     pulumi.Bool(true),
		SetSubjectKeyId:     pulumi.Bool(true),
		ValidityPeriodHours: pulumi.Int(authorityValidity),
		EarlyRenewalHours:   pulumi.Int(authorityRenewal),
	}, pulumi.Parent(c))
	if err != nil {
		return authority{}, err
	}
	return authority{certificate.CertPem, key.PrivateKeyPem}, nil
}

// addPeriod makes a certificate that nobody uses as one: its time is that of the
// brokers' certificates, and tls replaces it when they are due. So they are
// renewed together, and the state has one resource for all of them.
func (c *Certificates) addPeriod(ctx *pulumi.Context, security config.Security) error {
	key, err := tls.NewPrivateKey(ctx, c.resource("period-key"), &tls.PrivateKeyArgs{
		Algorithm: pulumi.String("ED25519"),
	}, pulumi.Parent(c))
	if err != nil {
		return err
	}
	c.period, err = tls.NewSelfSignedCert(ctx, c.resource("period"), &tls.SelfSignedCertArgs{
		PrivateKeyPem:       key.PrivateKeyPem,
		AllowedUses:         pulumi.StringArray{},
		ValidityPeriodHours: pulumi.Int(security.ValidityHours),
		EarlyRenewalHours:   pulumi.Int(security.RenewBeforeHours),
	}, pulumi.Parent(c))
	return err
}

// newPassword makes a random password that lives in the state: 40 hexadecimal
// digits out of a key pair that nobody uses as one.
func (n namer) newPassword(ctx *pulumi.Context, suffix string, parent pulumi.Resource) (pulumi.StringOutput, error) {
	seed, err := tls.NewPrivateKey(ctx, n.resource(suffix+"-seed"), &tls.PrivateKeyArgs{
		Algorithm: pulumi.String("ED25519"),
	}, pulumi.Parent(parent))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return seed.PrivateKeyPem.ApplyT(func(seed string) string {
		sum := sha256.Sum256([]byte("password\x00" + seed))
		return hex.EncodeToString(sum[:20])
	}).(pulumi.StringOutput), nil
}

// addIdentity makes the node's certificates of the request that prepare
// printed, and gives them to the node.
func (n *Node) addIdentity(ctx *pulumi.Context, certificates *Certificates, clusterID pulumi.StringOutput) (err error) {
	nothing := pulumi.String("").ToStringOutput()
	server, admin := nothing, nothing
	request := n.prepare.Stdout.ApplyT(render.Request).(pulumi.StringOutput)
	host := n.stack.Host(n.Node)
	member := certificates.members.sign(func(by render.Authority, of []string) (string, error) {
		return by.Member(of[0], host)
	}, request)
	if n.Broker {
		names := render.CertificateNames(n.stack, n.Node)
		server = certificates.servers.sign(func(by render.Authority, of []string) (string, error) {
			return by.Server(of[0], names, of[1], of[2])
		}, request, certificates.period.ValidityStartTime, certificates.period.ValidityEndTime)
	}
	if n.Controller && n.stack.Security.Clients != config.ClientsPlaintext {
		admin = pulumi.All(certificates.AdminPassword, clusterID).ApplyT(func(of []any) (string, error) {
			return render.ScramEntry(config.AdminUser, of[0].(string), of[1].(string))
		}).(pulumi.StringOutput)
	}
	document := pulumi.All(member, certificates.members.certificate, server, admin).ApplyT(func(of []any) (string, error) {
		return render.Identity{
			Member: of[0].(string), Members: of[1].(string), Server: of[2].(string), Admin: of[3].(string),
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
func (a authority) sign(make func(render.Authority, []string) (string, error), arguments ...pulumi.StringOutput) pulumi.StringOutput {
	all := []any{a.certificate, a.key}
	for _, argument := range arguments {
		all = append(all, argument)
	}
	signed := pulumi.All(all...).ApplyT(func(of []any) (string, error) {
		var texts []string
		for _, value := range of {
			texts = append(texts, value.(string))
		}
		return make(render.Authority{Certificate: texts[0], Key: texts[1]}, texts[2:])
	})
	return pulumi.Unsecret(signed).(pulumi.StringOutput)
}

// AddClient gives the bastion's tools the administrator's name. It is the one
// host that has a password of the cluster.
func (b *Bastion) AddClient(ctx *pulumi.Context, stack config.Stack, certificates *Certificates) (err error) {
	document := pulumi.All(certificates.CA, certificates.AdminPassword).ApplyT(func(of []any) (string, error) {
		return render.AdminDocument(stack, of[0].(string), of[1].(string))
	}).(pulumi.StringOutput)
	b.client, err = b.command(ctx, "client", commandArgs{
		create: pulumi.String(toolkitCall("client")),
		stdin:  document,
		after:  []pulumi.Resource{b.install},
	})
	return err
}
