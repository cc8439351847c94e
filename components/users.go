package components

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
	"kraftstack/render"
)

// Users are those that clients log in as, with their access rules and quotas:
// one resource each, whatever the number of rules, so that a change of one is
// one step on one host.
type Users struct {
	pulumi.ResourceState
	namer

	// Declared tells of each user what it may do.
	Declared pulumi.Array
	// Logins are what users log in with, by name: a password, or a private key and
	// a certificate as one PEM text; secret.
	Logins pulumi.StringMap

	seed *tls.PrivateKey
	// host is the bastion: it has the administrator's password, is one hop away,
	// and reaches every broker, so that any one of them may be down. Without a
	// bastion it is the first broker.
	host host
	// ready is done when the host can do that.
	ready []pulumi.Resource
}

// UsersArgs is what Users are made from.
type UsersArgs struct {
	Stack   config.Stack
	Network *Network
	Access  *Access
	Fleet   *Fleet

	Certificates *Certificates
}

// NewUsers makes the users, once the cluster serves with its wanted settings.
func NewUsers(ctx *pulumi.Context, name string, args UsersArgs, opts ...pulumi.ResourceOption) (*Users, error) {
	u := &Users{namer: namer{stack: args.Stack.Name, name: name}, Declared: pulumi.Array{}, Logins: pulumi.StringMap{}}
	// No inputs: one that told of the users would change with each of them.
	if err := ctx.RegisterComponentResourceV2("kraftstack:users:Users", name, pulumi.Map{}, u, opts...); err != nil {
		return nil, err
	}
	outpost := args.Fleet.outpost(args.Access)
	u.host = host{namer: u.namer, parent: u, Instance: outpost.Instance, connection: outpost.connection}
	if bastion := args.Access.Bastion; bastion != nil {
		u.ready = []pulumi.Resource{bastion.client}
	} else {
		u.ready = args.Fleet.administrated
	}
	var err error
	// A key pair that nobody uses as one: its private half is a random secret
	// that lives in the state, from which generated passwords derive.
	u.seed, err = tls.NewPrivateKey(ctx, u.resource("seed"), &tls.PrivateKeyArgs{
		Algorithm: pulumi.String("ED25519"),
	}, pulumi.Parent(u))
	if err != nil {
		return nil, err
	}
	for _, user := range args.Stack.Users {
		if err := u.add(ctx, args, user); err != nil {
			return nil, err
		}
	}
	return u, ctx.RegisterResourceOutputs(u, pulumi.Map{})
}

// add makes one user. It lives in the cluster, not on the host that the step
// runs on, so a replaced host is no reason to make it anew. Destroying the stack
// does not remove user after user.
func (u *Users) add(ctx *pulumi.Context, args UsersArgs, user config.User) error {
	var stdin pulumi.StringInput
	if user.Authentication == config.AuthSCRAM {
		password := u.password(user)
		u.Logins[user.Name] = password
		stdin = password
	} else {
		u.Logins[user.Name] = args.Certificates.client(user.Name, u.derived("key", user))
	}
	rules := render.UserRules(user)
	u.Declared = append(u.Declared, pulumi.Map{
		"name":           pulumi.String(user.Name),
		"authentication": pulumi.String(user.Authentication),
		"rules":          pulumi.ToStringArray(rules),
	})
	wanted := []string{"--name=" + user.Name}
	if len(rules) > 0 { // a user with a certificate may have none yet
		wanted = append(wanted, "--wanted="+strings.Join(rules, "\n"))
	}
	_, err := u.host.command(ctx, user.Name, commandArgs{
		create: pulumi.String(rememberingCall("user", wanted...)),
		update: pulumi.String(rememberingCall("user", append(wanted, "--known")...)),
		delete: pulumi.String(rememberingCall("user", wanted[0], "--known")),
		// What the step printed is what was applied.
		remembers: true,
		stdin:     stdin,
		triggers:  pulumi.Array{},
		after:     slices.Concat(u.ready, args.Fleet.rolled),
	}, pulumi.DeletedWith(args.Network.VPC))
	return err
}

// password is the given one, or one that derives from the seed: 256 bits that
// change with the user's name and rotation alone.
func (u *Users) password(user config.User) pulumi.StringOutput {
	if given := user.Password.Reveal(); given != "" {
		return pulumi.ToSecret(pulumi.String(given)).(pulumi.StringOutput)
	}
	return u.derived("password", user)
}

// derived is a secret of a user of one kind.
func (u *Users) derived(kind string, user config.User) pulumi.StringOutput {
	label := fmt.Sprintf("%s %s %d", kind, user.Name, user.Rotation)
	derived := u.seed.PrivateKeyPem.ApplyT(func(seed string) string { return password(seed, label) })
	return pulumi.ToSecret(derived).(pulumi.StringOutput)
}

// password derives a secret from a seed. Labels keep them apart.
func password(seed, label string) string {
	code := hmac.New(sha256.New, []byte(strings.TrimSpace(seed)))
	_, _ = code.Write([]byte(label)) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(code.Sum(nil))
}
