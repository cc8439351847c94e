//go:build long

package lab_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRotation renews the brokers' certificates and rotates their authority, the
// stack's own and a given one, under a producer with acks=all and a reader that count: no record is lost,
// twice or out of order, and no Kafka restarts.
func TestRotation(t *testing.T) {
	s := shared
	const stack = "rotation"
	security := func(text string) {
		s.stackFile(t, stack, "    heap: 384m\n", "    heap: 384m\n  kraftstack:security:\n"+text)
	}
	security("    validityHours: 8760\n")
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	before := map[string]kafkaProcess{}
	for _, host := range three {
		before[host] = s.kafka(t, stack, host)
	}
	count := s.countOnBastion(t, stack)
	certificate, key := givenAuthority(t)
	for _, step := range []struct {
		name, security, key string
		trust               bool // clients trust more, and are shown the same
	}{
		{name: "certificates renewed"},
		{name: "both authorities trusted", security: "    ca: {next: true}\n", trust: true},
		{name: "authority rotated", security: "    ca: {generation: 2}\n"},
		{name: "a given authority trusted", security: "    ca:\n      generation: 2\n      alsoTrust: |\n" + indented(certificate, 8), trust: true},
		{name: "the given authority signs", security: "    ca:\n      certificate: |\n" + indented(certificate, 8), key: key},
	} {
		shown := s.shown(t, stack)
		count.say(t, "begin "+step.name)
		security("    validityHours: 8000\n" + step.security)
		if step.key != "" {
			s.setSecret(t, stack, "security.ca.privateKey", step.key)
		}
		if changed := s.up(t, stack); len(changed.Restarts) > 0 {
			t.Errorf("%s: restarts of %v", step.name, changed.Restarts)
		}
		count.say(t, "end "+step.name)
		if changed := s.shown(t, stack) != shown; changed == step.trust {
			t.Errorf("%s: clients are shown another certificate: %t", step.name, changed)
		}
		nothing(t, step.name+": the up after it", s.up(t, stack))
	}
	count.judge(t)
	for _, host := range three {
		if diff := cmp.Diff(before[host], s.kafka(t, stack, host)); diff != "" {
			t.Errorf("%s: Kafka is another process: %s", host, diff)
		}
	}
	s.must(t, "smoke", "--stack", stack)
}

// shown are the certificates that clients are shown.
func (s story) shown(t *testing.T, stack string) string {
	t.Helper()
	return s.ssh(t, stack, "bastion", "for n in 1001 1002 1003; do timeout 10 openssl s_client -connect broker-$n."+stack+
		".kafka.internal:9092 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256; done")
}

// counting is the counting pair at work on the bastion.
type counting struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	stdout bytes.Buffer
	stderr bytes.Buffer
}

// countOnBastion starts the pair on the bastion, as the administrator. It stops when its input ends.
func (s story) countOnBastion(t *testing.T, stack string) *counting {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "counting")
	build := exec.Command("go", "build", "-o", binary, "./tests/counting")
	build.Dir, build.Env = repository(), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the counting pair: %v\n%s", err, out)
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	s.send(t, stack, "bastion", "/tmp/counting", map[string][]byte{"counting": content})
	c := &counting{}
	c.cmd = exec.Command(s.binary, "ssh", "bastion", "--stack", stack, "--", "chmod 0700 /tmp/counting/counting && "+
		"sudo grep -v ssl.enabled.protocols /etc/kafka/client.properties >/tmp/counting/client.properties && "+
		"/tmp/counting/counting --client /tmp/counting/client.properties --rate 400 --min-rate 100")
	c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = s.dir, &c.stdout, &c.stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *counting) say(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		t.Fatalf("the counting pair is gone: %v\n%s", err, c.stderr.String())
	}
}

// judge ends the pair: it must have found no fault.
func (c *counting) judge(t *testing.T) {
	t.Helper()
	c.say(t, "stop")
	err := c.cmd.Wait()
	_, document, _ := strings.Cut(c.stdout.String(), "{")
	var report struct {
		Acked, Unknown, Refused, Read int
		Checks                        []string
		Faults                        []json.RawMessage
	}
	if decode := json.Unmarshal([]byte("{"+document), &report); decode != nil || err != nil {
		t.Fatalf("the counting pair: %v, %v\n%s%s", err, decode, c.stdout.String(), c.stderr.String())
	}
	t.Logf("%d records acknowledged, %d read, %d unknown, %d refused; checks %v", report.Acked, report.Read, report.Unknown, report.Refused, report.Checks)
	if len(report.Faults) > 0 || report.Refused > 0 || report.Acked == 0 || len(report.Checks) == 0 {
		t.Errorf("faults: %s", report.Faults)
	}
}
