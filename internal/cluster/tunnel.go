package cluster

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/crypto/ssh"

	"kraftstack/internal/fail"
	"kraftstack/sessionmanager"
)

const (
	connectTimeout   = 10 * time.Second // to the bastion, hand shake included, unless the context ends before
	keepaliveEvery   = 15 * time.Second
	keepaliveTimeout = 15 * time.Second // silence after which the connection counts as dead
)

// Tunnel is the way to a stack's hosts: an open connection to its bastion, or
// Session Manager. It is safe for use from several goroutines.
type Tunnel struct {
	outputs  Outputs
	signer   ssh.Signer
	bastion  *ssh.Client // nil where sessions are the way
	sessions func(ctx context.Context, instance string, port int) (net.Conn, error)
	closed   chan struct{}
}

// Dial connects to the bastion with the stack's key and trusts nothing but the
// host key that the stack gave it. Without a bastion it sees that a session to one
// of the hosts can be started. The deadline is the context's, at most ten
// seconds. Errors are *fail.Error: fail.Unreachable for a host that does not
// answer, refuses the key or shows another host key, fail.Internal for outputs
// that cannot be used.
func Dial(ctx context.Context, out Outputs) (*Tunnel, error) {
	signer, err := ssh.ParsePrivateKey([]byte(out.PrivateKey.Reveal()))
	if err != nil {
		// The parser's error is not passed on: it must never quote the key.
		return nil, &fail.Error{Cause: fail.Internal, Op: "read the stack's SSH key: it is not an OpenSSH private key", Step: "ssh",
			Next: "kraftstack refresh --stack " + out.Stack}
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	t := &Tunnel{outputs: out, signer: signer, closed: make(chan struct{})}
	if !out.HasBastion() {
		t.sessions = sessionmanager.New(out.Region, out.Profile).Dial
		return t, t.anyAnswers(ctx)
	}
	var dialer net.Dialer
	t.bastion, err = t.connect(ctx, target{
		name: bastionName, address: withPort(out.Bastion.Address, "22"), hostKey: out.Bastion.HostKey, dial: dialer.DialContext,
	})
	if err != nil {
		return nil, err
	}
	go t.keepalive()
	return t, nil
}

// Close ends the connection and everything that runs through it.
func (t *Tunnel) Close() error {
	select {
	case <-t.closed:
		return nil
	default:
		close(t.closed)
		if t.bastion == nil {
			return nil
		}
		return t.bastion.Close()
	}
}

// Host opens SSH to a node, through the tunnel, with the node's own pinned
// key. The caller closes it. Errors as those of Dial, naming the node.
func (t *Tunnel) Host(ctx context.Context, node NodeOutput) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return t.connect(ctx, target{
		name: node.Name, address: net.JoinHostPort(node.Host, "22"), hostKey: node.HostKey, dial: t.DialContext,
	})
}

// DialContext connects to an address as the bastion sees it; the bastion
// resolves its name. Without a bastion the address is that of a node of the
// stack, by any of its names. The connection keeps deadlines.
func (t *Tunnel) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if t.bastion == nil {
		return t.dialSession(ctx, address)
	}
	conn, err := t.bastion.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return newDeadlineConn(conn), nil
}

// Client is a Kafka client whose every connection goes through the tunnel. It
// begins with the stack's bootstrap servers; opts come last and may say
// otherwise. The caller closes it.
func (t *Tunnel) Client(opts ...kgo.Opt) (*kgo.Client, error) {
	base := []kgo.Opt{
		kgo.ClientID("kraftstack"),
		kgo.SeedBrokers(t.outputs.BootstrapServers...),
		kgo.DialTimeout(probeTimeout),
	}
	authenticated, err := t.authentication()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(slices.Concat(base, authenticated, opts)...)
	if err != nil {
		return nil, &fail.Error{Cause: fail.Internal, Op: "set up the Kafka client", Err: err}
	}
	return client, nil
}

