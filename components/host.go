package components

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/config"
	"kraftstack/render"
	"kraftstack/scripts"
)

const (
	toolkitPath = "/opt/kraftstack/kafka-node"
	// commandTimeout in seconds ends a step on a host that would otherwise
	// hang: the command provider has no time limit of its own. Every wait in
	// the toolkit is shorter.
	commandTimeout = 1200
	// unhurriedTimeout in seconds, 14 days, is for terabytes.
	unhurriedTimeout = 14 * 24 * 3600
)

// host is what the bastion and the nodes share: an instance whose SSH host key
// is made here, and the toolkit on it.
type host struct {
	namer
	parent pulumi.Resource
	access *Access
	once   bool // its steps run once: what they would do today changes nothing

	HostKey    hostKey
	bornKey    hostKey // the host's until addKeys gives it HostKey
	Instance   *ec2.Instance
	connection remote.ConnectionArgs

	keys    *remote.Command // nil in the first generation
	toolkit *remote.Command
	install *remote.Command
}

type instanceArgs struct {
	launch       *Launch
	role         string
	instanceType string
	placement    pulumi.StringPtrInput // nil: anywhere
	subnet       *ec2.Subnet
	group        *ec2.SecurityGroup
	hostname     string
	hooks        *pulumi.ResourceHookBinding
	hop          bool // connections to other hosts pass through it
	after        []pulumi.Resource
}

func (h *host) addInstance(ctx *pulumi.Context, args instanceArgs) (err error) {
	h.bornKey, h.HostKey = h.hostKey(h.access.bornHosts), h.hostKey(h.access.hosts)
	userData := pulumi.All(h.bornKey.Private, h.bornKey.Public).ApplyT(func(keys []any) string {
		return render.CloudConfig(render.Login{
			FQDN: args.hostname, User: args.launch.User, HostKey: keys[0].(string), HostKeyPublic: keys[1].(string), Hop: args.hop,
		})
	}).(pulumi.StringOutput)
	var opts []pulumi.ResourceOption
	if args.hooks != nil {
		opts = append(opts, pulumi.ResourceHooks(args.hooks))
	}
	h.Instance, err = ec2.NewInstance(ctx, h.resource("instance"), &ec2.InstanceArgs{
		LaunchTemplate:        args.launch.from(args.role),
		InstanceType:          pulumi.String(args.instanceType),
		Monitoring:            pulumi.Bool(args.launch.hosts.DetailedMonitoring),
		DisableApiTermination: pulumi.Bool(args.launch.protects(args.role)),
		PlacementGroup:        args.placement,
		SubnetId:              args.subnet.ID(),
		VpcSecurityGroupIds:   pulumi.StringArray{args.group.ID()},
		KeyName:               h.access.keyPair.KeyName,
		UserData:              userData,
		Tags:                  h.tags.named(h.stack + "-" + h.name),
	}, append(opts, pulumi.Parent(h.parent), pulumi.DependsOn(args.after),
		// The data volume can be in one place only, so the old host goes first.
		pulumi.DeleteBeforeReplace(true),
		// Another template, a newer image in it for one, or what a host is first
		// booted with is no reason to replace a fleet: they take effect when a host
		// is replaced for another reason.
		pulumi.IgnoreChanges([]string{"launchTemplate", "userData", "keyName"}))...)
	return err
}

// toolkit is kafka-node as it travels, and the digest that a preview shows of it.
// It is made once: that takes longer than to declare a host.
var toolkit = sync.OnceValue(func() (t struct{ packed, digest string }) {
	bundle := scripts.Bundle()
	digest := sha256.Sum256([]byte(bundle))
	t.packed, t.digest = compressed(bundle), hex.EncodeToString(digest[:])
	return t
})

// addToolkit puts kafka-node on the host. It is sent on standard input,
// compressed: the state holds it twice for each host. As a secret it is left out
// of the engine's events, which have each value up to eight times: a preview of a
// hundred hosts spent most of its time on them. The digest tells a change, and
// refuses a copy that was cut short.
func (h *host) addToolkit(ctx *pulumi.Context, after []pulumi.Resource) (err error) {
	if h.keys != nil {
		after = append(slices.Clone(after), h.keys)
	}
	h.toolkit, err = h.command(ctx, "toolkit", commandArgs{
		create: pulumi.String(toolkitCommand(toolkit().digest)),
		stdin:  pulumi.ToSecret(pulumi.String(toolkit().packed)).(pulumi.StringOutput),
		after:  after,
	})
	return err
}

// compressed is a text as base64 of its gzip form.
func compressed(text string) string {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	// Writing to memory does not fail.
	_, _ = io.WriteString(writer, text)
	_ = writer.Close()
	return base64.StdEncoding.EncodeToString(packed.Bytes())
}

