package components

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi-tls/sdk/v5/go/tls"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/render"
	"kraftstack/scripts"
)

// SSH keys come in generations. A host is born with the keys of the one before
// the current, and its first step, over a connection that has those, gives it
// the current ones: a host that is there takes the same step when the generation
// goes up, so one mechanism serves both. What user data has of a host's key is
// then of no use any more. In the first generation there is no such step.

// generation is a name in one generation of keys: as it is in the first.
func generation(name string, n int) string {
	if n <= 1 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, n)
}

// newKeys makes the key pairs of a generation and of the one before it, which
// are the same in the first.
func (n namer) newKeys(ctx *pulumi.Context, current int, suffix string, parent pulumi.Resource) (born, now *tls.PrivateKey, err error) {
	newKey := func(number int) (*tls.PrivateKey, error) {
		return tls.NewPrivateKey(ctx, n.resource(generation(suffix, number)), &tls.PrivateKeyArgs{
			Algorithm: pulumi.String("ED25519"),
		}, pulumi.Parent(parent))
	}
	if now, err = newKey(current); err != nil || current == 1 {
		return now, now, err
	}
	born, err = newKey(current - 1)
	return born, now, err
}

// addKeys gives the host the keys of the current generation, over a connection
// with those before. From then on nobody logs in with another one.
func (h *host) addKeys(ctx *pulumi.Context, born remote.ConnectionArgs, after []pulumi.Resource) (err error) {
	if h.access.keys == 1 {
		return nil
	}
	caller := *h
	caller.connection = born
	h.keys, err = caller.command(ctx, "keys", commandArgs{
		create: pulumi.String("sudo timeout 60 bash -c " + shellQuote(scripts.Keys())),
		stdin: pulumi.Sprintf("%s\n%s\n%s", trimmed(h.access.Key.PublicKeyOpenssh), trimmed(h.HostKey.Public),
			h.HostKey.Private),
		after: after,
	})
	return err
}

// hostKey is what a host's sshd shows, in OpenSSH's forms.
type hostKey struct {
	Private, Public pulumi.StringOutput
}

// hostKey derives a host's key from the random secret that a generation of keys
// has for all hosts: a key pair that nobody uses as one.
func (n namer) hostKey(seed *tls.PrivateKey) hostKey {
	half := func(pick func(private, public string) string) pulumi.StringOutput {
		return seed.PrivateKeyOpenssh.ApplyT(func(secret string) (string, error) {
			private, public, err := render.HostKey(secret, n.name)
			return pick(private, public), err
		}).(pulumi.StringOutput)
	}
	return hostKey{
		Private: half(func(private, _ string) string { return private }),
		Public:  pulumi.Unsecret(half(func(_, public string) string { return public })).(pulumi.StringOutput),
	}
}

func trimmed(text pulumi.StringOutput) pulumi.StringOutput {
	return text.ApplyT(strings.TrimSpace).(pulumi.StringOutput)
}
