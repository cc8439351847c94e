package render

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"kraftstack/config"
)

// organization is in the name of every certificate of kraftstack's making.
const organization = "kraftstack"

// skew is how far a host's clock may be behind: certificates begin that much
// before they are made.
const skew = time.Hour

// Subject is the name that a node asks a certificate for, as openssl takes it.
func Subject(s config.Stack, n config.Node) string {
	return "/O=" + organization + "/CN=" + s.Host(n)
}

// CertificateNames are the DNS names in a broker's certificate for clients: its
// own, and the one that clients start from.
func CertificateNames(s config.Stack, n config.Node) []string {
	return []string{s.Host(n), s.BootstrapName()}
}

// Request finds the certificate request in what a host printed.
func Request(output string) (string, error) {
	for rest := []byte(output); ; {
		block, after := pem.Decode(rest)
		if block == nil {
			return "", errors.New("the host printed no certificate request; run up again")
		}
		if block.Type == "CERTIFICATE REQUEST" {
			return string(pem.EncodeToMemory(block)), nil
		}
		rest = after
	}
}

// Authority signs certificates: its own certificate and its private key, as
// PEM. What it makes is a function of its arguments, down to the last bit (RFC
// 6979, RFC 8017), so that a certificate is no resource of its own.
//
// Errors never quote the key.
type Authority struct {
	Certificate string
	Key         string
}

// Member makes a node a member of the cluster: it signs the key of the node's
// request. The certificate lasts as long as the authority, because Kafka's Raft
// client reads its key store once in the life of a process
// (kafka.raft.KafkaRaftManager, 4.3): one that ends would restart every node.
func (a Authority) Member(request, host string) (string, error) {
	ca, key, err := a.read()
	if err != nil {
		return "", err
	}
	asked, err := publicKey(request)
	if err != nil {
		return "", fmt.Errorf("certificate of %s: %w", host, err)
	}
	return sign(ca, key, asked, &x509.Certificate{
		Subject: called(host), DNSNames: []string{host},
		NotBefore: ca.NotBefore.Add(-skew), NotAfter: ca.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

// Server is what a broker shows to clients, for the key of its request: the
// first of names is its own. It lasts from one time until another, both in the
// form of RFC 3339. Authorities between it and what clients trust follow it.
func (a Authority) Server(request string, names []string, from, until string) (string, error) {
	ca, key, err := a.read()
	if err != nil {
		return "", err
	}
	begin, end, err := period(from, until)
	if err != nil {
		return "", fmt.Errorf("certificate of %s: %w", names[0], err)
	}
	asked, err := publicKey(request)
	if err != nil {
		return "", fmt.Errorf("certificate of %s: %w", names[0], err)
	}
	leaf, err := sign(ca, key, asked, &x509.Certificate{
		Subject: called(names[0]), DNSNames: names,
		NotBefore: begin.Add(-skew), NotAfter: end,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err == nil && ca.CheckSignatureFrom(ca) != nil {
		leaf += a.Certificate
	}
	return leaf, err
}

// Client lets a user log in by a certificate: it derives the user's key from a
// secret and signs it, from one time until another as in Server. What
// it returns is the private key and the certificate, as one PEM text.
func (a Authority) Client(secret, user, from, until string) (string, error) {
	ca, key, err := a.read()
	if err != nil {
		return "", err
	}
	begin, end, err := period(from, until)
	if err != nil {
		return "", fmt.Errorf("certificate of user %s: %w", user, err)
	}
	own, private, err := clientKey(secret)
	if err != nil {
		return "", fmt.Errorf("key of user %s: %w", user, err)
	}
	certificate, err := sign(ca, key, own.Public(), &x509.Certificate{
		Subject:   called(user),
		NotBefore: begin.Add(-skew), NotAfter: end,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return private + certificate, err
}

// clientKey is a key on P-256 that follows from a secret of at least 256 bits,
// and the same as PEM (PKCS 8). Reduced from 512 bits, its number is as good as
// one drawn evenly (FIPS 186-5, A.2.1).
func clientKey(secret string) (*ecdsa.PrivateKey, string, error) {
	digest := sha512.Sum512([]byte("key\x00" + secret))
	most := new(big.Int).Sub(elliptic.P256().Params().N, big.NewInt(1))
	number := new(big.Int).Mod(new(big.Int).SetBytes(digest[:]), most)
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), number.Add(number, big.NewInt(1)).FillBytes(make([]byte, 32)))
	if err != nil {
		return nil, "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), err
}

// period reads two times in the form of RFC 3339.
func period(from, until string) (begin, end time.Time, err error) {
	if begin, err = time.Parse(time.RFC3339, from); err == nil {
		end, err = time.Parse(time.RFC3339, until)
	}
	return begin, end, err
}

func called(name string) pkix.Name {
	return pkix.Name{Organization: []string{organization}, CommonName: name}
}

// publicKey is the key of a request whose sender has the other half.
func publicKey(request string) (crypto.PublicKey, error) {
	block, _ := pem.Decode([]byte(request))
	if block == nil {
		return nil, errors.New("the request is not PEM")
	}
	asked, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = asked.CheckSignature()
	}
	if err != nil {
		return nil, fmt.Errorf("the request: %w", err)
	}
	return asked.PublicKey, nil
}

// sign completes a template with what all certificates have, and a serial
// number that follows from the rest.
func sign(ca *x509.Certificate, key crypto.Signer, public crypto.PublicKey, template *x509.Certificate) (string, error) {
	theirs, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("certificate of %s: %w", template.Subject.CommonName, err)
	}
	serial := sha256.New()
	_, _ = fmt.Fprintf(serial, "%x %x %s %s %v", ca.Raw, theirs, template.Subject, template.NotBefore.UTC(), template.ExtKeyUsage)
	template.SerialNumber = new(big.Int).SetBytes(serial.Sum(nil)[1:17])
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.BasicConstraintsValid = true
	// No source of randomness: the signature is a function of its input.
	der, err := x509.CreateCertificate(nil, template, ca, public, key)
	if err != nil {
		return "", fmt.Errorf("certificate of %s: %w", template.Subject.CommonName, err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), nil
}

func (a Authority) read() (*x509.Certificate, crypto.Signer, error) {
	block, _ := pem.Decode([]byte(a.Certificate))
	if block == nil {
		return nil, nil, errors.New("the certificate of an authority is not PEM")
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("the certificate of an authority: %w", err)
	}
	key, err := config.ParseKey(a.Key)
	return ca, key, err
}
