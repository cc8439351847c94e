package commandprovider

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// sshServer is a real SSH server in this process: it knows a few commands and
// forwards TCP connections, as a bastion does.
type sshServer struct {
	listener net.Listener
	host     ssh.Signer
	config   *ssh.ServerConfig
	accepts  map[string]bool // environment variables

	mu        sync.Mutex
	live      int            // connections that are open
	signals   []string       // what commands were sent
	dials     int            // connections so far
	refuse    int            // connections to close before the handshake
	forwarded []string       // addresses dialled for others
	running   chan struct{}  // closed when "sleep" has begun
	wait      sync.WaitGroup // connections
}

func newKey(t *testing.T) (private string, signer ssh.Signer) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err = ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), signer
}

func newSSHServer(t *testing.T, login ssh.PublicKey) *sshServer {
	t.Helper()
	_, host := newKey(t)
	s := &sshServer{host: host, accepts: map[string]bool{"ALLOWED": true}, running: make(chan struct{})}
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(login.Marshal()) {
			return nil, fmt.Errorf("unknown key")
		}
		return &ssh.Permissions{}, nil
	}}
	s.config.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = l
	go s.serve()
	t.Cleanup(func() {
		_ = l.Close()
		s.wait.Wait()
	})
	return s
}

// to is how to reach the server with its key pinned.
func (s *sshServer) to(private string) endpoint {
	host, portText, _ := net.SplitHostPort(s.listener.Addr().String())
	n, _ := strconv.Atoi(portText)
	port, user, key := float64(n), "ubuntu", string(ssh.MarshalAuthorizedKey(s.host.PublicKey()))
	return endpoint{Host: host, Port: &port, User: &user, PrivateKey: &private, HostKey: &key}
}

func (s *sshServer) serve() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.dials++
		refused := s.refuse > 0
		if refused {
			s.refuse--
		} else {
			s.live++
		}
		s.mu.Unlock()
		if refused {
			_ = conn.Close()
			continue
		}
		s.wait.Add(1)
		go s.connection(conn)
	}
}

func (s *sshServer) connection(conn net.Conn) {
	defer s.wait.Done()
	defer func() {
		s.mu.Lock()
		s.live--
		s.mu.Unlock()
	}()
	defer conn.Close()
	server, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	go func() {
		for r := range requests { // keep-alives
			_ = r.Reply(false, nil)
		}
	}()
	for c := range channels {
		switch c.ChannelType() {
		case "session":
			go s.session(c)
		case "direct-tcpip":
			go s.forward(c)
		default:
			_ = c.Reject(ssh.UnknownChannelType, "no")
		}
	}
	_ = server.Wait()
}

func (s *sshServer) forward(c ssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		FromHost string
		FromPort uint32
	}
	if err := ssh.Unmarshal(c.ExtraData(), &to); err != nil {
		_ = c.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	address := net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port)))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		_ = c.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	s.mu.Lock()
	s.forwarded = append(s.forwarded, address)
	s.mu.Unlock()
	channel, requests, err := c.Accept()
	if err != nil {
		_ = conn.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	go func() {
		_, _ = io.Copy(conn, channel)
		_ = conn.Close()
	}()
	_, _ = io.Copy(channel, conn)
	_ = channel.Close()
}

func (s *sshServer) session(c ssh.NewChannel) {
	channel, requests, err := c.Accept()
	if err != nil {
		return
	}
	env := map[string]string{}
	for r := range requests {
		switch r.Type {
		case "env":
			var v struct{ Name, Value string }
			_ = ssh.Unmarshal(r.Payload, &v)
			env[v.Name] = v.Value
			_ = r.Reply(s.accepts[v.Name], nil)
		case "exec":
			var v struct{ Command string }
			_ = ssh.Unmarshal(r.Payload, &v)
			_ = r.Reply(true, nil)
			go s.execute(channel, v.Command, env)
		case "signal":
			var v struct{ Signal string }
			_ = ssh.Unmarshal(r.Payload, &v)
			s.mu.Lock()
			s.signals = append(s.signals, v.Signal)
			s.mu.Unlock()
		default:
			_ = r.Reply(false, nil)
		}
	}
}

// execute knows: echo TEXT, env, cat, fail (prints, exit 3), sleep (for ever).
func (s *sshServer) execute(c ssh.Channel, command string, env map[string]string) {
	status := uint32(0)
	verb, rest, _ := strings.Cut(command, " ")
	switch verb {
	case "echo":
		fmt.Fprintln(c, rest)
		fmt.Fprintln(c.Stderr(), "to stderr")
	case "env":
		fmt.Fprintf(c, "%v\n", env)
	case "cat":
		data, _ := io.ReadAll(c)
		fmt.Fprintf(c, "%d bytes\n", len(data))
	case "fail":
		_, _ = io.ReadAll(c)
		fmt.Fprintln(c.Stderr(), "it broke")
		status = 3
	case "sleep":
		close(s.running)
		_, _ = io.Copy(io.Discard, c)
		return
	}
	_, _ = c.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
	_ = c.Close()
}
