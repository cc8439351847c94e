package tlsprovider

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RFC 5280's id of a key, no protection
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
)

// validity is what a certificate says about its time.
type validity struct {
	ReadyForRenewal   bool   `pulumi:"readyForRenewal"`
	ValidityEndTime   string `pulumi:"validityEndTime"`
	ValidityStartTime string `pulumi:"validityStartTime"`
}

// due tells whether a certificate is to be replaced: its time is over, or the
// hours of early renewal before that have begun.
func (v validity) due(earlyRenewalHours *int, now time.Time) (bool, error) {
	end, err := time.Parse(time.RFC3339, v.ValidityEndTime)
	if err != nil {
		return false, fmt.Errorf("validityEndTime: %w", err)
	}
	if earlyRenewalHours != nil {
		end = end.Add(-time.Duration(*earlyRenewalHours) * time.Hour)
	}
	return now.After(end), nil
}

var keyUsages = map[string]x509.KeyUsage{
	"certSigning": x509.KeyUsageCertSign, "crlSigning": x509.KeyUsageCRLSign, "digitalSignature": x509.KeyUsageDigitalSignature,
	"keyEncipherment": x509.KeyUsageKeyEncipherment, "keyAgreement": x509.KeyUsageKeyAgreement,
}

var extendedUsages = map[string]x509.ExtKeyUsage{
	"serverAuth": x509.ExtKeyUsageServerAuth, "clientAuth": x509.ExtKeyUsageClientAuth,
}

// checkCertificate refuses what the real provider refuses, and the uses that
// this stand-in does not know.
func checkCertificate(uses []string, hours int, early *int) []p.CheckFailure {
	var failures []p.CheckFailure
	for _, use := range uses {
		_, plain := keyUsages[use]
		_, extended := extendedUsages[use]
		if !plain && !extended {
			failures = append(failures, p.CheckFailure{Property: "allowedUses",
				Reason: fmt.Sprintf("the lab's stand-in for tls does not have the use %q", use)})
		}
	}
	if hours < 0 {
		failures = append(failures, p.CheckFailure{Property: "validityPeriodHours", Reason: "validityPeriodHours is less than 0"})
	}
	if early != nil && *early < 0 {
		failures = append(failures, p.CheckFailure{Property: "earlyRenewalHours", Reason: "earlyRenewalHours is less than 0"})
	}
	return failures
}

// sign makes a certificate of a template: a random serial number, whose decimal
// digits are the resource's id, and a validity that begins now.
func sign(template *x509.Certificate, key crypto.Signer, uses []string, hours int) (id, text string, v validity, err error) {
	for _, use := range uses {
		template.KeyUsage |= keyUsages[use]
		if extended, ok := extendedUsages[use]; ok {
			template.ExtKeyUsage = append(template.ExtKeyUsage, extended)
		}
	}
	template.NotBefore = time.Now()
	template.NotAfter = template.NotBefore.Add(time.Duration(hours) * time.Hour)
	template.BasicConstraintsValid = true
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128)); err != nil {
		return "", "", v, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return "", "", v, err
	}
	v.ValidityStartTime = template.NotBefore.Format(time.RFC3339)
	v.ValidityEndTime = template.NotAfter.Format(time.RFC3339)
	return template.SerialNumber.String(), pemText("CERTIFICATE", der), v, nil
}

// parseKey reads a private key in the forms that PrivateKey gives, and names
// its algorithm. The error never quotes it.
func parseKey(text string) (crypto.Signer, string, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, "", errors.New("the private key is not PEM")
	}
	var key any
	var err error
	switch block.Type {
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, "", errors.New("the private key cannot be read")
	}
	switch key.(type) {
	case *ecdsa.PrivateKey:
		return signer, "ECDSA", nil
	case *rsa.PrivateKey:
		return signer, "RSA", nil
	}
	return signer, "ED25519", nil
}

// subjectKeyID is the SHA-1 of the public key's bits (RFC 5280, 4.2.1.2).
func subjectKeyID(public crypto.PublicKey) ([]byte, error) {
	var bits []byte
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		bits = elliptic.Marshal(k.Curve, k.X, k.Y) //nolint:staticcheck // the bits are what is hashed
	case *rsa.PublicKey:
		bits = x509.MarshalPKCS1PublicKey(k)
	default:
		return nil, errors.New("setSubjectKeyId: the lab's stand-in has it for ECDSA and RSA keys only")
	}
	sum := sha1.Sum(bits) //nolint:gosec // as the import
	return sum[:], nil
}
