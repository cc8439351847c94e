package cluster

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kraftstack/internal/fail"
)

// stack is a bastion and one node on loopback, and the outputs that lead there.
func stack(t *testing.T, run command) (Outputs, *sshHost, *sshHost) {
	t.Helper()
	private, signer := keyPair(t)
	bastion := startSSH(t, signer.PublicKey(), run)
	node := startSSH(t, signer.PublicKey(), run)
	out := Outputs{
		Stack: "dev", PrivateKey: private, ClusterID: "4L6g3nShT-eMCtK--X86sw",
		Bastion: SSHHost{Address: bastion.Address, User: "ubuntu", HostKey: authorized(bastion.Key)},
		Nodes: []NodeOutput{{ID: 1001, Name: "broker-1001", Host: "broker-1001.dev.kafka.internal", Zone: "us-east-1a",
			Instance: "i-1", HostKey: authorized(node.Key), Roles: []string{RoleBroker, RoleController}}},
	}
	bastion.knows("broker-1001.dev.kafka.internal:22", node.Address)
	return out, bastion, node
}

func nothing(string, io.Reader, io.Writer, io.Writer) uint32 { return 0 }

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestDialFailures(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	other, otherSigner := keyPair(t)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curveSigner, err := ssh.NewSignerFromKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	ecdsaKey := authorized(curveSigner)

	tests := []struct {
		name       string
		spoil      func(*Outputs)
		cause      fail.Cause
		text, next string
	}{
		{"closed port", func(o *Outputs) { o.Bastion.Address = closed.Addr().String() }, fail.Unreachable, "connection refused", "adminCidrs"},
		{"never answers", func(o *Outputs) { o.Bastion.Address = silent.Addr().String() }, fail.Unreachable, "no answer in time", "adminCidrs"},
		{"another host key", func(o *Outputs) { o.Bastion.HostKey = authorized(otherSigner) }, fail.Unreachable, "the host shows key SHA256:", "do not go on"},
		{"no host key of the pinned type", func(o *Outputs) { o.Bastion.HostKey = ecdsaKey }, fail.Unreachable, "the host shows key of another type", "do not go on"},
		{"another client key", func(o *Outputs) { o.PrivateKey = other }, fail.Unreachable, "refuses the stack's key for user ubuntu", "kraftstack preview --stack dev"},
		{"no host key", func(o *Outputs) { o.Bastion.HostKey = "" }, fail.Internal, "no host key", "kraftstack refresh --stack dev"},
		{"no private key", func(o *Outputs) { o.PrivateKey = "hunter2" }, fail.Internal, "not an OpenSSH private key", "kraftstack refresh --stack dev"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, _, _ := stack(t, nothing)
			tt.spoil(&out)
			tunnel, err := Dial(within(t, time.Second), out)
			if err == nil {
				_ = tunnel.Close()
				t.Fatal("connected")
			}
			if fail.Of(err) != tt.cause || !strings.Contains(err.Error(), tt.text) || !strings.Contains(fail.Hint(err), tt.next) {
				t.Errorf("cause %s\nerror %q, want %q\nhint %q, want %q", fail.Of(err), err, tt.text, fail.Hint(err), tt.next)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the error quotes the key")
			}
		})
	}
}

func TestHostKeyMismatchIsTyped(t *testing.T) {
	out, _, _ := stack(t, nothing)
	_, other := keyPair(t)
	out.Nodes[0].HostKey = authorized(other)
	tunnel, err := Dial(within(t, 5*time.Second), out)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tunnel.Close() }()
	_, err = tunnel.Host(t.Context(), out.Nodes[0])
	var wrong *HostKeyError
	if !errors.As(err, &wrong) || wrong.Want == wrong.Got {
		t.Fatalf("error %v is no HostKeyError", err)
	}
	if host, step := fail.Place(err); host != "broker-1001" || step != "ssh" {
		t.Errorf("place %s, %s", host, step)
	}
}

func TestCancelledDial(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	out, _, _ := stack(t, nothing)
	out.Bastion.Address = silent.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := Dial(ctx, out); fail.Exit(err) != 130 {
		t.Errorf("exit %d for %v", fail.Exit(err), err)
	}
}

func TestDeadlineEndsASilentRead(t *testing.T) {
	out, bastion, _ := stack(t, nothing)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	bastion.knows("silent:9092", silent.Addr().String())
	tunnel, err := Dial(within(t, 5*time.Second), out)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tunnel.Close() }()
	conn, err := tunnel.DialContext(t.Context(), "tcp", "silent:9092")
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Hour))
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read ended with %v", err)
	}
}

func TestSession(t *testing.T) {
	echo := func(line string, stdin io.Reader, stdout, stderr io.Writer) uint32 {
		if strings.HasPrefix(line, "fail") {
			_, _ = io.WriteString(stderr, "no\n")
			return 42
		}
		in, _ := io.ReadAll(stdin)
		_, _ = fmt.Fprintf(stdout, "%s|%s", line, in)
		return 0
	}
	out, bastion, _ := stack(t, echo)
	tunnel, err := Dial(within(t, 5*time.Second), out)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tunnel.Close() }()
	for _, host := range []string{"bastion", "broker-1001", "1001", "broker-1001.dev.kafka.internal", "i-1"} {
		var stdout, stderr bytes.Buffer
		err := Session{Host: host, Command: "cat", Stdin: strings.NewReader("in"), Stdout: &stdout, Stderr: &stderr}.Run(within(t, 5*time.Second), tunnel)
		if err != nil || stdout.String() != "cat|in" {
			t.Errorf("%s: %q, %v", host, stdout.String(), err)
		}
	}
	var stdout, stderr bytes.Buffer
	err = Session{Host: "1001", Command: "fail now", Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr}.Run(within(t, 5*time.Second), tunnel)
	if fail.Exit(err) != 42 || stderr.String() != "no\n" {
		t.Errorf("exit %d, stderr %q, %v", fail.Exit(err), stderr.String(), err)
	}
	err = Session{Host: "broker-7"}.Run(t.Context(), tunnel)
	if fail.Exit(err) != 3 || !strings.Contains(fail.Hint(err), "bastion, broker-1001") {
		t.Errorf("exit %d, %v, hint %q", fail.Exit(err), err, fail.Hint(err))
	}
	if bastion.pty != "" {
		t.Error("asked for a terminal where stdin is none")
	}
}

func TestSessionEndsWithTheConnection(t *testing.T) {
	started := make(chan struct{}, 1)
	hang := func(_ string, stdin io.Reader, _, _ io.Writer) uint32 {
		started <- struct{}{}
		_, _ = io.ReadAll(stdin)
		return 0
	}
	out, bastion, _ := stack(t, hang)
	tunnel, err := Dial(within(t, 5*time.Second), out)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tunnel.Close() }()
	never, _ := io.Pipe()
	go func() {
		<-started
		bastion.hangUp()
	}()
	err = Session{Host: "bastion", Command: "hang", Stdin: never, Stdout: io.Discard, Stderr: io.Discard}.Run(within(t, 5*time.Second), tunnel)
	if fail.Of(err) != fail.Unreachable {
		t.Errorf("cut connection: %v", err)
	}
}

func TestSecretNeverPrints(t *testing.T) {
	out := Outputs{PrivateKey: "hunter2"}
	encoded, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	text := string(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		text += fmt.Sprintf(verb, out) + fmt.Sprintf(verb, out.PrivateKey) + fmt.Sprintf(verb, &out)
	}
	if strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74657232") {
		t.Error(text)
	}
	if out.PrivateKey.Reveal() != "hunter2" {
		t.Error("Reveal does not reveal")
	}
}
