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
// by the stack's authorities alone, under the very name they asked for, and say
// who they are as the stack's clients do.
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
	settings := &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	var login []kgo.Opt
	if access.Clients != config.ClientsMTLS {
		user := scram.Auth{User: access.User, Pass: access.Login.Reveal()}
		login = append(login, kgo.SASL(user.AsSha512Mechanism()))
	} else {
		pair, err := tls.X509KeyPair([]byte(access.Login.Reveal()), []byte(access.Login.Reveal()))
		if err != nil {
			// The parser's error is not passed on: it must never quote the key.
			return nil, &fail.Error{Cause: fail.Internal, Op: "read the administrator's certificate and key: they are not PEM", Step: "tls",
				Next: "kraftstack up --stack " + t.outputs.Stack}
		}
		settings.Certificates = []tls.Certificate{pair}
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
		named := settings.Clone()
		named.ServerName = host
		encrypted := tls.Client(conn, named)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return encrypted, nil
	}
	return append(login, kgo.Dialer(dial)), nil
}
