package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"kraftstack/config"
	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
	"kraftstack/render"
)

// playbook runs bench/ansible on the hosts of a site.
type playbook struct {
	*site
	programs string // folder of ansible-playbook
	dir      string // inventory, keys, what Ansible keeps; each run has its own connections
}

// newPlaybook writes what the playbook needs to know: how to reach the hosts,
// with the stack's own keys pinned, and what the nodes are.
func newPlaybook(s *site, programs string) (*playbook, error) {
	b := &playbook{site: s, programs: programs, dir: filepath.Join(s.dir, "ansible")}
	inventory, err := b.inventory()
	if err != nil {
		return nil, err
	}
	return b, writeFiles(b.dir, map[string]string{
		"inventory.yml": inventory,
		"ssh_config":    b.sshConfig(),
		"known_hosts":   b.knownHosts(),
		"key":           s.outputs.PrivateKey.Reveal(),
	})
}

// inventory gives the nodes the identities that kraftstack makes in its graph.
func (b *playbook) inventory() (string, error) {
	values, err := automation.Config(b.site.dir, b.stack)
	if err != nil {
		return "", err
	}
	stack, err := config.LoadFile(b.stack, values)
	if err != nil {
		return "", err
	}
	ids := map[int]string{}
	hosts := map[string]any{}
	for i, node := range b.outputs.Nodes {
		ids[node.ID] = render.UUID([]byte(fmt.Sprintf("directory-%06d", i)))
		hosts[node.Name] = map[string]any{
			"node_id": node.ID, "node_host": node.Host, "rack": node.Zone, "data_device": device(b.volumes[node.Name]),
		}
	}
	text, err := yaml.Marshal(map[string]any{"kafka": map[string]any{
		"hosts": hosts,
		"vars": map[string]any{
			"kafka_version": stack.Kafka.Version, "kafka_url": stack.Kafka.ArchiveURL, "kafka_heap": stack.Kafka.Heap,
			"cluster_id": b.outputs.ClusterID, "initial_controllers": render.InitialControllers(stack, ids),
			// Nodes reach each other at the nodes' port alone: the firewall is ours.
			"bootstrap_servers": b.servers(render.NodesPort), "quorum_servers": b.servers(render.ControllerPort),
			"node_count": len(hosts),
		},
	}})
	return string(text), err
}

// servers are all nodes at one of their ports.
func (b *playbook) servers(port int) string {
	clients, wanted := fmt.Sprintf(":%d", render.ClientsPort), fmt.Sprintf(":%d", port)
	return strings.ReplaceAll(strings.Join(b.outputs.BootstrapServers, ","), clients, wanted)
}

// sshConfig makes every host reachable by its name, through the bastion. One
// connection to the bastion carries all others.
func (b *playbook) sshConfig() string {
	var text strings.Builder
	fmt.Fprintf(&text, `Host *
  User %s
  IdentityFile %s
  IdentitiesOnly yes
  UserKnownHostsFile %s
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  LogLevel ERROR

Host bastion
  HostName %s
  HostKeyAlias bastion
  ControlMaster auto
  ControlPersist 60s
  ControlPath %s
`, b.outputs.Bastion.User, b.path("key"), b.path("known_hosts"), b.outputs.Bastion.Address, b.path("cp/bastion"))
	for _, node := range b.outputs.Nodes {
		fmt.Fprintf(&text, "\nHost %s\n  HostName %s\n  HostKeyAlias %s\n  ProxyJump bastion\n", node.Name, node.PrivateIP, node.Name)
	}
	return text.String()
}

// knownHosts pins the keys that the stack gave its hosts.
func (b *playbook) knownHosts() string {
	line := func(name, key string) string { return name + " " + strings.TrimSpace(key) + "\n" }
	var text strings.Builder
	text.WriteString(line("bastion", b.outputs.Bastion.HostKey))
	for _, node := range b.outputs.Nodes {
		text.WriteString(line(node.Name, node.HostKey))
	}
	return text.String()
}

func (b *playbook) path(name string) string { return filepath.Join(b.dir, name) }

// run installs Kafka.
func (b *playbook) run(ctx context.Context) (changed bool, err error) {
	return b.play(ctx, "kafka.yml")
}

// play plays one playbook once, with new connections, and tells whether it changed
// anything.
func (b *playbook) play(ctx context.Context, name string) (changed bool, err error) {
	if err := os.MkdirAll(b.path("cp"), 0o700); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, b.hangUp(ctx)) }()
	source := filepath.Join(b.source, ansibleDir)
	cmd := exec.CommandContext(ctx, filepath.Join(b.programs, "ansible-playbook"),
		"--inventory", b.path("inventory.yml"), filepath.Join(source, name))
	cmd.Dir = source
	cmd.Env = append(os.Environ(),
		"ANSIBLE_CONFIG="+filepath.Join(source, "ansible.cfg"),
		"ANSIBLE_HOME="+b.path("home"),
		"ANSIBLE_SSH_ARGS=-F "+b.path("ssh_config")+" -o ControlMaster=auto -o ControlPersist=60s",
		"ANSIBLE_SSH_CONTROL_PATH_DIR="+b.path("cp"),
		"LC_ALL=C.UTF-8",
	)
	text, err := cmd.CombinedOutput()
	if err != nil {
		return false, fmt.Errorf("the playbook failed: %w\n%s", err, tail(string(text), 40))
	}
	return changedHosts(string(text), b.outputs.Nodes)
}

// changedHosts reads the recap that Ansible ends with.
func changedHosts(text string, nodes []cluster.NodeOutput) (bool, error) {
	_, recap, found := strings.Cut(text, "PLAY RECAP")
	seen, changed := 0, false
	for line := range strings.Lines(recap) {
		if !strings.Contains(line, "changed=") {
			continue
		}
		seen++
		changed = changed || !strings.Contains(line, "changed=0 ")
	}
	if !found || seen != len(nodes) {
		return false, fmt.Errorf("the playbook's recap names %d hosts, not %d", seen, len(nodes))
	}
	return changed, nil
}

// hangUp ends the connections that Ansible left open, so that the next run
// begins without any, as it would on another day.
func (b *playbook) hangUp(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	sockets, err := filepath.Glob(b.path("cp/*"))
	if err != nil {
		return err
	}
	for _, socket := range sockets {
		// A connection that has just ended by itself is no error.
		_ = exec.CommandContext(ctx, "ssh", "-F", b.path("ssh_config"), "-o", "ControlPath="+socket, "-O", "exit", "bastion").Run()
	}
	return os.RemoveAll(b.path("cp"))
}
