// Package clientconfig writes what a client of the cluster needs to log in as
// one user, in the form that the client's library reads.
package clientconfig

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"path"
	"strings"
	"unicode/utf16"

	"kraftstack/config"
	"kraftstack/internal/cluster"
	"kraftstack/render"
)

// Login is what a user logs in with, and where.
type Login struct {
	User             string
	BootstrapServers []string // host:port
	CA               string   // what brokers are trusted by, as PEM
	Password         cluster.Secret
	// Certificate and Key, as PEM, stand in the place of a password with mutual
	// TLS.
	Certificate string
	Key         cluster.Secret
}

// For is what a user of a deployed stack logs in with: on the port for passwords,
// or on that for certificates.
func For(out cluster.Outputs, user cluster.UserOutput) (Login, error) {
	login := Login{User: user.Name, BootstrapServers: out.BootstrapServers, CA: out.Access.CA}
	if user.Authentication != config.AuthMTLS {
		login.Password = user.Login
		return login, nil
	}
	login.BootstrapServers = nil
	for _, server := range out.BootstrapServers {
		host, _, _ := strings.Cut(server, ":")
		login.BootstrapServers = append(login.BootstrapServers, fmt.Sprintf("%s:%d", host, render.ClientsTLSPort))
	}
	key, rest := pem.Decode([]byte(user.Login.Reveal()))
	if key == nil {
		return Login{}, fmt.Errorf("user %s has no key and certificate in the outputs of stack %s; next: kraftstack up --stack %[2]s", user.Name, out.Stack)
	}
	login.Key, login.Certificate = cluster.Secret(pem.EncodeToMemory(key)), string(rest)
	return login, nil
}

// The formats.
const (
	Properties = "properties" // of Kafka's own clients and tools, in Java
	Librdkafka = "librdkafka" // and its bindings: confluent-kafka, kcat
	Franz      = "franz"      // JSON, for franz-go and whatever has a library for JSON
)

// Formats lists them.
func Formats() []string { return []string{Properties, Librdkafka, Franz} }

// File is one file of a configuration. All of them are for their owner's eyes.
type File struct {
	Name    string
	Content string
}

// Files is the configuration of a client: the file for its library first, then
// those that it names. At is the folder in which the client will find them.
func (l Login) Files(format, at string) ([]File, error) {
	names := names{ca: "ca.pem", certificate: l.User + ".crt.pem", key: l.User + ".key.pem", store: l.User + ".keystore.pem"}
	files := []File{{}, {names.ca, l.CA}}
	switch {
	case !l.mutual():
	case format == Properties: // Java reads a certificate and its key from one file
		files = append(files, File{names.store, l.Key.Reveal() + l.Certificate})
	default:
		files = append(files, File{names.certificate, l.Certificate}, File{names.key, l.Key.Reveal()})
	}
	there := names.in(at)
	switch format {
	case Properties:
		files[0] = File{l.User + ".properties", l.properties(there)}
	case Librdkafka:
		files[0] = File{l.User + ".librdkafka.conf", l.librdkafka(there)}
	case Franz:
		text, err := l.franz(there)
		if err != nil {
			return nil, err
		}
		files[0] = File{l.User + ".json", text}
	default:
		return nil, fmt.Errorf("there is no format %q, only %s", format, strings.Join(Formats(), ", "))
	}
	return files, nil
}

// names are those of the files that a configuration names in turn.
type names struct{ ca, certificate, key, store string }

// in are the paths of the files in a folder.
func (n names) in(dir string) names {
	return names{path.Join(dir, n.ca), path.Join(dir, n.certificate), path.Join(dir, n.key), path.Join(dir, n.store)}
}

// mutual tells whether the user logs in by a certificate.
func (l Login) mutual() bool { return l.Certificate != "" }

const mechanism = "SCRAM-SHA-512"

// properties is for org.apache.kafka.common.config, with TLS from PEM files.
func (l Login) properties(at names) string {
	lines := []string{
		"# For Kafka's Java clients and console tools. It holds a secret: keep its mode.",
		"bootstrap.servers=" + strings.Join(l.BootstrapServers, ","),
		"ssl.truststore.type=PEM",
		"ssl.truststore.location=" + property(at.ca),
	}
	if l.mutual() {
		lines = append(lines, "security.protocol=SSL", "ssl.keystore.type=PEM",
			"ssl.keystore.location="+property(at.store))
	} else {
		jaas := fmt.Sprintf("org.apache.kafka.common.security.scram.ScramLoginModule required username=%s password=%s;",
			quoted(l.User), quoted(l.Password.Reveal()))
		lines = append(lines, "security.protocol=SASL_SSL", "sasl.mechanism="+mechanism, "sasl.jaas.config="+property(jaas))
	}
	return strings.Join(lines, "\n") + "\n"
}

// quoted is a text as JAAS has it (javax.security.auth.login.Configuration).
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// property is the value of a property: java.util.Properties reads Latin-1 and
// takes a backslash for the beginning of an escape.
func property(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r < ' ' || r > '~':
			for _, unit := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// librdkafka is a file of its property names (CONFIGURATION.md), as kcat -F and
// most bindings' users read it.
func (l Login) librdkafka(at names) string {
	lines := []string{
		"# For librdkafka: kcat -F, confluent-kafka and others. It holds a secret: keep its mode.",
		"bootstrap.servers=" + strings.Join(l.BootstrapServers, ","),
		"ssl.ca.location=" + at.ca,
	}
	if l.mutual() {
		lines = append(lines, "security.protocol=SSL", "ssl.certificate.location="+at.certificate, "ssl.key.location="+at.key)
	} else {
		lines = append(lines, "security.protocol=SASL_SSL", "sasl.mechanism="+mechanism,
			"sasl.username="+l.User, "sasl.password="+l.Password.Reveal())
	}
	return strings.Join(lines, "\n") + "\n"
}

// document is the JSON form.
type document struct {
	SeedBrokers []string      `json:"seedBrokers"`
	TLS         tlsDocument   `json:"tls"`
	SASL        *saslDocument `json:"sasl,omitempty"`
}

type tlsDocument struct {
	CAFile   string `json:"caFile"`
	CertFile string `json:"certFile,omitempty"`
	KeyFile  string `json:"keyFile,omitempty"`
}

type saslDocument struct {
	Mechanism string `json:"mechanism"`
	User      string `json:"user"`
	Password  string `json:"password"`
}

func (l Login) franz(at names) (string, error) {
	d := document{SeedBrokers: l.BootstrapServers, TLS: tlsDocument{CAFile: at.ca}}
	if l.mutual() {
		d.TLS.CertFile, d.TLS.KeyFile = at.certificate, at.key
	} else {
		d.SASL = &saslDocument{mechanism, l.User, l.Password.Reveal()}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(d)
	return b.String(), err
}
