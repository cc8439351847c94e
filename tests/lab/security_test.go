package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// security: every listener shows the right certificate under the right name by
// TLS 1.2 and 1.3 and nothing older, members alone get into the listeners of
// members, and nobody who shows another host key is spoken to.
func security(t *testing.T, s story, stack string) {
	t.Run("tls on every listener", func(t *testing.T) { tlsOnEveryListener(t, s, stack) })
	t.Run("sslyze finds nothing", func(t *testing.T) { sslyzeFindsNothing(t, s, stack, "broker-1002") })
	t.Run("members alone among members", func(t *testing.T) { membersAlone(t, s, stack) })
	t.Run("a man in the middle", func(t *testing.T) { manInTheMiddle(t, s, stack) })
}

const tlsDir = "/etc/kafka/tls/"

// shake does a handshake from a node with another one and returns what openssl
// says of it. Older protocols need its own lowest level of security, so that the
// refusal is the broker's.
func (s story) shake(t *testing.T, stack string, port int, flags string) string {
	t.Helper()
	host := fmt.Sprintf("broker-1002.%s.kafka.internal", stack)
	from := "broker-1001"
	if forClients(port) {
		from = "bastion"
	}
	return s.ssh(t, stack, from, fmt.Sprintf("sudo timeout 10 openssl s_client -connect %s:%d -servername %s -verify_hostname %s "+
		"-cipher DEFAULT@SECLEVEL=0 %s </dev/null 2>&1 || true", host, port, host, host, flags))
}

// trust is how a client of the listener on a port proves it.
func trust(port int) string {
	if forClients(port) {
		return "-CAfile " + tlsDir + "ca.pem "
	}
	return "-CAfile " + tlsDir + "members.pem -cert " + tlsDir + "member.keystore.pem -key " + tlsDir + "member.keystore.pem "
}

var listeners = []int{9091, 9092, 9093, 9094}

func forClients(port int) bool { return port == 9092 || port == 9094 }

func tlsOnEveryListener(t *testing.T, s story, stack string) {
	for _, port := range listeners {
		for version, offered := range map[string]bool{"tls1": false, "tls1_1": false, "tls1_2": true, "tls1_3": true} {
			out := s.shake(t, stack, port, trust(port)+"-"+version)
			if verified := strings.Contains(out, "Verify return code: 0 (ok)") && strings.Contains(out, "Cipher is TLS_") ||
				strings.Contains(out, "Verify return code: 0 (ok)") && strings.Contains(out, "Cipher is ECDHE-ECDSA-"); verified != offered {
				t.Errorf("port %d by -%s: connected %t, want %t\n%s", port, version, verified, offered, out)
			}
		}
		weak := s.shake(t, stack, port, trust(port)+"-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA:AES128-SHA:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0")
		if !strings.Contains(weak, "Cipher is (NONE)") {
			t.Errorf("port %d takes a weak cipher:\n%s", port, weak)
		}
	}
}

// membersAlone: on the listeners of members neither nobody nor a broker's own
// certificate for clients is enough, and a login by password is not spoken of.
func membersAlone(t *testing.T, s story, stack string) {
	for _, port := range []int{9091, 9093} {
		// In TLS 1.3 the refusal comes after the handshake.
		read := "-CAfile " + tlsDir + "members.pem -ign_eof "
		if out := s.shake(t, stack, port, read); !strings.Contains(out, "alert certificate required") {
			t.Errorf("port %d without a certificate:\n%s", port, out)
		}
		foreign := "-cert " + tlsDir + "server.keystore.pem -key " + tlsDir + "server.keystore.pem "
		if out := s.shake(t, stack, port, read+foreign); !strings.Contains(out, "alert certificate unknown") && !strings.Contains(out, "alert unknown ca") {
			t.Errorf("port %d with a certificate of another authority:\n%s", port, out)
		}
	}
}

// manInTheMiddle: for half a minute the bastion's address shows another host
// key. A timer of the host gives it its own back, since nobody may go there to do
// so.
func manInTheMiddle(t *testing.T, s story, stack string) {
	s.ssh(t, stack, "bastion", `sudo sh -c 'set -e
cd /etc/ssh
cp -p ssh_host_ed25519_key /root/own.key
ssh-keygen -q -t ed25519 -N "" -f /root/other.key
systemd-run --quiet --collect --on-active=40 sh -c "cp /root/own.key /etc/ssh/ssh_host_ed25519_key && systemctl restart ssh.service"
cp /root/other.key ssh_host_ed25519_key
systemctl restart ssh.service'`)
	// A user more is a step on the bastion.
	s.bothFile(t, stack, secondAuthority, "  kraftstack:users:\n"+shopUser)
	up := s.start(t, "up", "--stack", stack)
	words := []string{"do not go on", "the host shows key"}
	s.refused(t, 5, words, "status", "--stack", stack)
	s.refused(t, 5, words, "ssh", "broker-1001", "--stack", stack, "--", "true")
	if r := up.wait(t); r.code == 0 || !strings.Contains(r.stdout+r.stderr, "host key") {
		t.Errorf("up ended with exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	s.bothFile(t, stack, secondAuthority, "")
	eventually(t, "the bastion shows its own key again", time.Minute, func() (bool, string) {
		r := s.run(t, "ssh", "bastion", "--stack", stack, "--", "true")
		return r.code == 0, r.stderr
	})
}
