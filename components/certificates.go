package components

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
	"kraftstack/render"
)

// Certificates are the stack's authorities and its first administrator. Each
// authority signs one kind of certificate, so that nothing that a client was
// ever given lets it in where the nodes talk to each other: brokers for clients,
// members of the cluster, clients. No node's private key is here: each is made
// on its host and stays there.
type Certificates struct {
	pulumi.ResourceState
	namer

	// CA is what clients trust brokers by, as PEM.
	CA pulumi.StringOutput
	// AdminLogin is secret: the administrator's password, or, where clients have
	// certificates alone, its certificate and private key as one PEM text.
	AdminLogin pulumi.StringOutput

	adminPassword pulumi.StringOutput // secret

	servers authority
	members authority
	clients authority // nobody, where clients have no certificates
	// trustedClients are the authorities of the clients that brokers let in, as PEM.
	trustedClients pulumi.StringOutput
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
// their renewal, which keeps their keys.
const (
	authorityValidity = 87600
	authorityRenewal  = 8760
)

// NewCertificates makes the stack's authorities.
func NewCertificates(ctx *pulumi.Context, name string, args CertificatesArgs, opts ...pulumi.ResourceOption) (*Certificates, error) {
	security := args.Stack.Security
	c := &Certificates{
		namer:          namer{stack: args.Stack.Name, name: name},
		AdminLogin:     pulumi.String("").ToStringOutput(),
		trustedClients: pulumi.String("").ToStringOutput(),
	}
	inputs := pulumi.Map{"clients": pulumi.String(security.Clients)}
	if err := ctx.RegisterComponentResourceV2("kraftstack:security:Certificates", name, inputs, c, opts...); err != nil {
		return nil, err
	}
	for _, step := range []func(*pulumi.Context, config.Security) error{
		c.addMembers, c.addServers, c.addClients, c.addPeriod, c.addAdmin,
	} {
		if err := step(ctx, security); err != nil {
			return nil, err
		}
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"ca": c.CA})
}

func (c *Certificates) addMembers(ctx *pulumi.Context, _ config.Security) (err error) {
	c.members, err = c.newAuthority(ctx, "members", "members")
	return err
}

// addServers takes the given authority, or makes the stack's own: that of the
// wanted generation signs, and the next one is trusted before it does.
func (c *Certificates) addServers(ctx *pulumi.Context, security config.Security) (err error) {
	ca := security.CA
	if ca.Given() {
		c.servers = authority{
			certificate: pulumi.String(ca.Certificate).ToStringOutput(),
			key:         pulumi.ToSecret(pulumi.String(ca.PrivateKey.Reveal())).(pulumi.StringOutput),
		}
	} else if c.servers, err = c.generation(ctx, "ca", "CA", ca.Generation); err != nil {
		return err
	}
	trusted := []any{c.servers.certificate}
	if ca.Next {
		next, err := c.generation(ctx, "ca", "CA", ca.Generation+1)
		if err != nil {
			return err
		}
		trusted = append(trusted, next.certificate)
	}
	if ca.AlsoTrust != "" {
		trusted = append(trusted, pulumi.String(ca.AlsoTrust))
	}
	c.CA = together(trusted)
	return nil
}

// addClients makes the stack's authority for clients, where they have
// certificates: that of the wanted generation signs, and the one before it may
// stay trusted until each client has its next certificate.
func (c *Certificates) addClients(ctx *pulumi.Context, security config.Security) (err error) {
	if !security.MTLS() {
		return nil
	}
	ca := security.ClientCA
	if c.clients, err = c.generation(ctx, "clients", "clients", ca.Generation); err != nil {
		return err
	}
	trusted := []any{c.clients.certificate}
	if ca.Previous {
		previous, err := c.generation(ctx, "clients", "clients", ca.Generation-1)
		if err != nil {
			return err
		}
		trusted = append(trusted, previous.certificate)
	}
	c.trustedClients = together(trusted)
	return nil
}

