package scripts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newKey lets a host make its key and request, as prepare does, and returns the
// request.
func (h *host) newKey(names string) *x509.CertificateRequest {
	h.t.Helper()
	functionsAnd(h.t, "ensure_key /O=kraftstack/CN=broker-1001 '"+names+"'", filepath.Join(h.dir, "opt/lines"))
	h.inside("bash", "/opt/lines")
	block, _ := pem.Decode([]byte(h.read("etc/kafka/tls/node.csr")))
	request, err := x509.ParseCertificateRequest(block.Bytes)
	h.must(err)
	return request
}

// certify signs a key from a time on for an hour.
func certify(t *testing.T, public any, from time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: from.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func identity(certificate string) string {
	return "# kraftstack document 1\n=== /etc/kafka/tls/members.pem 0640 root:kafka\nCA\n" +
		"=== /etc/kafka/tls/member.keystore.pem 0640 root:kafka\n" + certificate +
		"=== /etc/kafka/tls/admin.scram 0600 root:root\nSCRAM-SHA-512=[name=admin]\n"
}

func TestAHostKeepsItsKey(t *testing.T) {
	h := prepared(t)
	first := h.newKey("a.lab,b.lab")
	if got := strings.Join(first.DNSNames, ","); got != "a.lab,b.lab" || first.Subject.String() != "CN=broker-1001,O=kraftstack" {
		t.Errorf("it asks for %s as %s", got, first.Subject)
	}
	if again := h.newKey("a.lab,b.lab"); string(again.Raw) != string(first.Raw) {
		t.Error("it asks again with another request")
	}
	other := h.newKey("a.lab")
	if len(other.DNSNames) != 1 || !first.PublicKey.(*ecdsa.PublicKey).Equal(other.PublicKey) {
		t.Errorf("asked for other names it has the names %v, and another key", other.DNSNames)
	}
	info, err := os.Stat(h.path("etc/kafka/tls/node.key"))
	h.must(err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key has mode %o", info.Mode().Perm())
	}
	h.noJunk()
}

func TestIdentityMakesKeyStores(t *testing.T) {
	h := configurable(t)
	request := h.newKey("a.lab")
	given := identity(certify(t, request.PublicKey, time.Now().Add(-time.Minute)))
	h.run(given, "identity").good(t)
	if got := h.read("etc/kafka/tls/member.keystore.pem"); !strings.HasPrefix(got, "-----BEGIN PRIVATE KEY-----\n") || !strings.Contains(got, "\n-----BEGIN CERTIFICATE-----\n") {
		t.Errorf("the key store is\n%s", got)
	}
	if again := h.run(given, "identity"); strings.Contains(again.stdout, "wrote") {
		t.Errorf("a second run did something:\n%s", again.stdout)
	}
	// The first administrator goes into the format, and nowhere else.
	h.configure(document, "--new").good(t)
	if got := h.read("/var/lib/kafka/data/admin"); got != "SCRAM-SHA-512=[name=admin]\n" {
		t.Errorf("formatted with the administrator %q", got)
	}
	if h.exists("etc/kafka/tls/admin.scram") {
		t.Error("the administrator's entry is still on the host")
	}
	h.run(given, "identity").good(t)
	if h.exists("etc/kafka/tls/admin.scram") {
		t.Error("the administrator's entry came back though the storage is formatted")
	}
	h.noJunk()
}

func TestIdentityRefusesCertificatesThatCannotBeUsed(t *testing.T) {
	h := prepared(t)
	h.run(identity("x"), "identity").failed(t, "there is no /etc/kafka/tls/node.key")
	request := h.newKey("a.lab")
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	h.must(err)
	for want, certificate := range map[string]string{
		"it is for another key":   certify(t, foreign.Public(), time.Now()),
		"s from now by this host": certify(t, request.PublicKey, time.Now().Add(time.Hour)),
		"it has ended":            certify(t, request.PublicKey, time.Now().Add(-2*time.Hour)),
	} {
		h.run(identity(certificate), "identity").failed(t, want)
		if h.exists("etc/kafka/tls/member.keystore.pem") {
			t.Errorf("%s: it was written", want)
		}
	}
}

// TestAuthoritiesAreCompared: what a port lets clients in by is told from a file of
// certificates by the names of the authorities alone, in whatever order.
func TestAuthoritiesAreCompared(t *testing.T) {
	names := []string{"CN=my-lab clients 2,O=kraftstack", "CN=my-lab clients,O=kraftstack"}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		pool, certificates := x509.NewCertPool(), ""
		var pair tls.Certificate
		for _, role := range []string{"clients", "clients 2"} {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			template := &x509.Certificate{
				SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"kraftstack"}, CommonName: "my-lab " + role},
				NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
			}
			der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
			if err != nil {
				t.Fatal(err)
			}
			pair = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
			certificates = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) + certificates
			pool.AppendCertsFromPEM([]byte(certificates))
		}
		listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: version, MaxVersion: version,
		})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
				_ = conn.(*tls.Conn).HandshakeContext(t.Context())
				_ = conn.Close()
			}
		}()
		file := filepath.Join(t.TempDir(), "clients.pem")
		if err := os.WriteFile(file, []byte(certificates), 0o600); err != nil {
			t.Fatal(err)
		}
		want := strings.Join(names, "\n") + "\n"
		if got := call(t, "authorities_in "+file); got != want {
			t.Errorf("in the file are\n%s", got)
		}
		shown := "(timeout 10 openssl s_client -connect " + listener.Addr().String() + " -nameopt RFC2253 </dev/null 2>/dev/null || true)"
		if got := call(t, shown+" | authorities_shown"); got != want {
			t.Errorf("version %x: shown are\n%s", version, got)
		}
		_ = listener.Close()
	}
}
