package cluster

import (
	"fmt"
	"time"

	"kraftstack/config"
)

// Certificates tell how long the brokers' certificates for clients last, and with
// them those of users.
type Certificates struct {
	End   time.Time `json:"end"`
	Due   time.Time `json:"due"`   // the first up after it renews them
	State string    `json:"state"` // CertificatesValid, CertificatesDue or CertificatesEnded
}

// The states of certificates.
const (
	CertificatesValid = "valid"
	CertificatesDue   = "due"
	CertificatesEnded = "ended"
)

// certificates reads what the stack recorded; nil where clients speak in the
// clear, or where an older version deployed the stack.
func certificates(of Access, now time.Time) *Certificates {
	end, wrong := time.Parse(time.RFC3339, of.CertificatesEnd)
	due, noDue := time.Parse(time.RFC3339, of.CertificatesDue)
	if of.Clients == config.ClientsPlaintext || wrong != nil || noDue != nil {
		return nil
	}
	c := &Certificates{End: end, Due: due, State: CertificatesValid}
	switch {
	case !now.Before(end):
		c.State = CertificatesEnded
	case !now.Before(due):
		c.State = CertificatesDue
	}
	return c
}

// problems are those of a cluster with such certificates.
func (c *Certificates) problems() []string {
	if c == nil || c.State != CertificatesEnded {
		return nil
	}
	return []string{fmt.Sprintf("the brokers' certificates ended at %s: no client trusts them; run kraftstack up", c.End.Format(time.RFC3339))}
}
