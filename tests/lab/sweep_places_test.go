//go:build long

package lab_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// place is a file that may hold a secret.
type place struct {
	host, path string // patterns
	mode       string // what others than its owner may do with it
	secret     string // which one: how its name begins
	why        string
}

// allowed is the whole list. Below a host's name stands its root disk, and under
// "disk" what is on a data volume.
var allowed = []place{
	{"*", "/etc/ssh/ssh_host_ed25519_key", "-rw-------", "the private key HOST-host-key", "sshd shows the host's own key"},
	{"*", "/var/lib/cloud/seed/nocloud/user-data", "-rw-------", "the private key HOST-host-key", "user data, as the instance gets it"},
	{"*", "/var/lib/cloud/instances/*/*", "-rw-------", "the private key HOST-host-key", "user data, as cloud-init keeps it for later boots"},
	{"*", "/var/lib/cloud/instances/*/obj.pkl", "-r--------", "the private key HOST-host-key", "user data, as cloud-init keeps it for later boots"},
	{"broker-*", "/etc/kafka/tls/node.key", "-rw-------", "the node's key", "made here, and root's alone"},
	{"broker-*", "/etc/kafka/tls/*.keystore.pem", "-rw-r-----", "the node's key", "Kafka's key stores: root:kafka"},
	{"bastion", "/etc/kafka/client.properties", "-rw-------", "the administrator's password", "Kafka's tools on the bastion, for root"},
}

func (p place) allows(host, path string, l leak, mode os.FileMode) bool {
	hostFits, _ := filepath.Match(p.host, host)
	pathFits, _ := filepath.Match(p.path, path)
	return hostFits && pathFits && mode.String() == p.mode && l.secret == strings.ReplaceAll(p.secret, "HOST", host)
}

// sweepHosts looks at the disks of every host from below: at all that it wrote
// above its image, and at its data volume, block by block, where what was removed
// may still be. Every allowed place has to be there, or the list is wrong.
func (s story) sweepHosts(t *testing.T, stack string, n *needles) {
	used := map[int]bool{}
	for host, instance := range s.instances(t, stack) {
		// What is not on the disk yet is not found there.
		s.ssh(t, stack, host, "sudo journalctl --sync; sync")
		root := filepath.Join(storiesLab, "hosts", instance, "upper")
		for _, l := range n.below(t, root) {
			path := strings.TrimPrefix(l.path, root)
			info, err := os.Lstat(l.path)
			if err != nil {
				continue
			}
			fits := false
			for i, p := range allowed {
				if p.allows(host, path, l, info.Mode()) {
					used[i], fits = true, true
				}
			}
			if !fits {
				t.Errorf("%s: %s (%s) has %s", host, path, info.Mode(), l.secret)
			}
		}
		if journal := s.ssh(t, stack, host, "sudo journalctl --no-pager --output=json --all"); len(n.in([]byte(journal))) > 0 {
			t.Errorf("%s: the journal has %v", host, n.in([]byte(journal)))
		}
	}
	for i, p := range allowed {
		if !used[i] {
			t.Errorf("no host has a secret in %s: the list is out of date", p.path)
		}
	}
	expectNone(t, n.below(t, filepath.Join(storiesLab, "volumes")))
}

// sweepLab looks at what the lab keeps beside hosts, disks and state. Its cloud
// holds the instances' user data, as AWS does.
func (s story) sweepLab(t *testing.T, n *needles) {
	entries, err := os.ReadDir(storiesLab)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		path := filepath.Join(storiesLab, entry.Name())
		switch entry.Name() {
		case "hosts", "volumes", "state":
			continue
		}
		if entry.Type().IsRegular() {
			found, err := n.inFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range found {
				t.Errorf("%s has %s", path, secret)
			}
			continue
		}
		if !entry.IsDir() {
			continue
		}
		inside, err := os.ReadDir(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(inside) == 0 {
			continue // an earlier story's, of golden images for one
		}
		for _, l := range n.below(t, path) {
			userData := strings.HasPrefix(l.secret, "the private key ") && strings.HasSuffix(l.secret, "-host-key")
			if entry.Name() != "cloud" || !userData {
				t.Errorf("%s has %s", l.path, l.secret)
			}
		}
	}
}

// leakIsFound: the sweep can fail. Three leaks are made on purpose, each in
// another form and place, and each is found.
func (s story) leakIsFound(t *testing.T, stack string, n *needles) {
	const secret = "the planted password"
	root := filepath.Join(storiesLab, "hosts", s.instances(t, stack)["bastion"], "upper")
	s.script(t, stack, "bastion", fmt.Sprintf("cat >/var/tmp/note.once <<'TEXT'\n%s\nTEXT\n"+
		"(printf 'x: '; cat /var/tmp/note.once) | base64 -w 30 >/var/tmp/note.base64\nod -An -v -tx1 /var/tmp/note.once | tr -d ' \\n' >/var/tmp/note.hex\nsync", plantedPassword))
	for _, path := range []string{"note.once", "note.base64", "note.hex"} {
		found, err := n.inFile(filepath.Join(root, "var/tmp", path))
		if err != nil || len(found) != 1 || found[0] != secret {
			t.Errorf("in %s there is %v, %v", path, found, err)
		}
	}
	watch := watchProcesses(t)
	s.script(t, stack, "bastion", fmt.Sprintf("rm /var/tmp/note.*\nLEAK='%s' timeout 2 sleep 1", strings.ReplaceAll(plantedPassword, "'", `'\''`)))
	eventually(t, "the leak in a process is seen", 5*time.Second, func() (bool, string) {
		return watch.holds(n, secret), "nothing"
	})
}
