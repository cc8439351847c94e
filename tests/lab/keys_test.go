//go:build long

package lab_test

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
)

// TestKeys rotates what administrators and this program log in with: the SSH key
// pair, every host's key, the administrator's password, the secrets provider.
// Kafka is the same process after all of them.
func TestKeys(t *testing.T) {
	s := shared
	const stack = "keys"
	s.keysFile(t, stack, 1, 1)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	for _, variable := range s.environment(t) {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	before := s.kafka(t, stack, "broker-1001")
	t.Run("ssh keys", func(t *testing.T) { sshKeysRotated(t, s, stack) })
	t.Run("the administrator's password", func(t *testing.T) { administratorRotated(t, s, stack) })
	t.Run("the secrets provider", func(t *testing.T) { secretsProviderRotated(t, s, stack) })
	if diff := cmp.Diff(before, s.kafka(t, stack, "broker-1001")); diff != "" {
		t.Errorf("Kafka is another process: %s", diff)
	}
	t.Run("a replaced host", func(t *testing.T) { replacedHostHasTheKeys(t, s, stack) })
}

// keysFile writes the stack file of one broker, in generations of its keys and of
// the administrator's password.
func (s story) keysFile(t *testing.T, stack string, keys, administrator int) {
	t.Helper()
	s.oneBrokerFile(t, stack, keys, fmt.Sprintf("{clients: both, adminRotation: %d}", administrator))
}

// oneBrokerFile writes the stack file of one broker, in a generation of its keys.
func (s story) oneBrokerFile(t *testing.T, stack string, keys int, security string) {
	t.Helper()
	s.stackFile(t, stack, "  kraftstack:brokers:\n    count: 3\n", "  kraftstack:brokers:\n    count: 1\n",
		"    mode: combined\n    count: 3\n", "    mode: combined\n    count: 1\n",
		"    zones: [us-east-1a, us-east-1b, us-east-1c]\n", "    zones: [us-east-1a]\n",
		"    bastion:\n", fmt.Sprintf("    keyGeneration: %d\n    bastion:\n", keys),
		"    heap: 384m\n", "    heap: 384m\n  kraftstack:security: "+security+"\n")
}

// outputs is what the live view knows of a stack.
func (s story) outputs(t *testing.T, stack string) cluster.Outputs {
	t.Helper()
	out, err := automation.Outputs(t.Context(), s.dir, stack)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// enters says whether a stack with these outputs can be logged in to.
func enters(t *testing.T, out cluster.Outputs) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tunnel, err := cluster.Dial(ctx, out)
	if err == nil {
		err = tunnel.Close()
	}
	return err
}

// sshKeysRotated: every host has another key, and nobody logs in with the old one.
func sshKeysRotated(t *testing.T, s story, stack string) {
	old := s.outputs(t, stack)
	s.keysFile(t, stack, 2, 1)
	if r := s.up(t, stack); len(r.Restarts) > 0 {
		t.Errorf("restarts of %v", r.Restarts)
	}
	nothing(t, "the up after it", s.up(t, stack))
	current := s.outputs(t, stack)
	if current.PrivateKey == old.PrivateKey || current.Bastion.HostKey == old.Bastion.HostKey || current.Nodes[0].HostKey == old.Nodes[0].HostKey {
		t.Error("not all keys are other ones")
	}
	if err := enters(t, old); err == nil || !strings.Contains(err.Error(), "the host shows key") {
		t.Errorf("the old host key: %v", err)
	}
	stolen := current
	stolen.PrivateKey = old.PrivateKey
	if err := enters(t, stolen); err == nil || strings.Contains(err.Error(), "the host shows key") {
		t.Errorf("the old login key: %v", err)
	}
	for _, host := range []string{"bastion", "broker-1001"} {
		if got := strings.TrimSpace(s.ssh(t, stack, host, "wc -l <~/.ssh/authorized_keys; sudo ls /etc/ssh | grep -c '^ssh_host.*key$'")); got != "1\n1" {
			t.Errorf("%s: keys that log in and keys of the host are %q, want one of each", host, got)
		}
	}
}

// administratorRotated: the cluster lets the administrator in by the new password
// alone.
func administratorRotated(t *testing.T, s story, stack string) {
	old := s.outputs(t, stack)
	s.keysFile(t, stack, 2, 2)
	if r := s.up(t, stack); len(r.Restarts) > 0 {
		t.Errorf("restarts of %v", r.Restarts)
	}
	nothing(t, "the up after it", s.up(t, stack))
	if old.Access.Login == s.outputs(t, stack).Access.Login {
		t.Error("the password is the same")
	}
	s.view(t, stack)
	s.admin(t, stack, "kafka-topics.sh", "--list")
	view, err := cluster.Status(t.Context(), old, cluster.StatusOptions{})
	if err != nil || view.Healthy || !strings.Contains(strings.Join(view.Problems, " "), "it refuses the administrator's login") {
		t.Errorf("with the old password the cluster says %v, %v", view.Problems, err)
	}
}

// secretsProviderRotated: state and stack file are encrypted anew. The lab has one
// passphrase, so what changes is the key that is made from it.
func secretsProviderRotated(t *testing.T, s story, stack string) {
	before := s.export(t, stack)
	c := exec.Command("pulumi", "stack", "change-secrets-provider", "passphrase", "--stack", stack, "--non-interactive")
	c.Dir, c.Stdin = s.dir, strings.NewReader(strings.Repeat("lab\n", 2))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("pulumi stack change-secrets-provider: %v\n%s", err, out)
	}
	secret := regexp.MustCompile(`"ciphertext": "[^"]{40,}"`)
	old, now := secret.FindAll(before, -1), string(s.export(t, stack))
	if len(old) < 10 {
		t.Fatalf("the state has %d secrets", len(old))
	}
	for _, one := range old {
		if strings.Contains(now, string(one)) {
			t.Fatal("a secret of the state is encrypted as it was")
		}
	}
	nothing(t, "the up after it", s.up(t, stack))
	s.view(t, stack)
}

// replacedHostHasTheKeys: a host that is born later ends with the current keys too.
func replacedHostHasTheKeys(t *testing.T, s story, stack string) {
	s.aws(t, fmt.Sprintf("ec2.terminate_instances(InstanceIds=[%q])", s.instances(t, stack)["broker-1001"]))
	s.must(t, "refresh", "--stack", stack)
	s.up(t, stack)
	s.view(t, stack)
	if got := strings.TrimSpace(s.ssh(t, stack, "broker-1001", "wc -l <~/.ssh/authorized_keys")); got != "1" {
		t.Errorf("%s keys log in to the replaced host", got)
	}
}
