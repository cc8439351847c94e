package cluster

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// keyPair makes a key: its private half as OpenSSH PEM, and its signer.
func keyPair(t *testing.T) (Secret, ssh.Signer) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return Secret(pem.EncodeToMemory(block)), signer
}

func authorized(s ssh.Signer) string { return string(ssh.MarshalAuthorizedKey(s.PublicKey())) }

// command is what a test host does with an exec request.
type command func(line string, stdin io.Reader, stdout, stderr io.Writer) (status uint32)

// sshHost is a real SSH server on loopback. It forwards connections to the
// names in its hosts table, as a bastion does that resolves private names.
type sshHost struct {
	Address string
	Key     ssh.Signer

	mu      sync.Mutex
	hosts   map[string]string // "name:port" -> loopback address
	run     command
	pty     string // what the last pty request asked for
	opened  []string
	clients []net.Conn
}

// startSSH serves until the test ends; only user may log in, with client.
func startSSH(t *testing.T, client ssh.PublicKey, run command) *sshHost {
	t.Helper()
	_, key := keyPair(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &sshHost{Address: listener.Addr().String(), Key: key, hosts: map[string]string{}, run: run}
	config := &ssh.ServerConfig{PublicKeyCallback: func(meta ssh.ConnMetadata, got ssh.PublicKey) (*ssh.Permissions, error) {
		if meta.User() == "ubuntu" && string(got.Marshal()) == string(client.Marshal()) {
			return &ssh.Permissions{}, nil
		}
		return nil, io.ErrUnexpectedEOF
	}}
	config.AddHostKey(key)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			h.mu.Lock()
			h.clients = append(h.clients, conn)
			h.mu.Unlock()
			go h.serve(conn, config)
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		h.hangUp()
		serving.Wait()
	})
	return h
}

// knows adds a name to the host's table.
func (h *sshHost) knows(name, address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hosts[name] = address
}

// hangUp cuts all connections.
func (h *sshHost) hangUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.clients {
		_ = c.Close()
	}
	h.clients = nil
}

func (h *sshHost) serve(conn net.Conn, config *ssh.ServerConfig) {
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		_ = conn.Close()
		return
	}
	defer func() { _ = server.Close() }()
	go ssh.DiscardRequests(requests)
	for request := range channels {
		switch request.ChannelType() {
		case "direct-tcpip":
			go h.forward(request)
		case "session":
			go h.session(request)
		default:
			_ = request.Reject(ssh.UnknownChannelType, "not here")
		}
	}
}

func (h *sshHost) forward(request ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(request.ExtraData(), &to); err != nil {
		_ = request.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	name := net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port)))
	h.mu.Lock()
	address, known := h.hosts[name]
	h.opened = append(h.opened, name)
	h.mu.Unlock()
	if !known && net.ParseIP(to.Host) == nil {
		_ = request.Reject(ssh.ConnectionFailed, "name or service not known")
		return
	}
	if !known {
		address = name
	}
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", address)
	if err != nil {
		_ = request.Reject(ssh.ConnectionFailed, "connection refused")
		return
	}
	channel, requests, err := request.Accept()
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

func (h *sshHost) session(request ssh.NewChannel) {
	channel, requests, err := request.Accept()
	if err != nil {
		return
	}
	for r := range requests {
		line := ""
		switch r.Type {
		case "pty-req":
			h.mu.Lock()
			h.pty = string(r.Payload)
			h.mu.Unlock()
			_ = r.Reply(true, nil)
			continue
		case "exec":
			var exec struct{ Command string }
			_ = ssh.Unmarshal(r.Payload, &exec)
			line = exec.Command
		case "shell":
			line = "shell"
		default:
			_ = r.Reply(false, nil)
			continue
		}
		_ = r.Reply(true, nil)
		go func() {
			status := h.run(line, channel, channel, channel.Stderr())
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
			_ = channel.Close()
		}()
	}
}
