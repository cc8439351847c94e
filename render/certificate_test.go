package render

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// authority is a certificate authority and its key, as tls gives them.
func authority(t *testing.T) (certificate, private string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return text("CERTIFICATE", der), text("EC PRIVATE KEY", raw)
}

func text(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func request(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"elsewhere"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return text("CERTIFICATE REQUEST", der)
}

func TestMember(t *testing.T) {
	const host = "broker-1001.lab.kafka.internal"
	ca, key := authority(t)
	asked := request(t)
	first, err := Authority{ca, key}.Member(asked, host)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Authority{ca, key}.Member(asked, host)
	if err != nil || first != again {
		t.Errorf("the second certificate is another one (%v): every up would write it anew", err)
	}
	certificate := parse(t, first)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(ca))
	for _, use := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if _, err := certificate.Verify(x509.VerifyOptions{Roots: pool, DNSName: host, KeyUsages: []x509.ExtKeyUsage{use}}); err != nil {
			t.Error(err)
		}
	}
	if certificate.VerifyHostname("elsewhere") == nil {
		t.Error("it has a name that the host asked for, not the one that the stack gave it")
	}
	if got := certificate.Subject.String(); got != "CN="+host+",O=kraftstack" {
		t.Errorf("it is called %s, which Kafka does not take for a node", got)
	}
}

func TestAuthorityRefuses(t *testing.T) {
	ca, key := authority(t)
	asked := request(t)
	block, _ := pem.Decode([]byte(asked))
	block.Bytes[len(block.Bytes)-1] ^= 1
	for name, c := range map[string][3]string{
		"no authority": {"", key, asked}, "no key": {ca, "", asked}, "no request": {ca, key, ""},
		"a request signed by another key": {ca, key, string(pem.EncodeToMemory(block))},
	} {
		_, err := Authority{c[0], c[1]}.Member(c[2], "h")
		if err == nil {
			t.Errorf("%s was accepted", name)
		} else if strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: the error quotes the key", name)
		}
	}
}

// A broker's certificate for clients has the names and the time that it was
// given, and no more: it is no member.
func TestServer(t *testing.T) {
	ca, key := authority(t)
	asked, names := request(t), []string{"broker-1001.lab.kafka.internal", "bootstrap.lab.kafka.internal"}
	from, until := "2026-01-02T03:04:05Z", "2027-01-02T03:04:05Z"
	first, err := Authority{ca, key}.Server(asked, names, from, until)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := (Authority{ca, key}).Server(asked, names, from, until); again != first {
		t.Error("the second certificate is another one")
	}
	later, _ := Authority{ca, key}.Server(asked, names, "2026-12-02T03:04:05Z", "2027-12-02T03:04:05Z")
	one, other := parse(t, first), parse(t, later)
	if one.SerialNumber.Cmp(other.SerialNumber) == 0 {
		t.Error("a renewed certificate has the old one's serial number")
	}
	if got := one.NotBefore.Format(time.RFC3339) + " " + one.NotAfter.Format(time.RFC3339); got != "2026-01-02T02:04:05Z 2027-01-02T03:04:05Z" {
		t.Errorf("it lasts %s", got)
	}
	if !slices.Equal(one.DNSNames, names) || len(one.ExtKeyUsage) != 1 || one.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("it has the names %v and the uses %v", one.DNSNames, one.ExtKeyUsage)
	}
}

// A user's certificate is for clients alone, under its name, and its key follows
// from the secret.
func TestClient(t *testing.T) {
	ca, key := authority(t)
	from, until := "2026-01-02T03:04:05Z", "2027-01-02T03:04:05Z"
	first, err := Authority{ca, key}.Client("a secret", "shop", from, until)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := (Authority{ca, key}).Client("a secret", "shop", from, until); again != first {
		t.Error("the second login is another one")
	}
	pair, err := tls.X509KeyPair([]byte(first), []byte(first))
	if err != nil {
		t.Fatal(err)
	}
	if got := pair.Leaf.Subject.String(); got != "CN=shop,O=kraftstack" {
		t.Errorf("the user is called %s", got)
	}
	if len(pair.Leaf.ExtKeyUsage) != 1 || pair.Leaf.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth || !pair.Leaf.NotAfter.Equal(time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("it is for %v until %v", pair.Leaf.ExtKeyUsage, pair.Leaf.NotAfter)
	}
	rotated, _ := Authority{ca, key}.Client("another secret", "shop", from, until)
	other, err := tls.X509KeyPair([]byte(rotated), []byte(rotated))
	if err != nil || bytes.Equal(other.Leaf.RawSubjectPublicKeyInfo, pair.Leaf.RawSubjectPublicKeyInfo) {
		t.Errorf("another secret gives the same key (%v)", err)
	}
}

func parse(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func TestRequest(t *testing.T) {
	asked := request(t)
	got, err := Request("prepare: making the user kafka\nprepare: done\n" + asked)
	if err != nil || got != asked {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Request("prepare: done\n"); err == nil {
		t.Error("no request was accepted")
	}
}

func TestScramEntry(t *testing.T) {
	first, err := ScramEntry("admin", "hunter2", "cluster")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(first, "hunter2") || !strings.HasPrefix(first, "SCRAM-SHA-512=[name=admin,iterations=8192,salt=\"") {
		t.Errorf("got %s", first)
	}
	again, _ := ScramEntry("admin", "hunter2", "cluster")
	other, _ := ScramEntry("admin", "hunter3", "cluster")
	if again != first || other == first {
		t.Error("the entry does not follow from user, password and salt")
	}
}

func TestIdentityDocument(t *testing.T) {
	got, err := Identity{Member: "member\n", Members: "members\n", Server: "server\n", Admin: "entry"}.Document()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"=== /etc/kafka/tls/member.keystore.pem 0640 root:kafka\nmember\n", "=== /etc/kafka/tls/members.pem 0640 root:kafka\nmembers\n",
		"=== /etc/kafka/tls/server.keystore.pem 0640 root:kafka\nserver\n", "=== /etc/kafka/tls/admin.scram 0600 root:root\nentry\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
	if got, _ = (Identity{Member: "m\n", Members: "n\n"}).Document(); strings.Count(got, "===") != 2 {
		t.Errorf("a controller gets\n%s", got)
	}
}
