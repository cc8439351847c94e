package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"kraftstack/config"
	"kraftstack/internal/fail"
)

// authentication is how the tunnel's Kafka clients connect: they trust brokers
// by the stack's authority alone, under the very name they asked for, and say
// who they are by SCRAM.
func (t *Tunnel) authentication() ([]kgo.Opt, error) {
	access := t.outputs.Access
	if access.Clients == config.ClientsPlaintext {
		return []kgo.Opt{kgo.Dialer(t.DialContext)}, nil
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM([]byte(access.CA)) {
		return nil, &fail.Error{Cause: fail.Internal, Op: "read the stack's certificate authority: it is no PEM certificate", Step: "tls",
			Next: "kraftstack up --stack " + t.outputs.Stack}
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		conn, err := t.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		encrypted := tls.Client(conn, &tls.Config{RootCAs: trusted, ServerName: host, MinVersion: tls.VersionTLS12})
		if err := encrypted.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return encrypted, nil
	}
	user := scram.Auth{User: access.User, Pass: access.Password.Reveal()}
	return []kgo.Opt{kgo.Dialer(dial), kgo.SASL(user.AsSha512Mechanism())}, nil
}
