// Package client makes a Kafka client out of the file that Kafka's own clients
// are configured with, so that the counting pair enters a cluster the way its
// users do.
package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// known are the properties that Options obeys. Any other is an error: a client
// that ignores a setting is another client than its user asked for.
var known = []string{
	"bootstrap.servers", "security.protocol", "sasl.mechanism", "sasl.jaas.config", "ssl.enabled.protocols",
	"ssl.truststore.type", "ssl.truststore.location", "ssl.truststore.certificates",
	"ssl.keystore.type", "ssl.keystore.location", "ssl.keystore.key", "ssl.keystore.certificate.chain",
	"ssl.endpoint.identification.algorithm",
}

// Options reads a client.properties: PLAINTEXT, SSL, SASL_PLAINTEXT or
// SASL_SSL, SCRAM with the name and password of sasl.jaas.config, certificates
// in PEM. Names are resolved at the DNS server resolver, such as a VPC's own;
// "" is the machine's. Errors never hold a value, which may be a password.
func Options(path, resolver string) ([]kgo.Opt, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the client's configuration: %w", err)
	}
	p, err := parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for name := range p {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("%s: this client does not know the property %s", path, name)
		}
	}
	if p["bootstrap.servers"] == "" {
		return nil, fmt.Errorf("%s names no bootstrap.servers", path)
	}
	security, err := p.security(&net.Dialer{Timeout: dialTimeout, Resolver: resolveAt(resolver)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return append(security, kgo.SeedBrokers(strings.Split(p["bootstrap.servers"], ",")...)), nil
}

const dialTimeout = 5 * time.Second

// resolveAt asks one DNS server; nil is the machine's own resolver.
func resolveAt(server string) *net.Resolver {
	if server == "" {
		return nil
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(server, "53"))
	}}
}

type properties map[string]string

// parse reads Java's properties as far as client files use them: NAME=VALUE,
// comments, and lines that a backslash joins to the next.
func parse(text string) (properties, error) {
	p := properties{}
	joined := strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\\\n", "")
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "!") {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if !found {
			return nil, errors.New("a line has no =")
		}
		value = strings.NewReplacer(`\n`, "\n", `\\`, `\`).Replace(strings.TrimSpace(value))
		p[strings.TrimSpace(name)] = value
	}
	return p, nil
}

func (p properties) security(dialer *net.Dialer) ([]kgo.Opt, error) {
	protocol := p["security.protocol"]
	var opts []kgo.Opt
	switch protocol {
	case "", "PLAINTEXT", "SASL_PLAINTEXT":
		opts = append(opts, kgo.Dialer(dialer.DialContext))
	case "SSL", "SASL_SSL":
		if _, err := p.tls(); err != nil {
			return nil, err
		}
		// The files are read for every connection: those who rotate an authority
		// give clients their trust anew while they run.
		opts = append(opts, kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			config, err := p.tls()
			if err != nil {
				return nil, err
			}
			return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, network, address)
		}))
	default:
		return nil, errors.New("security.protocol is none that this client knows")
	}
	if !strings.HasPrefix(protocol, "SASL_") {
		return opts, nil
	}
	auth := scram.Auth{User: p.login("username"), Pass: p.login("password")}
	if auth.User == "" || auth.Pass == "" {
		return nil, errors.New("sasl.jaas.config has no username or no password")
	}
	switch p["sasl.mechanism"] {
	case "SCRAM-SHA-512":
		return append(opts, kgo.SASL(auth.AsSha512Mechanism())), nil
	case "SCRAM-SHA-256":
		return append(opts, kgo.SASL(auth.AsSha256Mechanism())), nil
	}
	return nil, errors.New("sasl.mechanism is none that this client knows")
}

var loginOption = regexp.MustCompile(`(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"`)

// login is an option of sasl.jaas.config.
func (p properties) login(option string) string {
	for _, found := range loginOption.FindAllStringSubmatch(p["sasl.jaas.config"], -1) {
		if found[1] == option {
			return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(found[2])
		}
	}
	return ""
}

func (p properties) tls() (*tls.Config, error) {
	for _, store := range []string{"ssl.truststore.type", "ssl.keystore.type"} {
		if kind := p[store]; kind != "" && kind != "PEM" {
			return nil, fmt.Errorf("%s is not PEM", store)
		}
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if p["ssl.enabled.protocols"] == "TLSv1.3" {
		config.MinVersion = tls.VersionTLS13
	}
	if p.has("ssl.truststore.certificates", "ssl.truststore.location") {
		pem, err := p.content("ssl.truststore.certificates", "ssl.truststore.location")
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("the trust store has no certificate in PEM")
		}
	}
	if !p.has("ssl.keystore.key", "ssl.keystore.location") {
		return config, nil
	}
	key, err := p.content("ssl.keystore.key", "ssl.keystore.location")
	if err != nil {
		return nil, err
	}
	chain, err := p.content("ssl.keystore.certificate.chain", "ssl.keystore.location")
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, errors.New("the key store's key and certificates are no pair in PEM")
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

func (p properties) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return p[name] != "" })
}

// content is a property's own text, or that of the file which another names.
func (p properties) content(text, file string) ([]byte, error) {
	if p[text] != "" {
		return []byte(p[text]), nil
	}
	content, err := os.ReadFile(p[file])
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return content, nil
}
