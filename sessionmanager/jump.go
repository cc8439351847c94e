package sessionmanager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// Jump is an SSH server on this machine's loopback that programs connect
// through, as through a bastion. To it, hosts are called by their instances' ids;
// it leads to their SSH port, each connection through a session of its own, and
// does nothing else.
type Jump struct {
	Port    int
	HostKey ssh.Signer
	// Login is the one key that may connect, as authorized_keys has it: others on
	// this machine may not.
	Login string
	// Dial reaches a port of an instance.
	Dial func(ctx context.Context, instance string, port int) (net.Conn, error)
}

// sshPort is the one port that a jump leads to.
const sshPort = 22

var instanceID = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)

const (
	// freeTimeout is how long a jump waits for its port: another one in this
	// process may be about to give it up.
	freeTimeout = 5 * time.Second
	freePace    = 50 * time.Millisecond
	// shakeTimeout is for a client that connects and says nothing.
	shakeTimeout = 10 * time.Second
	// dialTimeout is for one session: AWS answers within a second or two.
	dialTimeout = 30 * time.Second
)

// Open begins to listen, and serves until ctx ends. It fails where the port is
// taken.
func (j Jump) Open(ctx context.Context) error {
	listener, err := j.listen(ctx)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	go j.serve(ctx, listener)
	return nil
}

func (j Jump) listen(ctx context.Context) (net.Listener, error) {
	limit := time.NewTimer(freeTimeout)
	defer limit.Stop()
	tick := time.NewTicker(freePace)
	defer tick.Stop()
	for {
		listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: j.Port})
		if err == nil {
			return listener, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("open the way to the hosts through Session Manager: %w", err)
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return nil, fmt.Errorf("open the way to the hosts through Session Manager: port %d of this machine is taken: "+
				"by another run on this stack, or give the stack another access.localPort", j.Port)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (j Jump) serve(ctx context.Context, listener net.Listener) {
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) != strings.TrimSpace(j.Login) {
				return nil, errors.New("this key may not connect")
			}
			return &ssh.Permissions{}, nil
		},
	}
	config.AddHostKey(j.HostKey)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // closed with ctx
		}
		go j.connection(ctx, conn, config)
	}
}

func (j Jump) connection(ctx context.Context, conn net.Conn, config *ssh.ServerConfig) {
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	// A connection that cannot have a deadline fails its hand shake.
	_ = conn.SetDeadline(time.Now().Add(shakeTimeout))
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return // the client is told by SSH itself
	}
	_ = conn.SetDeadline(time.Time{})
	go ssh.DiscardRequests(requests)
	for channel := range channels {
		go j.forward(ctx, channel)
	}
}

// direct is what a client says of a connection that it wants (RFC 4254, 7.2).
type direct struct {
	Host       string
	Port       uint32
	Origin     string
	OriginPort uint32
}

func (j Jump) forward(ctx context.Context, wanted ssh.NewChannel) {
	var to direct
	if wanted.ChannelType() != "direct-tcpip" || ssh.Unmarshal(wanted.ExtraData(), &to) != nil ||
		to.Port != sshPort || !instanceID.MatchString(to.Host) {
		// A client that is gone needs no answer; so with all answers here.
		_ = wanted.Reject(ssh.Prohibited, "it leads to the SSH port of instances and nowhere else")
		return
	}
	dialled, done := context.WithTimeout(ctx, dialTimeout)
	defer done()
	host, err := j.Dial(dialled, to.Host, int(to.Port))
	if err != nil {
		_ = wanted.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := wanted.Accept()
	if err != nil {
		_ = host.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	// Either end's end is that of both: SSH needs both directions.
	go func() {
		_, _ = io.Copy(host, channel)
		_, _ = host.Close(), channel.Close()
	}()
	_, _ = io.Copy(channel, host)
	_, _ = host.Close(), channel.Close()
}
