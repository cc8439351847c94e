package lab_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
)

// franzSettings is the JSON form of client-config.
type franzSettings struct {
	SeedBrokers []string
	TLS         struct{ CAFile, CertFile, KeyFile string }
	SASL        *struct{ Mechanism, User, Password string }
}

// franz is a user's configuration for franz-go.
func (s story) franz(t *testing.T, stack, user string) franzSettings {
	t.Helper()
	dir := t.TempDir()
	path := strings.TrimSpace(s.must(t, "client-config", "--stack", stack, "--user", user, "--format", "franz", "--out", dir))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var settings franzSettings
	if err := json.Unmarshal(text, &settings); err != nil {
		t.Fatal(err)
	}
	return settings
}

// tunnel is the way into a stack's network, for the length of the test.
func (s story) tunnel(t *testing.T, stack string) *cluster.Tunnel {
	t.Helper()
	for _, variable := range s.environment(t) {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	out, err := automation.Outputs(t.Context(), s.dir, stack)
	if err != nil {
		t.Fatal(err)
	}
	tunnel, err := cluster.Dial(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tunnel.Close() })
	return tunnel
}

// client is one of franz-go's as the settings have it. The way into the lab's
// network is the one thing that is not the client's own.
func (f franzSettings) client(t *testing.T, way *cluster.Tunnel) *kgo.Client {
	t.Helper()
	dial := way.DialContext
	if f.TLS.CAFile != "" {
		config := f.tls(t)
		dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := way.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			named := config.Clone()
			named.ServerName, _, _ = net.SplitHostPort(address)
			encrypted := tls.Client(conn, named)
			return encrypted, encrypted.HandshakeContext(ctx)
		}
	}
	options := []kgo.Opt{kgo.SeedBrokers(f.SeedBrokers...), kgo.RecordDeliveryTimeout(10 * time.Second), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.Dialer(dial)}
	if f.SASL != nil {
		options = append(options, kgo.SASL(scram.Auth{User: f.SASL.User, Pass: f.SASL.Password}.AsSha512Mechanism()))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func (f franzSettings) tls(t *testing.T) *tls.Config {
	t.Helper()
	authority, err := os.ReadFile(f.TLS.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	config.RootCAs.AppendCertsFromPEM(authority)
	if f.TLS.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(f.TLS.CertFile, f.TLS.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

// franzLogsIn writes a record as a user where it may, and is refused where it may
// not.
func (s story) franzLogsIn(t *testing.T, stack string, settings franzSettings) error {
	t.Helper()
	client := settings.client(t, s.tunnel(t, stack))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: "shop.orders", Value: []byte("franz")}).FirstErr(); err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: "secrets", Value: []byte("franz")}).FirstErr(); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("a topic that no rule names answers %v", err)
	}
	return nil
}
