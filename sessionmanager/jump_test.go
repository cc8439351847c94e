package sessionmanager

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func signer(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

const known = "i-0123456789abcdef0"

// echo is a host that sends back what it gets.
func echo(_ context.Context, instance string, _ int) (net.Conn, error) {
	if instance != known {
		return nil, &NotConnectedError{Instance: instance}
	}
	near, far := net.Pipe()
	go func() {
		_, _ = io.Copy(far, far)
		_ = far.Close()
	}()
	return near, nil
}

// opening is a jump at a free port, and what may log in to it.
func opening(t *testing.T) (jump Jump, login ssh.Signer) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	login = signer(t)
	jump = Jump{Port: port, HostKey: signer(t), Login: string(ssh.MarshalAuthorizedKey(login.PublicKey())), Dial: echo}
	if err := jump.Open(); err != nil {
		t.Fatal(err)
	}
	return jump, login
}

func (j Jump) connect(login ssh.Signer, pinned ssh.PublicKey) (*ssh.Client, error) {
	return ssh.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", j.Port), &ssh.ClientConfig{
		User: "kraftstack", Auth: []ssh.AuthMethod{ssh.PublicKeys(login)}, HostKeyCallback: ssh.FixedHostKey(pinned), Timeout: 5 * time.Second,
	})
}

func TestJumpLeadsToInstances(t *testing.T) {
	jump, login := opening(t)
	client, err := jump.connect(login, jump.HostKey.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	conn, err := client.Dial("tcp", known+":22")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
		t.Errorf("the host says %q, %v", got, err)
	}
	for address, why := range map[string]string{
		"i-0aaaaaaaaaaaaaaaa:22": "is not connected to Session Manager", known + ":9092": "nowhere else", "127.0.0.1:22": "nowhere else", "10.0.0.7:22": "nowhere else",
	} {
		if _, err := client.Dial("tcp", address); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := client.NewSession(); err == nil {
		t.Error("it opens a shell")
	}
}

func TestJumpLetsNobodyElseIn(t *testing.T) {
	jump, login := opening(t)
	if _, err := jump.connect(signer(t), jump.HostKey.PublicKey()); err == nil {
		t.Error("another key may connect")
	}
	if _, err := jump.connect(login, signer(t).PublicKey()); err == nil {
		t.Error("the host key is not the given one")
	}
}

// TestJumpsFollowEachOther: the next run of a process takes the last one's place,
// and a port that another process has is told.
func TestJumpsFollowEachOther(t *testing.T) {
	jump, login := opening(t)
	next := jump
	next.HostKey = signer(t)
	if err := next.Open(); err != nil {
		t.Fatal(err)
	}
	if _, err := jump.connect(login, jump.HostKey.PublicKey()); err == nil {
		t.Error("the first run's key is shown after the second has begun")
	}
	client, err := next.connect(login, next.HostKey.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	_ = client.Close()

	other, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	next.Port = other.Addr().(*net.TCPAddr).Port
	if err := next.Open(); err == nil || !strings.Contains(err.Error(), "access.localPort") {
		t.Errorf("the port is taken, and it says %v", err)
	}
}