// toolkitCommand has one sudo for all of it: each takes as long as the rest together.
func toolkitCommand(digest string) string {
	return fmt.Sprintf(`sudo sh -euc '
install -d -m 0755 %[1]s
base64 -d | gzip -d >%[2]s.new
echo "%[3]s  %[2]s.new" | sha256sum --check --status || { echo "the copy of %[2]s is incomplete; run up again" >&2; exit 1; }
chmod 0755 %[2]s.new
mv -f %[2]s.new %[2]s'`, toolkitPath[:strings.LastIndex(toolkitPath, "/")], toolkitPath, digest)
}

// addInstall stages Java and one version of Kafka. Nothing that runs is
// touched by it.
func (h *host) addInstall(ctx *pulumi.Context, stack config.Stack, after []pulumi.Resource, flags ...string) (err error) {
	args := []string{
		"--version=" + stack.Kafka.Version, "--url=" + stack.Kafka.ArchiveURL,
		fmt.Sprintf("--retry-seconds=%d", stack.Access.HostTimeoutSeconds),
	}
	if stack.Kafka.SHA512 != "" {
		args = append(args, "--sha512="+stack.Kafka.SHA512)
	}
	if stack.Security.Updates != config.UpdatesImage {
		args = append(args, "--updates="+stack.Security.Updates)
	}
	args = append(args, packageSources(stack)...)
	var keys pulumi.StringInput
	switch {
	case stack.Kafka.KeysURL():
		args = append(args, "--keys-url="+stack.Kafka.Keys)
	case stack.Kafka.Keys != "":
		args, keys = append(args, "--keys"), pulumi.String(stack.Kafka.Keys)
	}
	h.install, err = h.command(ctx, "install", commandArgs{
		create: pulumi.String(toolkitCall("install", append(args, flags...)...)),
		stdin:  keys,
		after:  append([]pulumi.Resource{h.toolkit}, after...),
	})
	return err
}

// packageSources tells a verb that installs packages where they are.
func packageSources(stack config.Stack) []string {
	if len(stack.Hosts.AptSources) == 0 {
		return nil
	}
	return []string{"--apt-sources=" + strings.Join(stack.Hosts.AptSources, "|")}
}

type commandArgs struct {
	create pulumi.StringInput // nil: there is nothing to do
	update pulumi.StringInput // nil: create serves both, being convergent
	delete pulumi.StringInput // nil: what the step did goes with its host
	stdin  pulumi.StringInput
	// triggers replace the command: it runs as if new. The default is the
	// instance's id, so that a replaced host gets everything again. An empty
	// list means never.
	triggers pulumi.Array
	after    []pulumi.Resource
	// remembers sends what the step printed last time to the host, where
	// rememberingCall passes it on.
	remembers bool
}

// command runs a step on the host over the one kind of connection there is.
func (h *host) command(
	ctx *pulumi.Context, step string, args commandArgs, opts ...pulumi.ResourceOption,
) (*remote.Command, error) {
	if args.triggers == nil {
		args.triggers = pulumi.Array{h.Instance.ID()}
	}
	command := &remote.CommandArgs{
		Connection: h.connection,
		Triggers:   args.triggers,
		// An sshd has to be told to accept the variable: kafka-node does so where
		// a step needs it.
		AddPreviousOutputInEnv: pulumi.Bool(args.remembers),
	}
	if args.create != nil {
		command.Create = args.create.ToStringOutput()
	}
	if args.update != nil {
		command.Update = args.update.ToStringOutput()
	}
	if args.delete != nil {
		command.Delete = args.delete.ToStringOutput()
	}
	if args.stdin != nil {
		command.Stdin = args.stdin.ToStringOutput()
	}
	opts = append(opts, pulumi.Parent(h.parent), pulumi.DependsOn(args.after))
	if h.once {
		opts = append(opts, pulumi.IgnoreChanges([]string{"create", "stdin", "connection"}))
	}
	return remote.NewCommand(ctx, h.resource(step), command, opts...)
}

// toolkitCall is the command line of one verb. Values are quoted: some come
// from the stack file.
func toolkitCall(verb string, args ...string) string {
	words := []string{"sudo timeout --kill-after=10", strconv.Itoa(commandTimeout), toolkitPath, verb}
	for _, arg := range args {
		words = append(words, shellQuote(arg))
	}
	return strings.Join(words, " ")
}

// unhurriedCall is toolkitCall for a verb that moves data and ends by itself where
// that does not get on.
func unhurriedCall(verb string, args ...string) string {
	return strings.Replace(toolkitCall(verb, args...), strconv.Itoa(commandTimeout), strconv.Itoa(unhurriedTimeout), 1)
}

// previousOutput is the variable in which the command provider sends a step's
// last output.
const previousOutput = "PULUMI_COMMAND_STDOUT"

// rememberingCall is toolkitCall for a verb that is told what it printed last.
func rememberingCall(verb string, args ...string) string {
	return strings.Replace(toolkitCall(verb, args...), "sudo ", "sudo --preserve-env="+previousOutput+" ", 1)
}

func shellQuote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