// together are certificates as one PEM text.
func together(certificates []any) pulumi.StringOutput {
	return pulumi.All(certificates...).ApplyT(func(of []any) string {
		var all strings.Builder
		for _, one := range of {
			all.WriteString(strings.TrimRight(one.(string), "\n") + "\n")
		}
		return all.String()
	}).(pulumi.StringOutput)
}

// generation is one of the stack's own authorities of a kind, of which the first
// has no number.
func (c *Certificates) generation(ctx *pulumi.Context, suffix, role string, n int) (authority, error) {
	if n == 1 {
		return c.newAuthority(ctx, suffix, role)
	}
	return c.newAuthority(ctx, fmt.Sprintf("%s-%d", suffix, n), fmt.Sprintf("%s %d", role, n))
}

func (c *Certificates) newAuthority(ctx *pulumi.Context, suffix, role string) (authority, error) {
	key, err := c.newKey(ctx, suffix+"-key")
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

func (c *Certificates) newKey(ctx *pulumi.Context, suffix string) (*tls.PrivateKey, error) {
	return tls.NewPrivateKey(ctx, c.resource(suffix), &tls.PrivateKeyArgs{
		Algorithm: pulumi.String("ECDSA"), EcdsaCurve: pulumi.String("P256"),
	}, pulumi.Parent(c))
}

// addAdmin makes what the administrator logs in with. The password is made
// whoever else logs in by what: a cluster is formatted with it, and may let
// clients in by passwords later on.
func (c *Certificates) addAdmin(ctx *pulumi.Context, security config.Security) (err error) {
	if c.adminPassword, err = c.newPassword(ctx, "admin", security.AdminRotation, c); err != nil {
		return err
	}
	switch {
	case security.Scram():
		c.AdminLogin = c.adminPassword
	case security.MTLS():
		c.AdminLogin = c.client(config.AdminUser, c.adminPassword)
	}
	return nil
}

// client is what a user logs in with who has a certificate: a private key that
// follows from a secret, and the certificate, as one PEM text; secret. It is good
// as long as the brokers' certificates are.
func (c *Certificates) client(user string, secret pulumi.StringOutput) pulumi.StringOutput {
	return pulumi.ToSecret(c.clients.certify(func(by render.Authority, of []string) (string, error) {
		return by.Client(of[0], user, of[1], of[2])
	}, secret, c.period.ValidityStartTime, c.period.ValidityEndTime)).(pulumi.StringOutput)
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

// End is when the brokers' certificates for clients end, as RFC 3339 has it.
func (c *Certificates) End() pulumi.StringOutput { return c.period.ValidityEndTime }

// Due is from when on an up renews them, in the same form.
func (c *Certificates) Due(security config.Security) pulumi.StringOutput {
	return c.period.ValidityEndTime.ApplyT(func(text string) (string, error) {
		end, err := time.Parse(time.RFC3339, text)
		return end.Add(-time.Duration(security.RenewBeforeHours) * time.Hour).Format(time.RFC3339), err
	}).(pulumi.StringOutput)
}

// newPassword makes a random password that lives in the state: 40 hexadecimal
// digits out of a key pair that nobody uses as one. Rotation counts from 1.
func (n namer) newPassword(ctx *pulumi.Context, suffix string, rotation int, parent pulumi.Resource) (pulumi.StringOutput, error) {
	seed, err := tls.NewPrivateKey(ctx, n.resource(suffix+"-seed"), &tls.PrivateKeyArgs{
		Algorithm: pulumi.String("ED25519"),
	}, pulumi.Parent(parent))
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return seed.PrivateKeyPem.ApplyT(func(seed string) string {
		label := generation("password", rotation)
		sum := sha256.Sum256([]byte(label + "\x00" + seed))
		return hex.EncodeToString(sum[:20])
	}).(pulumi.StringOutput), nil
}
