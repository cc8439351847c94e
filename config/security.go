package config

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"
)

// Security is kraftstack:security.
type Security struct {
	Clients          string // "scram" (default), "mtls", "both" or "plaintext"
	CA               CA
	ClientCA         ClientCA
	ValidityHours    int    // of the brokers' certificates for clients; default 8760
	RenewBeforeHours int    // default a quarter of ValidityHours
	AdminRotation    int    // counts what the administrator logs in with; default 1
	Updates          string // "image" (default), "security" or "none"
}

// CA is kraftstack:security.ca: the authority that signs brokers for clients.
type CA struct {
	// Certificate is a given authority's, as PEM, with those above it up to,
	// and including, what clients trust. Empty: the stack makes an authority.
	Certificate string
	PrivateKey  Secret // of the given authority, as PEM
	AlsoTrust   string // certificates, as PEM, that clients are to trust besides
	Generation  int    // counts the authorities that the stack makes; default 1
	Next        bool   // make the next generation's too, and trust it already
}

// ClientCA is kraftstack:security.clientCA: the stack's authority that signs
// clients for brokers.
type ClientCA struct {
	Generation int  // counts the authorities; default 1
	Previous   bool // let in whom the generation before signed, too
}

// Given tells whether the stack file brings the authority.
func (c CA) Given() bool { return c.Certificate != "" }

// What security.clients can say.
const (
	ClientsScram     = "scram"     // user and password over TLS
	ClientsMTLS      = "mtls"      // a certificate
	ClientsBoth      = "both"      // either, on a port each
	ClientsPlaintext = "plaintext" // no names and no encryption
)

// Scram tells whether clients can log in by a password.
func (s Security) Scram() bool { return s.Clients == ClientsScram || s.Clients == ClientsBoth }

// MTLS tells whether clients can log in by a certificate.
func (s Security) MTLS() bool { return s.Clients == ClientsMTLS || s.Clients == ClientsBoth }

// What security.updates can say.
const (
	UpdatesImage    = "image"    // as the image has it
	UpdatesSecurity = "security" // security updates, each day
	UpdatesNone     = "none"
)

// The two users that may do anything. Their names are not for others.
const (
	NodeUser = "kraftstack-node" // every node, by its certificate

	// AdminUser is made when the cluster is. Its name ends as it does so that
	// String.hashCode gives 0, which makes it the first in every HashMap of users.
	// Up to Kafka 4.3 a node that reads its metadata log from the start forgets
	// all users of a mechanism where the first one that it looks at was removed
	// (ScramDelta.apply in 4.3.0 drops the mechanism's map as soon as a removal
	// leaves it empty, and what follows goes into the dropped one): after a user
	// was removed, nobody could log in to a broker that was restarted.
	AdminUser = "kraftstack-admin-vabadifuri"
)

// renewalQuarter is the part of its life that a certificate has left when it is
// renewed.
const renewalQuarter = 4

func (r *reader) security() {
	s := &r.stack.Security
	if r.sound("security.validityHours", "security.renewBeforeHours") {
		if !r.has("security.renewBeforeHours") {
			s.RenewBeforeHours = s.ValidityHours / renewalQuarter
		}
		if s.RenewBeforeHours >= s.ValidityHours {
			r.problem(Namespace+":security.renewBeforeHours", s.RenewBeforeHours,
				"is as long as a certificate is valid, so that every up would renew all of them", "less than security.validityHours")
		}
	}
	r.authority()
	r.clientAuthority()
}

// clientAuthority checks that the authority of clients signs somebody.
func (r *reader) clientAuthority() {
	const key = Namespace + ":security.clientCA"
	s := r.stack.Security
	if !r.sound("security.clients", "security.clientCA.generation", "security.clientCA.previous") {
		return
	}
	for _, own := range []string{"generation", "previous"} {
		if r.has("security.clientCA."+own) && !s.MTLS() {
			r.problem(key+"."+own, nil, "has no use where no client has a certificate: security.clients is "+s.Clients, "nothing, or security.clients: both")
		}
	}
	if s.ClientCA.Previous && s.ClientCA.Generation == 1 {
		r.problem(key+".previous", true, "has no use with the first generation: there is none before it", "generation: 2 beside it, or remove it")
	}
}

// authority checks a given authority as a whole.
func (r *reader) authority() {
	const key = Namespace + ":security.ca"
	ca := r.stack.Security.CA
	if ca.Given() != r.has("security.ca.privateKey") {
		r.problem(key, nil, "has only one of certificate and privateKey", "both, or neither for an authority of the stack's own")
		return
	}
	if !ca.Given() || !r.sound("security.ca.certificate", "security.ca.privateKey", "security.validityHours") {
		return
	}
	for _, own := range []string{"generation", "next"} {
		if r.has("security.ca." + own) {
			r.problem(key+"."+own, nil, "has no use with a given authority", "alsoTrust with the next authority's certificate, or remove it")
		}
	}
	certificates, _ := readCertificates(ca.Certificate)
	if wrong := authorityFault(certificates[0], r.stack.Security.ValidityHours, time.Now()); wrong != "" {
		r.problem(key+".certificate", nil, wrong, "an authority's certificate that outlives the certificates it signs")
	}
	if r.encrypted {
		return // nothing can be told of the key before it is decrypted
	}
	private, err := ParseKey(ca.PrivateKey.Reveal())
	if err != nil {
		return // the field's own rule told
	}
	public, ok := private.Public().(interface{ Equal(x crypto.PublicKey) bool })
	if !ok || !public.Equal(certificates[0].PublicKey) {
		r.problem(key+".privateKey", nil, "is not the key of the certificate beside it", "the private key that belongs to security.ca.certificate")
	}
}

func authorityFault(c *x509.Certificate, validityHours int, now time.Time) string {
	day := func(t time.Time) string { return t.UTC().Format(time.DateOnly) }
	switch {
	case !c.IsCA || c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0:
		return "is no authority: it must not sign certificates (CA:TRUE, keyCertSign)"
	case now.After(c.NotAfter):
		return "ended on " + day(c.NotAfter)
	case now.Before(c.NotBefore):
		return "begins on " + day(c.NotBefore)
	case now.Add(time.Duration(validityHours) * time.Hour).After(c.NotAfter):
		return fmt.Sprintf("ends on %s, before the certificates that it signs for %d hours", day(c.NotAfter), validityHours)
	}
	return ""
}

// readCertificates reads one or more certificates as PEM, and nothing else.
func readCertificates(text string) ([]*x509.Certificate, string) {
	var all []*x509.Certificate
	for rest := []byte(text); ; {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, "holds a " + block.Type + ", not certificates alone"
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, "holds a certificate that cannot be read"
		}
		all, rest = append(all, certificate), after
	}
	if len(all) == 0 {
		return nil, "is no certificate as PEM"
	}
	return all, ""
}

// setCertificates takes certificates; what is wrong with them is never shown,
// since it may be a key that was put there by mistake.
func setCertificates(place func(*Stack) *string) func(*Stack, any) []flaw {
	return func(s *Stack, v any) []flaw {
		text, _ := v.(string)
		if _, wrong := readCertificates(text); wrong != "" {
			return []flaw{{wrong: wrong, hide: true}}
		}
		*place(s) = text
		return nil
	}
}

func setAuthorityKey(s *Stack, v any) []flaw {
	key, _ := v.(Secret)
	s.Security.CA.PrivateKey = key
	if _, err := ParseKey(key.Reveal()); err != nil {
		return []flaw{{wrong: "cannot be used: " + err.Error(), hide: true}}
	}
	return nil
}
