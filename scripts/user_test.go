package scripts

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// secured is a cluster of franz-go's own making, with TLS, SCRAM and rules, and
// what kafka-node user is given to reach it.
type secured struct {
	t          *testing.T
	properties string
	admin      *kadm.Client
	options    []kgo.Opt // to reach it, but for who logs in
}

const adminPassword = `a"d\m,in=1`

func newSecured(t *testing.T) *secured {
	t.Helper()
	certificate, authority := selfSigned(t)
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(), kfake.SeedTopics(1, "orders"),
		kfake.Superuser("SCRAM-SHA-512", "admin", adminPassword),
		kfake.TLS(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	dir := t.TempDir()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	s := &secured{t: t, properties: filepath.Join(dir, "client.properties")}
	s.options = []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DialTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})}
	client, err := kgo.NewClient(append(s.options, kgo.SASL(scram.Auth{User: "admin", Pass: adminPassword}.AsSha512Mechanism()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s.admin = kadm.NewClient(client)
	trust := filepath.Join(dir, "ca.pem")
	for path, text := range map[string]string{trust: string(authority), s.properties: strings.Join([]string{
		"# for tools",
		"bootstrap.servers=127.0.0.1:1," + strings.Join(cluster.ListenAddrs(), ","), // the first is down
		"security.protocol=SASL_SSL", "ssl.truststore.type=PEM", "ssl.truststore.location=" + trust,
		"sasl.mechanism=SCRAM-SHA-512",
		`sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="a\\"d\\\\m,in=1";`,
	}, "\n") + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// selfSigned is a server's certificate for 127.0.0.1 and the PEM that trusts it.
func selfSigned(t *testing.T) (server tls.Certificate, trusted []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
}

// user runs the program of `kafka-node user` with a password.
func (s *secured) user(password, name, wanted, known string) (stderr string, err error) {
	s.t.Helper()
	var program string
	for _, part := range []string{"lib/kafka.py", "lib/user.py"} {
		text, err := os.ReadFile(part)
		if err != nil {
			s.t.Fatal(err)
		}
		program += string(text)
	}
	// kfake offers every user 4096 iterations, whatever was stored for him.
	program = strings.Replace(program, "ITERATIONS = 16384", "ITERATIONS = 4096", 1)
	path := filepath.Join(s.t.TempDir(), "user.py")
	if err := os.WriteFile(path, []byte(program), 0o600); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command("python3", "-I", path, s.properties, name, wanted, known)
	var errors bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(password), &errors
	err = cmd.Run()
	return errors.String(), err
}

func (s *secured) must(password, name, wanted, known string) {
	s.t.Helper()
	if stderr, err := s.user(password, name, wanted, known); err != nil {
		s.t.Fatalf("%v: %s", err, stderr)
	}
}

// logsIn tells whether a password is the user's.
func (s *secured) logsIn(name, password string) bool {
	s.t.Helper()
	client, err := kgo.NewClient(append(slices.Clone(s.options), kgo.SASL(scram.Auth{User: name, Pass: password}.AsSha512Mechanism()))...)
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Second)
	defer cancel()
	return client.Ping(ctx) == nil
}

// rules lists all rules of the cluster as words.
func (s *secured) rules() []string {
	s.t.Helper()
	found, err := s.admin.DescribeACLs(s.t.Context(), kadm.NewACLs().
		AnyResource().Allow().AllowHosts().Deny().DenyHosts().Operations().ResourcePatternType(kadm.ACLPatternAny))
	if err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for _, result := range found {
		for _, one := range result.Described {
			lines = append(lines, strings.Join([]string{
				one.Principal, one.Permission.String(), one.Operation.String(), one.Type.String(), one.Name, one.Pattern.String(), one.Host,
			}, " "))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func (s *secured) quotas(name string) map[string]float64 {
	s.t.Helper()
	found, err := s.admin.DescribeClientQuotas(s.t.Context(), true, []kadm.DescribeClientQuotaComponent{
		{Type: "user", MatchName: &name, MatchType: 0},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	values := map[string]float64{}
	for _, entry := range found {
		for _, value := range entry.Values {
			values[value.Key] = value.Value
		}
	}
	return values
}

func TestUser(t *testing.T) {
	s := newSecured(t)
	const first = "scram\nacl allow read topic:orders literal *\nacl deny write topic:or prefixed 10.0.0.1\nquota producer_byte_rate 1048576\nquota request_percentage 50"
	s.must("p,w=1", "shop", first, "")
	if !s.logsIn("shop", "p,w=1") || s.logsIn("shop", "other") {
		t.Error("the user does not log in by that password alone")
	}
	rules := []string{"User:shop ALLOW READ TOPIC orders LITERAL *", "User:shop DENY WRITE TOPIC or PREFIXED 10.0.0.1"}
	if diff := cmp.Diff(rules, s.rules()); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"producer_byte_rate": 1048576, "request_percentage": 50}, s.quotas("shop")); diff != "" {
		t.Errorf("quotas (-want +got):\n%s", diff)
	}

	// A rule that somebody else made stays, as does another user.
	s.must("other-password", "audit", "scram\nacl allow describe cluster:kafka-cluster literal *", "")
	s.must("p,w=1", "shop", first+"\nacl allow read group:by-hand literal *", first)
	const second = "scram\nacl allow read topic:orders literal *\nacl allow read group:shop- prefixed *\nquota producer_byte_rate 2097152"
	s.must("next", "shop", second, first)
	if s.logsIn("shop", "p,w=1") || !s.logsIn("shop", "next") || !s.logsIn("audit", "other-password") {
		t.Error("the password was not changed, or another's was")
	}
	rules = []string{
		"User:audit ALLOW DESCRIBE CLUSTER kafka-cluster LITERAL *", "User:shop ALLOW READ GROUP by-hand LITERAL *",
		"User:shop ALLOW READ GROUP shop- PREFIXED *", "User:shop ALLOW READ TOPIC orders LITERAL *",
	}
	if diff := cmp.Diff(rules, s.rules()); diff != "" {
		t.Errorf("rules after a change (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"producer_byte_rate": 2097152}, s.quotas("shop")); diff != "" {
		t.Errorf("quotas after a change (-want +got):\n%s", diff)
	}

	s.must("", "shop", "", second)
	s.must("", "shop", "", second) // a second time, as after an interrupted run
	if s.logsIn("shop", "next") {
		t.Error("a removed user logs in")
	}
	if diff := cmp.Diff(rules[:2], s.rules()); diff != "" {
		t.Errorf("rules after the removal (-want +got):\n%s", diff)
	}
	if left := s.quotas("shop"); len(left) > 0 {
		t.Errorf("a removed user has quotas: %v", left)
	}
}

func TestUserRefuses(t *testing.T) {
	s := newSecured(t)
	for name, c := range map[string]struct{ password, wanted, says string }{
		"an unknown operation": {"", "acl allow reed topic:orders literal *", "acl allow reed topic:orders literal *"},
		"a short line":         {"", "acl allow read topic:orders", "acl allow read topic:orders"},
		"an unknown word":      {"", "role admin", "role admin"},
		"a lack of a password": {"", "scram", "there is none on standard input"},
		"a quota of no number": {"", "quota producer_byte_rate much", "quota producer_byte_rate much"},
	} {
		t.Run(name, func(t *testing.T) {
			stderr, err := s.user(c.password, "shop", c.wanted, "")
			if err == nil || !strings.Contains(stderr, c.says) || !strings.Contains(stderr, "; next: ") || strings.Contains(stderr, "Traceback") {
				t.Errorf("%v: %s\nwant it to say %q and what to do next", err, stderr, c.says)
			}
		})
	}
	if rules := s.rules(); len(rules) > 0 {
		t.Errorf("refused, and yet there are rules: %v", rules)
	}
}

func TestUserByAnotherAdministrator(t *testing.T) {
	s := newSecured(t)
	text, err := os.ReadFile(s.properties)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(text), ",in=1", ",in=2", 1)
	if err := os.WriteFile(s.properties, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	stderr, err := s.user("", "shop", "acl allow read topic:orders literal *", "")
	if err == nil || !strings.Contains(stderr, "no broker takes the administrator's connection") || strings.Contains(stderr, "in=2") {
		t.Errorf("%v: %s", err, stderr)
	}
}
