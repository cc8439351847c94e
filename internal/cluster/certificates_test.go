package cluster

import (
	"strings"
	"testing"
	"time"
)

func TestCertificates(t *testing.T) {
	access := Access{Clients: "scram", CertificatesEnd: "2027-01-01T00:00:00Z", CertificatesDue: "2026-10-01T00:00:00Z"}
	for now, want := range map[string]string{
		"2026-09-30T23:59:59Z": CertificatesValid, "2026-10-01T00:00:00Z": CertificatesDue,
		"2026-12-31T23:59:59Z": CertificatesDue, "2027-01-01T00:00:00Z": CertificatesEnded,
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		got := certificates(access, at)
		if got == nil || got.State != want {
			t.Errorf("at %s: got %+v, want %s", now, got, want)
		}
		problem := strings.Contains(strings.Join(judge(View{Certificates: got}, Outputs{}), "\n"), "certificates ended at 2027-01-01T00:00:00Z")
		if problem != (want == CertificatesEnded) {
			t.Errorf("at %s: told as a problem: %t", now, problem)
		}
	}
	if access.Clients = "plaintext"; certificates(access, time.Time{}) != nil {
		t.Error("brokers without certificates have some")
	}
}
