package lab_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kraftstack/internal/cluster"
	"kraftstack/internal/report"
)

// audit is `kraftstack audit --json`: what it found, as "host kind what".
func (s story) audit(t *testing.T, stack string) []string {
	t.Helper()
	r := s.run(t, "audit", "--stack", stack, "--json")
	var audit cluster.Audit
	if err := json.Unmarshal([]byte(r.stdout), &audit); err != nil {
		t.Fatalf("audit printed no JSON document: %v\n%s%s", err, r.stdout, r.stderr)
	}
	found := []string{}
	for _, host := range audit.Hosts {
		if host.Error != "" {
			t.Errorf("%s could not be asked: %s", host.Name, host.Error)
		}
		for _, d := range host.Drift {
			found = append(found, strings.Join([]string{host.Name, d.Kind, d.What}, " "))
		}
	}
	if want := map[bool]int{true: 0, false: 9}[len(found) == 0]; r.code != want || audit.Clean != (want == 0) {
		t.Errorf("audit ended with %d and clean %v after %d findings", r.code, audit.Clean, len(found))
	}
	return found
}

// TestAudit changes hosts of a young cluster by hand.
func TestAudit(t *testing.T) {
	s := shared
	const stack = "audit"
	s.stackFile(t, stack)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	load := s.count(t, stack, "audited", "--delivery-timeout", "10m")
	load.during(t, "hosts changed by hand, and mended", func() { handsAreMended(t, s, stack) })
	load.holds(t)
}

// handsAreMended: somebody changes two hosts by hand, in every way that counts.
// The audit finds all of it and nothing else; a repair mends what it may, on
// these hosts alone, and leaves the rest to a person, by name.
func handsAreMended(t *testing.T, s story, stack string) {
	if found := s.audit(t, stack); len(found) > 0 {
		t.Fatalf("hosts that nobody has touched differ: %v", found)
	}
	s.script(t, stack, "broker-1002", `set -e
echo log.retention.hours=1 >>/etc/kafka/server.properties
mkdir -p /etc/systemd/system/kafka.service.d
printf '[Service]\nEnvironment=BY=hand\n' >/etc/systemd/system/kafka.service.d/override.conf
systemctl daemon-reload
systemctl restart kafka.service
touch /opt/kafka/current/libs/plugin.jar
echo vm.swappiness = 60 >>/etc/sysctl.d/90-kafka.conf
chmod 0755 /etc/kafka/tls
systemd-run --quiet --collect --unit=story-listener python3 -c 'import socket,time
l=socket.create_server(("",7777))
time.sleep(600)'`)
	s.script(t, stack, "bastion", `set -e
rm /etc/profile.d/kafka.sh
ssh-keygen -q -t ed25519 -N "" -f /root/story-key
cat /root/story-key.pub >>/home/ubuntu/.ssh/authorized_keys`)
	foreign := []string{"bastion login ubuntu", "broker-1002 listener tcp 0.0.0.0:7777"}
	want := append([]string{
		"bastion file /etc/profile.d/kafka.sh",
		"broker-1002 file /etc/kafka/server.properties", "broker-1002 file /etc/sysctl.d/90-kafka.conf",
		"broker-1002 unit /etc/systemd/system/kafka.service.d/override.conf",
		"broker-1002 generation kafka.service", "broker-1002 mode /etc/kafka/tls",
	}, foreign...)
	want = append(want, "broker-1002 version "+strings.TrimSpace(s.ssh(t, stack, "broker-1002", "readlink -f /opt/kafka/current")))
	slices.Sort(want)
	found := s.audit(t, stack)
	slices.Sort(found)
	if diff := cmp.Diff(want, found); diff != "" {
		t.Fatalf("what was found (-want +got):\n%s", diff)
	}

	changed, untouched := s.kafka(t, stack, "broker-1002"), s.kafka(t, stack, "broker-1001")
	r := s.run(t, "up", "--repair", "--stack", stack, "--json")
	var repair report.Report
	if err := json.Unmarshal([]byte(r.stdout), &repair); err != nil || r.code != 9 {
		t.Fatalf("up --repair ended with %d, %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	for _, change := range repair.Changes {
		if change.Op != "update" || change.Component != "bastion" && change.Component != "broker-1002" {
			t.Errorf("the repair also did: %s %s %s", change.Op, change.Component, change.Step)
		}
	}
	if diff := cmp.Diff([]string{"broker-1002"}, repair.Restarts); diff != "" {
		t.Errorf("restarts (-want +got):\n%s", diff)
	}
	if now := s.kafka(t, stack, "broker-1002"); now.PID == changed.PID || changed.Generation != "altered" || now.Generation == "altered" {
		t.Errorf("Kafka on the changed host was %+v and is %+v", changed, now)
	}
	if now := s.kafka(t, stack, "broker-1001"); now != untouched {
		t.Errorf("Kafka on another host was %+v and is %+v", untouched, now)
	}
	found = s.audit(t, stack)
	slices.Sort(found)
	if diff := cmp.Diff(foreign, found); diff != "" {
		t.Errorf("what is left for a person (-want +got):\n%s", diff)
	}
	s.ssh(t, stack, "broker-1002", "sudo systemctl stop story-listener")
	s.ssh(t, stack, "bastion", "sed -i '$d' ~/.ssh/authorized_keys && sudo sh -c 'rm /root/story-key*'")
	nothing(t, "a repair with nothing to mend", func() (r report.Report) {
		s.mustJSON(t, &r, "up", "--repair", "--stack", stack)
		return r
	}())
	s.view(t, stack)
}
