package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

// issue makes a certificate of a template, and its key, both as PEM.
func issue(t *testing.T, template x509.Certificate) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.BasicConstraintsValid = big.NewInt(1), true
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return text("CERTIFICATE", der), text("PRIVATE KEY", raw)
}

// secured loads a stack as the program does, with secrets in clear.
func secured(t *testing.T, ca map[string]any) (Stack, error) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"ca": ca, "validityHours": 24})
	if err != nil {
		t.Fatal(err)
	}
	return Load("dev", map[string]string{
		"aws:region": "us-east-1", "kraftstack:access": `{"adminCidrs":["203.0.113.0/24"]}`, "kraftstack:security": string(text),
	})
}

func TestGivenAuthority(t *testing.T) {
	now := time.Now()
	good, key := issue(t, x509.Certificate{IsCA: true, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(48 * time.Hour)})
	_, otherKey := issue(t, x509.Certificate{IsCA: true, NotAfter: now.Add(time.Hour)})
	expired, expiredKey := issue(t, x509.Certificate{IsCA: true, NotAfter: now.Add(-time.Hour)})
	early, earlyKey := issue(t, x509.Certificate{IsCA: true, NotBefore: now.Add(time.Hour), NotAfter: now.Add(48 * time.Hour)})
	short, shortKey := issue(t, x509.Certificate{IsCA: true, NotAfter: now.Add(23 * time.Hour)})
	leaf, leafKey := issue(t, x509.Certificate{NotAfter: now.Add(48 * time.Hour)})
	if s, err := secured(t, map[string]any{"certificate": good, "privateKey": key, "alsoTrust": leaf}); err != nil {
		t.Error(err)
	} else if keys := strings.Join(s.SecretKeys(), " "); keys != "kraftstack:security" {
		t.Errorf("the keys with a secret in them are %q", keys)
	}
	for want, ca := range map[string]map[string]any{
		"ca.certificate: ended on ":                        {"certificate": expired, "privateKey": expiredKey},
		"ca.certificate: begins on ":                       {"certificate": early, "privateKey": earlyKey},
		"before the certificates that it signs for 24":     {"certificate": short, "privateKey": shortKey},
		"ca.certificate: is no authority":                  {"certificate": leaf, "privateKey": leafKey},
		"ca.privateKey: is not the key of the certificate": {"certificate": good, "privateKey": otherKey},
		"ca.privateKey: cannot be used":                    {"certificate": good, "privateKey": "hunter2"},
		"ca.certificate: holds a PRIVATE KEY":              {"certificate": key + good, "privateKey": key},
		"ca.alsoTrust: is no certificate as PEM":           {"alsoTrust": "hunter2"},
		"ca: has only one of certificate and privateKey":   {"certificate": good},
		"ca.next: has no use with a given authority":       {"certificate": good, "privateKey": key, "next": true},
	} {
		_, err := secured(t, ca)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
			continue
		}
		for line := range strings.Lines(key) {
			if len(line) > 20 && strings.Contains(err.Error(), strings.TrimSpace(line)) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q: the problem quotes a key:\n%v", want, err)
			}
		}
	}
}

// A key in plain text is refused before anything else is told of it.
func TestKeyInPlainText(t *testing.T) {
	certificate, key := issue(t, x509.Certificate{IsCA: true, NotAfter: time.Now().Add(9000 * time.Hour)})
	file := func(private string) string {
		ca, err := json.Marshal(map[string]string{"certificate": certificate})
		if err != nil {
			t.Fatal(err)
		}
		return wholeFile("kraftstack:security: {ca: " + strings.TrimSuffix(string(ca), "}") + ", privateKey: " + private + "}}\n")
	}
	quoted, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = read(t, "dev", file(string(quoted)))
	const want = "kraftstack:security.ca.privateKey: is in plain text; write it as a secret: pulumi config set --secret --path 'kraftstack:security.ca.privateKey'"
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "PRIVATE KEY-") {
		t.Errorf("got %v", err)
	}
	if _, err := read(t, "dev", file("{secure: v1:abc}")); err != nil {
		t.Errorf("an encrypted key: %v", err)
	}
}

// Kafka keeps users in HashMaps; the administrator must be the first in each.
func TestAdminUserIsFirstInAHashMap(t *testing.T) {
	var hash int32 // String.hashCode
	for _, char := range AdminUser {
		hash = 31*hash + char
	}
	if hash != 0 {
		t.Errorf("the hash of %q is %d, must be 0", AdminUser, hash)
	}
}
