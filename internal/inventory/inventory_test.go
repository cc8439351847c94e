package inventory

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kraftstack/internal/cluster"
	"kraftstack/tests/golden"
)

func outputs() cluster.Outputs {
	node := func(id int, name string, roles ...string) cluster.NodeOutput {
		return cluster.NodeOutput{
			ID: id, Name: name, Host: name + ".dev.kafka.internal", PrivateIP: "10.0.0." + name[len(name)-1:], Zone: "us-east-1a",
			Instance: "i-" + name, HostKey: "ssh-ed25519 AAAA" + name + "\n", Roles: roles,
		}
	}
	return cluster.Outputs{
		Stack: "dev", Region: "us-east-1", ClusterID: "kFYQSxRHSt-Zo_98bEpxzQ", PrivateKey: "private key\n",
		Bastion: cluster.SSHHost{Address: "203.0.113.7", User: "ubuntu", HostKey: "ssh-ed25519 AAAAbastion\n"},
		Nodes: []cluster.NodeOutput{
			node(1, "controller-1", cluster.RoleController), node(1001, "broker-1001", cluster.RoleController, cluster.RoleBroker),
			node(1002, "broker-1002", cluster.RoleBroker),
		},
		BootstrapServers: []string{"broker-1001.dev.kafka.internal:9092"},
	}
}

func TestFormats(t *testing.T) {
	files := Files{"/project/.kraftstack/inventory/dev"}
	inward := outputs()
	inward.Bastion, inward.Profile = cluster.SSHHost{User: "ubuntu"}, "ours"
	for name, write := range map[string]func(*bytes.Buffer) error{
		"ansible.yml": func(b *bytes.Buffer) error { return files.Ansible(b, outputs()) },
		"ssh_config":  func(b *bytes.Buffer) error { files.SSHConfig(b, outputs()); return nil },
		"hosts.json":  func(b *bytes.Buffer) error { return JSON(b, outputs()) },

		"ansible-without-bastion.yml": func(b *bytes.Buffer) error { return files.Ansible(b, inward) },
		"ssh_config-without-bastion":  func(b *bytes.Buffer) error { files.SSHConfig(b, inward); return nil },
		"hosts-without-bastion.json":  func(b *bytes.Buffer) error { return JSON(b, inward) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, name, b.String())
		if strings.Contains(b.String(), "private key") {
			t.Errorf("%s holds the SSH key", name)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	for range 2 { // the second time over the first one's files
		if _, err := Write(dir, outputs()); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Fatalf("the folder has %v (%v), want three files", entries, err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "id"), filepath.Join(dir, "ssh_config")} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %o: others can read it", path, mode)
		}
	}
	if key, err := os.ReadFile(filepath.Join(dir, "id")); err != nil || string(key) != "private key\n" {
		t.Errorf("the key's file holds %q (%v)", key, err)
	}
	if _, err := Write(filepath.Join(t.TempDir(), "with blank"), outputs()); err == nil {
		t.Error("a folder that ssh_config cannot name was taken")
	}
}
