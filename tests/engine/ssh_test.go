package engine_test

import (
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/crypto/ssh"
	"gopkg.in/yaml.v3"
)

// userData is what an instance was launched with.
func userData(ctx context.Context, api *ec2.Client, instance string) (string, error) {
	got, err := api.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{
		InstanceId: &instance, Attribute: types.InstanceAttributeNameUserData})
	if err != nil {
		return "", err
	}
	text, err := base64.StdEncoding.DecodeString(aws.ToString(got.UserData.Value))
	return string(text), err
}

// hostKey is the private SSH host key that an instance is given by cloud-init.
func hostKey(ctx context.Context, api *ec2.Client, instance string) (string, error) {
	text, err := userData(ctx, api, instance)
	if err != nil {
		return "", err
	}
	var config struct {
		Keys map[string]string `yaml:"ssh_keys"`
	}
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		return "", fmt.Errorf("user data of %s: %w", instance, err)
	}
	return config.Keys["ed25519_private"], nil
}

// serve is the SSH server of a machine on one connection.
func (h *hosts) serve(conn net.Conn, m *machine) {
	defer conn.Close()
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() != "ubuntu" || string(key.Marshal()) != string(m.login.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(m.hostKey)
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go func() {
		for r := range requests { // keep-alives
			_ = r.Reply(false, nil)
		}
	}()
	for c := range channels {
		switch {
		case c.ChannelType() == "session":
			go h.session(c, m)
		case c.ChannelType() == "direct-tcpip" && m.public:
			go h.hop(c, m.network)
		default:
			_ = c.Reject(ssh.UnknownChannelType, "this host does not do that")
		}
	}
}

// hop connects a bastion's client with another host of its network.
func (h *hosts) hop(c ssh.NewChannel, network string) {
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
	m, err := h.at(context.Background(), network, net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
	if err != nil {
		_ = c.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := c.Accept()
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	h.serve(channelConn{channel}, m)
}

// channelConn is an SSH channel as a connection that another SSH runs over.
type channelConn struct{ ssh.Channel }

func (channelConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (channelConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (channelConn) SetDeadline(time.Time) error      { return nil }
func (channelConn) SetReadDeadline(time.Time) error  { return nil }
func (channelConn) SetWriteDeadline(time.Time) error { return nil }

func (h *hosts) session(c ssh.NewChannel, m *machine) {
	channel, requests, err := c.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	for r := range requests {
		if r.Type != "exec" {
			// No environment either: sshd on the hosts accepts none.
			_ = r.Reply(false, nil)
			continue
		}
		var v struct{ Command string }
		_ = ssh.Unmarshal(r.Payload, &v)
		_ = r.Reply(true, nil)
		status := uint32(0)
		if err := h.execute(m, v.Command, channel, channel); err != nil {
			fmt.Fprintln(channel.Stderr(), err)
			status = 1
		}
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
		return
	}
}

// execute runs a command line: the copy of the toolkit, or one of its verbs.
func (h *hosts) execute(m *machine, line string, stdin io.Reader, stdout io.Writer) error {
	c := call{Host: m.name, Instance: m.id, Verb: "toolkit", Flags: map[string]string{}}
	if words := strings.Fields(line); !slices.Equal(words[:2], []string{"sudo", "sh"}) { // not the copy
		at := slices.Index(words, "/opt/kraftstack/kafka-node")
		if at < 0 || at == len(words)-1 {
			return fmt.Errorf("no call of the toolkit: %s", line)
		}
		c.Verb = words[at+1]
		for _, word := range words[at+2:] {
			name, value, _ := strings.Cut(strings.Trim(word, "'"), "=")
			c.Flags[strings.TrimPrefix(name, "--")] = value
		}
	}
	if slices.Contains([]string{"toolkit", "identity", "client", "configure", "admit", "live"}, c.Verb) {
		text, err := io.ReadAll(stdin)
		if err != nil {
			return err
		}
		c.Stdin = string(text)
	}
	if c.Verb == "toolkit" {
		if err := checkCopy(c.Stdin, line); err != nil {
			return err
		}
	}
	if err := h.step(context.Background(), m, c); err != nil {
		return fmt.Errorf("kafka-node: %s: %s: %w; next: mend it", m.name, c.Verb, err)
	}
	if c.Verb != "prepare" {
		return nil
	}
	request, err := m.request(c.Flags["names"])
	if err == nil {
		_, err = io.WriteString(stdout, request)
	}
	return err
}

// request asks for a certificate for the machine's key, as prepare does.
func (m *machine) request(names string) (string, error) {
	if m.asked == "" {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return "", err
		}
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: strings.Split(names, ",")}, key)
		if err != nil {
			return "", err
		}
		m.asked = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	}
	return m.asked, nil
}

// checkCopy unpacks a copy of the toolkit as the host does, and compares it
// with the digest in the command line.
func checkCopy(packed, line string) error {
	reader, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(packed)))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(text); !strings.Contains(line, hex.EncodeToString(sum[:])) {
		return errors.New("the copy is incomplete")
	}
	return nil
}
