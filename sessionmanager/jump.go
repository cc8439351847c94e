package sessionmanager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
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
	// shakeTimeout is for a client that connects and says nothing.
	shakeTimeout = 10 * time.Second
	// dialTimeout is for one session: AWS answers within a second or two.
	dialTimeout = 30 * time.Second
)

// opened are the jumps of this process, by port.
var opened = struct {
	sync.Mutex
	jumps map[int]*atomic.Pointer[Jump]
}{jumps: map[int]*atomic.Pointer[Jump]{}}

// Open begins to listen, and serves as long as this process lives: the engine
// deletes last of all, when an inline program of the Automation API has ended. It
// fails where another process has the port. Opened again at the same port, a jump
// takes the place of the one before, whose connections go on.
func (j Jump) Open() error {
	opened.Lock()
	defer opened.Unlock()
	if current, ok := opened.jumps[j.Port]; ok {
		current.Store(&j)
		return nil
	}
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: j.Port})
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("open the way to the hosts through Session Manager: port %d of this machine is taken: "+
			"by another run on this stack, or give the stack another access.localPort", j.Port)
	}
	if err != nil {
		return fmt.Errorf("open the way to the hosts through Session Manager: %w", err)
	}
	current := &atomic.Pointer[Jump]{}
	current.Store(&j)
	opened.jumps[j.Port] = current
	go serve(listener, current)
	return nil
}

func serve(listener net.Listener, current *atomic.Pointer[Jump]) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // nobody closes it: the process ends
		}
		go current.Load().connection(conn)
	}
}

func (j Jump) connection(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) != strings.TrimSpace(j.Login) {
				return nil, errors.New("this key may not connect")
			}
			return &ssh.Permissions{}, nil
		},
	}
	config.AddHostKey(j.HostKey)
	// A connection that cannot have a deadline fails its hand shake.
	_ = conn.SetDeadline(time.Now().Add(shakeTimeout))
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return // the client is told by SSH itself
	}
	_ = conn.SetDeadline(time.Time{})
	go ssh.DiscardRequests(requests)
	for channel := range channels {
		go j.forward(channel)
	}
}

// direct is what a client says of a connection that it wants (RFC 4254, 7.2).
type direct struct {
	Host       string
	Port       uint32
	Origin     string
	OriginPort uint32
}

func (j Jump) forward(wanted ssh.NewChannel) {
	var to direct
	if wanted.ChannelType() != "direct-tcpip" || ssh.Unmarshal(wanted.ExtraData(), &to) != nil ||
		to.Port != sshPort || !instanceID.MatchString(to.Host) {
		// A client that is gone needs no answer; so with all answers here.
		_ = wanted.Reject(ssh.Prohibited, "it leads to the SSH port of instances and nowhere else")
		return
	}
	dialled, done := context.WithTimeout(context.Background(), dialTimeout)
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