// keepalive closes the connection when the bastion is silent for too long, so
// that a dead link ends a session instead of hanging it.
func (t *Tunnel) keepalive() {
	ticker := time.NewTicker(keepaliveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-t.closed:
			return
		case <-ticker.C:
		}
		answered := make(chan error, 1)
		go func() {
			_, _, err := t.bastion.SendRequest("keepalive@openssh.com", true, nil)
			answered <- err
		}()
		timer := time.NewTimer(keepaliveTimeout)
		select {
		case err := <-answered:
			timer.Stop()
			if err == nil {
				continue
			}
		case <-timer.C:
		case <-t.closed:
			timer.Stop()
			return
		}
		_ = t.bastion.Close()
		return
	}
}

// target is a host to open SSH to.
type target struct {
	name, address, hostKey string
	pinned                 ssh.PublicKey // hostKey, parsed
	dial                   func(ctx context.Context, network, address string) (net.Conn, error)
}

// connect dials and shakes hands, both within ctx.
func (t *Tunnel) connect(ctx context.Context, to target) (*ssh.Client, error) {
	pin, err := parsePin(to.hostKey)
	if err != nil {
		return nil, &fail.Error{Cause: fail.Internal, Op: "read the pinned host key", Host: to.name, Step: "ssh", Err: err,
			Next: "kraftstack refresh --stack " + t.outputs.Stack}
	}
	to.pinned = pin.key
	conn, err := to.dial(ctx, "tcp", to.address)
	if err != nil {
		return nil, t.unreachable(ctx, to, err)
	}
	// The hand shake knows no context: closing the connection is what ends it.
	unwatch := context.AfterFunc(ctx, func() { _ = conn.Close() })
	sshConn, channels, requests, err := ssh.NewClientConn(conn, to.address, &ssh.ClientConfig{
		User:              t.outputs.Bastion.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(t.signer)},
		HostKeyCallback:   pin.check,
		HostKeyAlgorithms: pin.algorithms(),
	})
	if !unwatch() && err == nil {
		err = ctx.Err()
		_ = sshConn.Close()
	}
	if err != nil {
		_ = conn.Close()
		return nil, t.unreachable(ctx, to, err)
	}
	return ssh.NewClient(sshConn, channels, requests), nil
}

// unreachable says why SSH could not be opened, and what to do.
func (t *Tunnel) unreachable(ctx context.Context, to target, err error) error {
	e := &fail.Error{Cause: fail.Unreachable, Op: "connect by SSH to " + to.address, Host: to.name, Step: "ssh", Err: err}
	if errors.Is(context.Cause(ctx), context.Canceled) {
		e.Cause, e.Err = fail.Cancelled, context.Canceled
		return e
	}
	var wrong *HostKeyError
	var negotiation *ssh.AlgorithmNegotiationError
	if errors.As(err, &negotiation) && negotiation.What == "host key" {
		wrong = &HostKeyError{Want: ssh.FingerprintSHA256(to.pinned), Got: "of another type"}
		err = wrong
	}
	switch stack := " --stack " + t.outputs.Stack; {
	case errors.As(err, &wrong):
		e.Err = wrong
		e.Next = "do not go on: either the host was replaced behind the stack's back, or somebody is in between\n" +
			"if you know that it was replaced: kraftstack refresh" + stack + ", then kraftstack up" + stack
	case refusedKey(err):
		e.Err = errors.New("the host refuses the stack's key for user " + t.outputs.Bastion.User)
		e.Next = "kraftstack preview" + stack + " shows whether the host is still the one that the stack made"
	case to.name == bastionName:
		if ctx.Err() != nil {
			e.Err = errors.New("no answer in time")
		}
		e.Next = "check that your address is within access.adminCidrs\n" +
			"check that the bastion runs: kraftstack refresh" + stack + ", then kraftstack up" + stack
	case t.bastion == nil:
		e.Next = t.sessionsNext()
	default:
		if ctx.Err() != nil {
			e.Err = errors.New("no answer in time")
		}
		e.Next = "check that the host runs: kraftstack refresh" + stack + ", then kraftstack up" + stack
	}
	return e
}
