package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/crypto/ssh"
)

// hosts are what the instances of the emulated cloud have behind their
// addresses here: an SSH server each, with the host key from the instance's
// user data and the login of its key pair, that knows the steps of the toolkit
// and what each of them stands on. There are no machines.
type hosts struct {
	t   *testing.T
	ec2 *ec2.Client

	mu        sync.Mutex
	machines  map[string]*machine // by instance id
	formatted map[string]bool     // volumes
	calls     []call
	broken    map[string]string // "HOST VERB" to why it fails
	dials     int
	rolling   string // the host whose roll runs
	clashes   []string
}

// machine is one instance.
type machine struct {
	id, name string
	network  string // its VPC: two stacks may have the same addresses
	public   bool   // has an Elastic IP: a bastion
	hostKey  ssh.Signer
	login    ssh.PublicKey
	did      map[string]bool // steps
	volume   string
	asked    string // its request for a certificate
}

// call is one command that ran on a host.
type call struct {
	Host, Verb, Instance string
	Flags                map[string]string
	Stdin                string
	Failed               bool
}

func newHosts(t *testing.T, api *ec2.Client) *hosts {
	return &hosts{
		t: t, ec2: api,
		machines: map[string]*machine{}, formatted: map[string]bool{}, broken: map[string]string{},
	}
}

// since returns the commands that ran after a mark, and the new mark.
func (h *hosts) since(mark int) ([]call, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]call(nil), h.calls[mark:]...), len(h.calls)
}

func (h *hosts) dialled() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.dials
}

// breaks makes a step fail on a host until the returned function is called.
func (h *hosts) breaks(host, verb, why string) (mend func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken[host+" "+verb] = why
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.broken, host+" "+verb)
	}
}

// dial is the command provider's way to the first host: by the address that
// the cloud gave it, to the server of the instance that has it.
func (h *hosts) dial(ctx context.Context, _, address string) (net.Conn, error) {
	h.mu.Lock()
	h.dials++
	h.mu.Unlock()
	m, err := h.at(ctx, "", address)
	if err != nil {
		return nil, err
	}
	near, far, err := loopback()
	if err != nil {
		return nil, err
	}
	go h.serve(far, m)
	return near, nil
}

// loopback is both ends of a TCP connection of this process with itself.
func loopback() (near, far net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	far, err = l.Accept()
	return near, far, err
}

// at finds the running instance with an address: a public one, or a private
// one in a network.
func (h *hosts) at(ctx context.Context, network, address string) (*machine, error) {
	ip, port, err := net.SplitHostPort(address)
	if err != nil || port != "22" {
		return nil, fmt.Errorf("dial tcp %s: connection refused", address)
	}
	running := types.Filter{Name: aws.String("instance-state-name"), Values: []string{"running"}}
	in := &ec2.DescribeInstancesInput{Filters: []types.Filter{running,
		{Name: aws.String("vpc-id"), Values: []string{network}}, {Name: aws.String("private-ip-address"), Values: []string{ip}}}}
	if network == "" {
		public, err := h.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{
			Filters: []types.Filter{{Name: aws.String("public-ip"), Values: []string{ip}}}})
		if err != nil {
			return nil, err
		}
		if len(public.Addresses) != 1 || public.Addresses[0].InstanceId == nil {
			return nil, fmt.Errorf("dial tcp %s: no route to host", address)
		}
		in = &ec2.DescribeInstancesInput{Filters: []types.Filter{running}, InstanceIds: []string{*public.Addresses[0].InstanceId}}
	}
	found, err := h.ec2.DescribeInstances(ctx, in)
	if err != nil {
		return nil, err
	}
	if len(found.Reservations) != 1 || len(found.Reservations[0].Instances) != 1 {
		return nil, fmt.Errorf("dial tcp %s: no route to host", address)
	}
	return h.machine(ctx, found.Reservations[0].Instances[0], network == "")
}

