//go:build long

package lab_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kraftstack/internal/cluster"
)

// newerPackage gives a host a package and a repository in a folder, the only one,
// that has a newer one. With "reboot" as its argument the newer one asks for a reboot,
// in the way in which a kernel's package does.
const newerPackage = `set -e
reboot=REBOOT
mkdir -p /srv/story /root/apt-aside
find /etc/apt/sources.list /etc/apt/sources.list.d -type f -exec mv -t /root/apt-aside {} +
pack() {
  dir=$(mktemp -d)
  chmod 0755 "$dir"
  mkdir "$dir/DEBIAN"
  printf 'Package: story\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: of a story\n' "$1" >"$dir/DEBIAN/control"
  if [ "$2" ]; then
    printf '#!/bin/sh\ntouch /run/reboot-required\n' >"$dir/DEBIAN/postinst"
    chmod 0755 "$dir/DEBIAN/postinst"
  fi
  dpkg-deb --build --root-owner-group "$dir" "/srv/story/story_$1.deb" >/dev/null
}
pack 1.0 ''
dpkg -i /srv/story/story_1.0.deb >/dev/null
pack 2.0 "$reboot"
cd /srv/story
{
  dpkg-deb -f story_2.0.deb
  printf 'Filename: ./story_2.0.deb\nSize: %s\nSHA256: %s\n\n' "$(stat -c %s story_2.0.deb)" "$(sha256sum <story_2.0.deb | cut -d ' ' -f 1)"
} >Packages
echo 'deb [trusted=yes] file:/srv/story ./' >/etc/apt/sources.list.d/story.list`

// patched is what `kraftstack patch --json` prints.
type patched struct{ Hosts []cluster.Patched }

// TestPatch: a newer package comes to all hosts under load, one at a time, with a
// reboot where it asks for that.
func TestPatch(t *testing.T) {
	s := shared
	const stack = "patch"
	s.stackFile(t, stack, "  kraftstack:kafka:\n", "  kraftstack:rolling:\n    gateTimeoutSeconds: 15\n  kraftstack:kafka:\n")
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	for host, reboot := range map[string]string{"bastion": "reboot", "broker-1001": "", "broker-1002": "reboot", "broker-1003": ""} {
		s.script(t, stack, host, strings.Replace(newerPackage, "REBOOT", "'"+reboot+"'", 1))
	}
	load := s.count(t, stack, "patch")
	patchIsRefused(t, s, stack)
	load.during(t, "the patch", func() { patchIsKilledAndEnds(t, s, stack) })
	load.holds(t)
	for _, host := range append([]string{"bastion"}, three...) {
		if version := s.ssh(t, stack, host, "dpkg-query -W -f '${Version}' story"); version != "2.0" {
			t.Errorf("%s has version %s of the package", host, version)
		}
	}
	before := s.processes(t, stack)
	var again patched
	s.mustJSON(t, &again, "patch", "--stack", stack)
	for _, host := range again.Hosts {
		if len(host.Packages) > 0 || host.Rebooted {
			t.Errorf("a second patch: %+v", host)
		}
	}
	if diff := cmp.Diff(before, s.processes(t, stack)); diff != "" || len(again.Hosts) != 4 {
		t.Errorf("a second patch of %d hosts restarted Kafka: %s", len(again.Hosts), diff)
	}
	if found := s.audit(t, stack); len(found) > 0 {
		t.Errorf("patched hosts differ: %v", found)
	}
	nothing(t, "up after it", s.up(t, stack))
}

// patchIsRefused: where it cannot be, the host is as before.
func patchIsRefused(t *testing.T, s story, stack string) {
	before := s.processes(t, stack)
	s.script(t, stack, "broker-1001", "mv /srv/story/story_2.0.deb /srv/story/aside")
	s.refused(t, 8, []string{"host: broker-1001", "step: patch", "the packages could not be fetched"},
		"patch", "--stack", stack, "--target-host", "broker-1001")
	s.script(t, stack, "broker-1001", "mv /srv/story/aside /srv/story/story_2.0.deb")
	s.withSilent(t, stack, "broker-1003", func() {
		s.refused(t, 10, []string{"host: broker-1001", "replicas to spare", "nothing was changed"},
			"patch", "--stack", stack, "--target-host", "broker-1001")
	})
	if diff := cmp.Diff(before, s.processes(t, stack)); diff != "" {
		t.Errorf("a refused patch restarted Kafka: %s", diff)
	}
	s.refused(t, 3, []string{"broker-1009"}, "patch", "--stack", stack, "--target-host", "broker-1009")
	s.view(t, stack)
}

// patchIsKilledAndEnds: the driver dies while a host installs, and with it the engine
// that holds the lock; until then, and until that is cleared, nobody else begins. The
// next one ends that, and does the others.
func patchIsKilledAndEnds(t *testing.T, s story, stack string) {
	leader := s.view(t, stack).Quorum.Leader
	p := s.start(t, "patch", "--stack", stack, "--target-host", "broker-1001")
	p.says(t, "installing 1 packages")
	locked := []string{"locked by ", "(pid ", " since ", "kraftstack unlock --stack"}
	// It stands still, so that it does not end before the other has asked.
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.refused(t, 4, locked, "up", "--stack", stack)
	killTree(t, p)
	_ = p.cmd.Wait()
	s.refused(t, 4, locked, "patch", "--stack", stack)
	s.must(t, "unlock", "--stack", stack)

	r := s.run(t, "patch", "--stack", stack, "--json")
	var all patched
	if err := json.Unmarshal([]byte(r.stdout), &all); err != nil || r.code != 0 {
		t.Fatalf("patch ended with %d, %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	var order []string
	for _, host := range all.Hosts {
		order = append(order, host.Name)
		wanted := cluster.Patched{Name: host.Name, Packages: []string{"story"}, Rebooted: host.Name == "bastion" || host.Name == "broker-1002"}
		if diff := cmp.Diff(wanted, host); diff != "" {
			t.Errorf("%s (-want +got):\n%s", host.Name, diff)
		}
	}
	sorted := slices.Sorted(slices.Values(order))
	if diff := cmp.Diff(append([]string{"bastion"}, three...), sorted); diff != "" || order[3] != "bastion" {
		t.Fatalf("hosts in the order %v", order)
	}
	if leader != 1001 && order[2] != fmt.Sprintf("broker-%d", leader) {
		t.Errorf("%d led the quorum, and the order was %v", leader, order)
	}
}
