package lab_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kraftstack/lab/paths"
	"kraftstack/lab/venv"
)

// sandboxed: the unit that runs is as closed as systemd itself counts it, and
// the sandbox holds on these hosts: a service with the same one is refused
// what Kafka has no business with.
func sandboxed(t *testing.T, s story, stack string) {
	// In tenths: the worst that the project allows itself. Of a service that
	// must listen on the network and write its own code, 1.1 is what is left.
	const threshold = "11"
	for _, host := range three {
		out := s.ssh(t, stack, host, "sudo systemd-analyze security --no-pager --threshold="+threshold+" kafka.service >/tmp/exposure; "+
			"echo $?; tail -n 1 /tmp/exposure; rm -f /tmp/exposure")
		if !strings.HasPrefix(out, "0\n") {
			t.Errorf("%s: kafka.service is exposed beyond %s: %s", host, threshold, out)
		}
	}
	// Outside of the sandbox root may do all of it, so that a "no" within is the
	// sandbox's. The lab's hosts are containers: their kernel settings are no
	// host's to change.
	//nolint:dupword // both answers
	allowed := map[string]string{"data": "yes yes", "address by name": "yes yes", "kernel settings": "no no"}
	for line := range strings.Lines(s.script(t, stack, "broker-1002", probe)) {
		what, answer, _ := strings.Cut(strings.TrimSpace(line), ": ")
		want, known := allowed[what]
		if !known {
			want = "no yes"
		}
		if answer != want {
			t.Errorf("%s, within the sandbox and outside: %s, want %s", what, answer, want)
		}
	}
}

// probe makes a list of attempts, as a service whose unit is Kafka's but for
// what it starts, and then as root; it prints both answers to each.
const probe = `set -eu
try=/opt/kraftstack/story-probe unit=/run/systemd/system/story-probe.service said=/run/story-probe
trap 'rm -f $try $unit $said; systemctl daemon-reload' EXIT
cat >$try <<'TRY'
try() { local what=$1; shift; if "$@" >/dev/null 2>&1; then echo "$what: yes"; else echo "$what: no"; fi; }
write() { touch "$1/.probe" && rm "$1/.probe"; }
own() { touch /tmp/.probe && "$@" /tmp/.probe && rm -f /tmp/.probe; }
try data write /var/lib/kafka/data
try 'address by name' getent hosts "$(hostname -f)"
try settings write /etc/kafka
try toolkit write /opt/kraftstack
try 'other versions' write /opt/kafka
try homes ls /root /home
try 'other processes' ls -d /proc/1
try 'kernel settings' tee /proc/sys/vm/swappiness <<<1
try 'a name space' unshare --user --map-root-user true
try 'a mount' sh -c 'mount -t tmpfs none /mnt && umount /mnt'
try disks ls /dev/disk/by-id
try 'root by sudo' sudo -n true
try packets python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'
try 'another owner' own chown 1
try 'a set-user-id file' own chmod u+s
TRY
grep -vE '^(ExecStart|ExecStartPre|Type|EnvironmentFile|Restart|RestartSec|SuccessExitStatus|RuntimeDirectory|LogsDirectory|LogsDirectoryMode)=' \
  /etc/systemd/system/kafka.service | sed "s,^\[Service\],&\nType=oneshot\nStandardOutput=truncate:$said\nExecStart=/bin/bash $try," >$unit
systemctl daemon-reload
systemctl start story-probe.service
paste -d ' ' $said <(bash $try | sed 's/.*: //')`

//go:embed testdata/ssh-audit.txt
var sshAuditRequirements []byte

// lockedDown: every host's sshd offers what ssh-audit's policy for the
// distribution asks for and nothing else, and admits as few as it can.
func lockedDown(t *testing.T, s story, stack string) {
	const policy = "Hardened Debian 12 (version 3)" // the lab's image
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	python, err := venv.Venv{Name: "ssh-audit", Requirements: sshAuditRequirements}.Ensure(context.Background(), cache, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	// An exit code of its own for each kind of mismatch: the document tells.
	out, _ := exec.Command(filepath.Join(filepath.Dir(python), "ssh-audit"), "-j", "-P", policy, s.bastionAddress(t, stack)).Output()
	var audit struct {
		Host   string
		Policy string
		Errors []struct {
			Field  string   `json:"mismatched_field"`
			Actual []string `json:"actual"`
		}
	}
	if err := json.Unmarshal(out, &audit); err != nil || audit.Policy != policy {
		t.Fatalf("ssh-audit says nothing about %q: %v\n%s", policy, err, out)
	}
	for _, e := range audit.Errors {
		// The policy wants RSA keys beside the ed25519 one. Fewer is stricter,
		// as its later versions for other distributions say.
		if e.Field != "Host keys" || !slices.Equal(e.Actual, []string{"ssh-ed25519"}) {
			t.Errorf("%s: %s are %v", policy, e.Field, e.Actual)
		}
	}
	bastion := s.sshd(t, stack, "bastion")
	for _, host := range append([]string{"bastion"}, three...) {
		got := s.sshd(t, stack, host)
		want := map[string]string{
			"allowusers": "ubuntu", "authenticationmethods": "publickey", "passwordauthentication": "no",
			"kbdinteractiveauthentication": "no", "hostbasedauthentication": "no", "permitrootlogin": "no",
			"permitemptypasswords": "no", "permituserenvironment": "no", "maxauthtries": "4",
			"hostkey": "/etc/ssh/ssh_host_ed25519_key", "allowtcpforwarding": "no", "allowagentforwarding": "no",
			"allowstreamlocalforwarding": "no", "gatewayports": "no", "permittunnel": "no", "x11forwarding": "no",
			"clientaliveinterval": "30", "clientalivecountmax": "4", "loglevel": "VERBOSE",
			// What ssh-audit has seen of the bastion's.
			"kexalgorithms": bastion["kexalgorithms"], "ciphers": bastion["ciphers"], "macs": bastion["macs"],
			"hostkeyalgorithms": "ssh-ed25519", "modulifile": bastion["modulifile"],
		}
		if host == "bastion" {
			want["allowtcpforwarding"] = "local"
		}
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s: sshd has %s %q, want %q", host, name, got[name], value)
			}
		}
	}
}

// script runs a script as root on a host.
func (s story) script(t *testing.T, stack, host, text string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), s.binary, "ssh", host, "--stack", stack, "--", "sudo bash -s")
	c.Dir, c.Stdin, c.Stderr = s.dir, strings.NewReader(text), os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("a script on %s: %v\n%s", host, err, out)
	}
	return string(out)
}

// sshd is what sshd itself says that it goes by on a host.
func (s story) sshd(t *testing.T, stack, host string) map[string]string {
	t.Helper()
	settings := map[string]string{}
	for line := range strings.Lines(s.ssh(t, stack, host, "sudo sshd -T")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		settings[name] = value
	}
	return settings
}

// bastionAddress is where the bastion answers on this machine: an Elastic IP
// on loopback.
func (s story) bastionAddress(t *testing.T, stack string) string {
	t.Helper()
	address := s.aws(t, fmt.Sprintf("print([a['PublicIp'] for a in ec2.describe_addresses(Filters=[{'Name':'tag:Name','Values':['%s-bastion-address']}])['Addresses']][0])", stack))
	if !strings.HasPrefix(address, "127.") {
		t.Fatalf("the bastion of stack %s is at %q, which is not this machine's loopback", stack, address)
	}
	return address
}
