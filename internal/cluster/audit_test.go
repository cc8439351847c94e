package cluster

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"kraftstack/scripts"
)

func TestAudit(t *testing.T) {
	k := startKafka(t).scripted()
	answers := map[string]string{}
	own := ssh.FingerprintSHA256(k.answering(t, answers).PublicKey())
	toolkit := fmt.Sprintf("%x", sha256.Sum256([]byte(scripts.Bundle())))
	good := fmt.Sprintf(`{"ok":true,"toolkit":%q,"logins":[{"user":"ubuntu","key":%q}],"drift":[]}`, toolkit, own)
	audit := func() Audit {
		t.Helper()
		found, err := AuditHosts(within(t, 10*time.Second), k.out)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for _, name := range []string{"bastion", "broker-1001", "broker-1002", "broker-1003"} {
		answers[name] = good
	}
	if found := audit(); !found.Clean || len(found.Hosts) != 4 || len(found.Differing())+len(found.Unknown()) != 0 {
		t.Errorf("hosts as they should be: %+v", found)
	}

	answers["bastion"] = fmt.Sprintf(`{"ok":true,"toolkit":%q,"logins":[{"user":"root","key":"SHA256:other"}],"drift":[]}`, toolkit)
	answers["broker-1001"] = fmt.Sprintf(`{"ok":false,"toolkit":"old","logins":[{"user":"ubuntu","key":%q}],"drift":[{"kind":"file","what":"/etc/kafka/a","why":"it is missing"}]}`, own)
	answers["broker-1002"] = fmt.Sprintf(`{"ok":false,"toolkit":%q,"logins":[],"drift":[]}`, toolkit)
	answers["broker-1003"] = ""
	want := Audit{Stack: k.out.Stack, Hosts: []HostAudit{
		{Name: "bastion", Drift: []Drift{{"login", "root", "the key SHA256:other can log in, and is not the stack's"}}},
		{Name: "broker-1001", Drift: []Drift{{"file", "/etc/kafka/a", "it is missing"}, {"toolkit", "kafka-node", "it is not the one that this kraftstack brings"}}},
		{Name: "broker-1002", Drift: []Drift{{"toolkit", "kafka-node", "it says that something differs, and not what"}}},
		{Name: "broker-1003", Drift: []Drift{}, Error: "kafka-node: not installed"},
	}}
	found := audit()
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
	if len(found.Differing()) != 3 || len(found.Unknown()) != 1 {
		t.Errorf("differing %v, unknown %v", found.Differing(), found.Unknown())
	}
}