// machine boots an instance: it takes over what its user data and its key pair
// say.
func (h *hosts) machine(ctx context.Context, in types.Instance, public bool) (*machine, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := aws.ToString(in.InstanceId)
	if m := h.machines[id]; m != nil {
		return m, nil
	}
	m := &machine{id: id, network: aws.ToString(in.VpcId), public: public, did: map[string]bool{}}
	for _, tag := range in.Tags {
		if aws.ToString(tag.Key) == "Name" {
			_, m.name, _ = strings.Cut(aws.ToString(tag.Value), "-")
		}
	}
	private, err := hostKey(ctx, h.ec2, id)
	if err != nil {
		return nil, err
	}
	if m.hostKey, err = ssh.ParsePrivateKey([]byte(private)); err != nil {
		return nil, fmt.Errorf("host key of %s: %w", m.name, err)
	}
	pairs, err := h.ec2.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{
		KeyNames: []string{aws.ToString(in.KeyName)}, IncludePublicKey: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	if m.login, _, _, _, err = ssh.ParseAuthorizedKey([]byte(aws.ToString(pairs.KeyPairs[0].PublicKey))); err != nil {
		return nil, err
	}
	h.machines[id] = m
	return m, nil
}

// step runs a command: it gives its output and whether it worked.
func (h *hosts) step(ctx context.Context, m *machine, c call) error {
	h.mu.Lock()
	if c.Verb == "roll" {
		if h.rolling != "" {
			h.clashes = append(h.clashes, fmt.Sprintf("%s is rolled while %s is", m.name, h.rolling))
		}
		h.rolling = m.name
	}
	why := h.broken[m.name+" "+c.Verb]
	h.mu.Unlock()
	if c.Verb == "roll" {
		// Long enough for a second one to show that it does not wait.
		held := time.NewTimer(20 * time.Millisecond)
		<-held.C
	}
	var err error
	if why != "" {
		err = errors.New(why)
	} else {
		err = h.allowed(ctx, m, c)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.Verb == "roll" {
		h.rolling = ""
	}
	c.Failed = err != nil
	h.calls = append(h.calls, c)
	if err == nil {
		m.did[c.Verb] = true
		if c.Verb == "configure" {
			h.formatted[m.volume] = true
		}
	}
	return err
}

// foundations are the steps that each step stands on, on the same host.
var foundations = map[string][]string{
	"toolkit": {}, "names": {"toolkit"}, "prepare": {"toolkit"}, "install": {"toolkit"},
	"identity": {"prepare"}, "client": {"install"}, "configure": {"identity", "install"}, "quorum": {"configure"}, "roll": {"configure"},
	"admit": {"toolkit"}, "live": {"configure"}, "finalize": {"roll"},
	"rebalance": {"roll"}, "retire": {"roll"},
}

func (h *hosts) allowed(ctx context.Context, m *machine, c call) error {
	needed, known := foundations[c.Verb]
	if !known {
		return fmt.Errorf("there is no verb %q", c.Verb)
	}
	for _, step := range needed {
		if !m.did[step] {
			return fmt.Errorf("%s was not done on instance %s", step, m.id)
		}
	}
	switch c.Verb {
	case "prepare":
		m.volume = c.Flags["volume-id"]
		found, err := h.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{m.volume}})
		if err != nil {
			return err
		}
		if a := found.Volumes[0].Attachments; len(a) != 1 || aws.ToString(a[0].InstanceId) != m.id {
			return fmt.Errorf("volume %s is not attached to %s", m.volume, m.id)
		}
	case "configure":
		h.mu.Lock()
		data := h.formatted[m.volume]
		h.mu.Unlock()
		_, isNew := c.Flags["new"]
		if _, isLost := c.Flags["lost"]; !isNew && !isLost && !data {
			return errors.New("a disk with data was expected, this one is empty")
		}
	}
	return nil
}
