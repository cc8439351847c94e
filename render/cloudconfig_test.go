package render

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"kraftstack/tests/golden"
)

// fakeKey has the form of a host key and is none.
const fakeKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"

func TestCloudConfig(t *testing.T) {
	text := CloudConfig(Login{FQDN: "broker-1001.lab.kafka.internal", User: "ubuntu", HostKey: fakeKey, HostKeyPublic: "ssh-ed25519 AAAA host\n"})
	golden.Compare(t, "cloud-config.yaml", text)
	if len(text) > MaxUserData/2 {
		t.Errorf("user data has %d bytes: too near to EC2's %d", len(text), MaxUserData)
	}
	if !strings.HasPrefix(text, "#cloud-config\n") {
		t.Error("cloud-init would not take this for its own")
	}
	var back map[string]any
	if err := yaml.Unmarshal([]byte(text), &back); err != nil {
		t.Fatal(err)
	}
	keys, _ := back["ssh_keys"].(map[string]any)
	if keys["ed25519_private"] != fakeKey || keys["ed25519_public"] != "ssh-ed25519 AAAA host" || len(keys) != 2 {
		t.Errorf("keys come back as %v", keys)
	}
	if back["hostname"] != "broker-1001" || back["fqdn"] != "broker-1001.lab.kafka.internal" {
		t.Errorf("names come back as %v, %v", back["hostname"], back["fqdn"])
	}
}

// Text that YAML could take for something else stays text.
func TestCloudConfigIsNotPasted(t *testing.T) {
	var back cloudConfig
	text := CloudConfig(Login{FQDN: "yes: [a].b", User: "x", HostKey: "k\n  : x\n", HostKeyPublic: "# {{ no template }}"})
	if err := yaml.Unmarshal([]byte(text), &back); err != nil {
		t.Fatal(err)
	}
	if back.FQDN != "yes: [a].b" || back.SSHKeys["ed25519_private"] != "k\n  : x\n" || back.SSHKeys["ed25519_public"] != "# {{ no template }}" {
		t.Errorf("comes back as %+v", back)
	}
}

// Only the hop forwards, and only what a client asks for.
func TestSSHDConfig(t *testing.T) {
	node, hop := SSHDConfig(Login{User: "ubuntu"}), SSHDConfig(Login{User: "ec2-user", Hop: true})
	for text, lines := range map[string][]string{
		node: {"AllowUsers ubuntu", "AllowTcpForwarding no"},
		hop:  {"AllowUsers ec2-user", "AllowTcpForwarding local"},
	} {
		for _, line := range lines {
			if !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("no line %q in:\n%s", line, text)
			}
		}
	}
}

func TestUUID(t *testing.T) {
	form := regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{21}$`)
	seen := map[string]bool{}
	for i := range 5000 {
		id := UUID([]byte(fmt.Sprint("lab", i)))
		if !form.MatchString(id) {
			t.Fatalf("seed %d gives %q", i, id)
		}
		if seen[id] {
			t.Fatalf("seed %d gives %q again", i, id)
		}
		seen[id] = true
		raw, err := base64.RawURLEncoding.DecodeString(id)
		if err != nil || len(raw) != 16 {
			t.Fatalf("%q has %d bytes, %v", id, len(raw), err)
		}
		// Kafka reserves 0 to 99; see org.apache.kafka.common.Uuid.
		if raw[6]>>4 != 4 || raw[8]>>6 != 2 || binary.BigEndian.Uint64(raw) == 0 {
			t.Fatalf("%q is no version 4 UUID", id)
		}
	}
	if id := UUID([]byte("lab0")); !seen[id] {
		t.Errorf("the same seed gives another id, %q", id)
	}
}
