package lab_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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

// certified is the story's user with a certificate.
const certified = "audit"

// strangersRefused: whoever shows less than a user has, or shows it at another
// user's door, is told no before it has said what it wants.
func strangersRefused(t *testing.T, s story, stack string) {
	shop, audit := s.franz(t, stack, "shop"), s.franz(t, stack, certified)
	foreign := foreignLogin(t, certified)
	way := s.tunnel(t, stack)
	for name, c := range map[string]struct {
		of     franzSettings
		change func(*franzSettings)
		want   string
	}{
		"without credentials":                     {shop, func(f *franzSettings) { f.SASL = nil }, "SASL"},
		"with a wrong password":                   {shop, func(f *franzSettings) { f.SASL.Password += "x" }, "SASL_AUTHENTICATION_FAILED"},
		"as nobody's user":                        {shop, func(f *franzSettings) { f.SASL.User = "ghost" }, "SASL_AUTHENTICATION_FAILED"},
		"as the administrator":                    {shop, func(f *franzSettings) { f.SASL.User = "kraftstack-admin-vabadifuri" }, "SASL_AUTHENTICATION_FAILED"},
		"trusting a foreign authority":            {shop, func(f *franzSettings) { f.TLS.CAFile = foreign.TLS.CAFile }, "certificate signed by unknown authority"},
		"in the clear":                            {shop, func(f *franzSettings) { f.TLS.CAFile = "" }, "tls"},
		"a password at the port for certificates": {shop, func(f *franzSettings) { f.SeedBrokers = audit.SeedBrokers }, "tls: certificate required"},
		"a certificate at the port for passwords": {audit, func(f *franzSettings) { f.SeedBrokers = shop.SeedBrokers }, "SASL"},
		"without its certificate":                 {audit, func(f *franzSettings) { f.TLS.CertFile = "" }, "tls: certificate required"},
		"with a foreign authority's certificate": {audit, func(f *franzSettings) {
			f.TLS.CertFile, f.TLS.KeyFile = foreign.TLS.CertFile, foreign.TLS.KeyFile
		}, "remote error: tls: "},
	} {
		t.Run(name, func(t *testing.T) {
			settings := c.of
			if settings.SASL != nil {
				own := *settings.SASL
				settings.SASL = &own
			}
			c.change(&settings)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := settings.client(t, way).Ping(ctx); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// foreignLogin is what a user of that name would have of an authority that has
// nothing to do with the stack.
func foreignLogin(t *testing.T, user string) franzSettings {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"kraftstack"}, CommonName: "story clients"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{Organization: []string{"kraftstack"}, CommonName: user},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var settings franzSettings
	settings.TLS.KeyFile = write("key.pem", "PRIVATE KEY", private)
	for place, template := range map[*string]*x509.Certificate{&settings.TLS.CAFile: authority, &settings.TLS.CertFile: leaf} {
		der, err := x509.CreateCertificate(rand.Reader, template, authority, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		*place = write(template.Subject.CommonName+".pem", "CERTIFICATE", der)
	}
	return settings
}

// noMember: a user's certificate is none of the members'. The nodes alone reach
// those listeners, so one of them shows it.
func noMember(t *testing.T, s story, stack string) {
	dir := t.TempDir()
	s.must(t, "client-config", "--stack", stack, "--user", certified, "--format", "properties", "--out", dir)
	login, err := os.ReadFile(filepath.Join(dir, certified+".keystore.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range []string{"9091", "9093"} {
		said := s.script(t, stack, "broker-1001", "login=$(mktemp); trap 'rm -f $login' EXIT; cat >$login <<'LOGIN'\n"+string(login)+"LOGIN\n"+
			"timeout 10 openssl s_client -connect broker-1002."+stack+".kafka.internal:"+port+" -CAfile "+tlsDir+
			"members.pem -ign_eof -cert $login -key $login </dev/null 2>&1 || true")
		if !strings.Contains(said, "alert certificate unknown") && !strings.Contains(said, "alert unknown ca") {
			t.Errorf("port %s with a user's certificate:\n%s", port, said)
		}
	}
}
