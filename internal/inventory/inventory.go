// Package inventory hands a stack's hosts to other tools: Ansible, OpenSSH, and
// whatever reads JSON.
package inventory

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"kraftstack/internal/cluster"
	"kraftstack/sessionmanager"
)

// The names of the files in an inventory's folder.
const (
	keyFile    = "id"          // the stack's SSH key, for its owner alone
	trustFile  = "known_hosts" // the host keys that the stack gave its hosts
	configFile = "ssh_config"
)

// Files are what OpenSSH needs to reach a stack's hosts, in one folder.
type Files struct{ dir string }

// Write puts the stack's SSH key, its host keys and an ssh_config into a folder
// that only its owner can read. Files of an earlier run are replaced.
func Write(dir string, out cluster.Outputs) (Files, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Files{}, fmt.Errorf("find the inventory's folder: %w", err)
	}
	if strings.ContainsAny(dir, "\"'\n\\ ") {
		return Files{}, fmt.Errorf("the inventory's folder %q has a blank or a quote in its name, which ssh's files cannot say", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Files{}, fmt.Errorf("make the inventory's folder: %w", err)
	}
	f := Files{dir}
	var config strings.Builder
	f.SSHConfig(&config, out)
	for _, file := range []struct{ name, text string }{
		{keyFile, strings.TrimRight(out.PrivateKey.Reveal(), "\n") + "\n"},
		{trustFile, knownHosts(out)},
		{configFile, config.String()},
	} {
		if err := replace(filepath.Join(dir, file.name), file.text); err != nil {
			return Files{}, fmt.Errorf("write the inventory's %s: %w", file.name, err)
		}
	}
	return f, nil
}

// replace writes a file that its owner alone may read, whole or not at all.
func replace(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-") // 0600
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// bastionName is how a stack's bastion is called beside its nodes.
const bastionName = "bastion"

// knownHosts lists the hosts by the names that ssh_config calls them, so that a
// host that is replaced keeps its line.
func knownHosts(out cluster.Outputs) string {
	var b strings.Builder
	if out.HasBastion() {
		fmt.Fprintf(&b, "%s.%s %s\n", bastionName, out.Stack, strings.TrimSpace(out.Bastion.HostKey))
	}
	for _, n := range out.Nodes {
		fmt.Fprintf(&b, "%s.%s %s\n", n.Name, out.Stack, strings.TrimSpace(n.HostKey))
	}
	return b.String()
}

// SSHConfig prints an ssh_config by which every host is reachable by its name,
// nodes through the bastion. Host keys are those of the stack: nothing is trusted
// at first sight.
func (f Files) SSHConfig(w io.Writer, out cluster.Outputs) {
	fmt.Fprintf(w, "# Hosts of Kafka stack %s. Made by: kraftstack inventory --stack %[1]s --format ssh-config\n", out.Stack)
	names := nodeNames(out)
	if out.HasBastion() {
		names = append([]string{bastionName}, names...)
		address, port, err := net.SplitHostPort(out.Bastion.Address)
		if err != nil {
			address, port = out.Bastion.Address, "22"
		}
		f.host(w, out, bastionName, address, "")
		fmt.Fprintf(w, "  Port %s\n", port)
	}
	for _, n := range out.Nodes {
		if out.HasBastion() {
			f.host(w, out, n.Name, n.PrivateIP, n.Host)
			fmt.Fprintf(w, "  ProxyJump %s.%s\n", bastionName, out.Stack)
		} else {
			f.host(w, out, n.Name, n.Instance, n.Host)
			fmt.Fprintf(w, "  ProxyCommand %s\n", sessionCommand(out))
		}
	}
	fmt.Fprintf(w, "\nHost *.%s *.%[1]s.kafka.internal %s\n", out.Stack, strings.Join(names, " "))
	fmt.Fprintf(w, "  User %s\n  IdentityFile %s\n  UserKnownHostsFile %s\n", out.Bastion.User, filepath.Join(f.dir, keyFile), filepath.Join(f.dir, trustFile))
	fmt.Fprint(w, "  IdentitiesOnly yes\n  IdentityAgent none\n  StrictHostKeyChecking yes\n  CheckHostIP no\n  ConnectTimeout 15\n")
}

// sessionCommand is AWS's own way of SSH through Session Manager, which takes its
// command line interface and its session-manager-plugin (Systems Manager user
// guide, "Allow and control permissions for SSH connections through Session Manager").
func sessionCommand(out cluster.Outputs) string {
	command := "aws ssm start-session --target %h --document-name " + sessionmanager.Document + " --parameters portNumber=%p --region " + out.Region
	if out.Profile != "" {
		command += " --profile " + out.Profile
	}
	return command
}

// host begins a host's block under its short name, its name within all stacks,
// and its DNS name if it has one.
func (Files) host(w io.Writer, out cluster.Outputs, name, address, fqdn string) {
	names := strings.TrimSpace(name + " " + name + "." + out.Stack + " " + fqdn)
	fmt.Fprintf(w, "\nHost %s\n  HostName %s\n  HostKeyAlias %s.%s\n", names, address, name, out.Stack)
}

func nodeNames(out cluster.Outputs) []string {
	var names []string
	for _, n := range out.Nodes {
		names = append(names, n.Name)
	}
	return names
}

// group is a group of Ansible's inventory.
type group struct {
	Hosts    map[string]map[string]any `yaml:"hosts,omitempty"`
	Children map[string]group          `yaml:"children,omitempty"`
	Vars     map[string]any            `yaml:"vars,omitempty"`
}

// Ansible prints an inventory in YAML: the groups bastion, controllers and
// brokers, the last two in kafka. Ansible connects with the ssh_config that
// Write has made.
func (f Files) Ansible(w io.Writer, out cluster.Outputs) error {
	controllers, brokers := map[string]map[string]any{}, map[string]map[string]any{}
	for _, n := range out.Nodes {
		vars := map[string]any{
			"ansible_host": n.Name + "." + out.Stack, "kafka_node_id": n.ID, "kafka_host": n.Host, "private_ip": n.PrivateIP,
			"availability_zone": n.Zone, "instance_id": n.Instance, "kafka_roles": n.Roles,
		}
		// A host that is both has its variables in one of the two groups.
		if n.Is(cluster.RoleBroker) {
			brokers[n.Name] = vars
			vars = nil
		}
		if n.Is(cluster.RoleController) {
			controllers[n.Name] = vars
		}
	}
	all := map[string]group{"all": {
		Vars: map[string]any{
			"ansible_user":            out.Bastion.User,
			"ansible_ssh_common_args": "-F " + filepath.Join(f.dir, configFile),
			"ansible_become_method":   "sudo",
			"kafka_stack":             out.Stack, "kafka_cluster_id": out.ClusterID, "kafka_bootstrap_servers": out.BootstrapServers,
		},
		Children: map[string]group{
			"kafka": {Children: map[string]group{"controllers": {Hosts: controllers}, "brokers": {Hosts: brokers}}},
		},
	}}
	if out.HasBastion() {
		all["all"].Children[bastionName] = group{Hosts: map[string]map[string]any{bastionName: {"ansible_host": bastionName + "." + out.Stack}}}
	}
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(all); err != nil {
		return fmt.Errorf("write the inventory: %w", err)
	}
	return encoder.Close()
}

// document is the inventory as JSON. Its names do not change.
type document struct {
	Stack            string   `json:"stack"`
	Region           string   `json:"region"`
	ClusterID        string   `json:"clusterId"`
	BootstrapServers []string `json:"bootstrapServers"`
	User             string   `json:"user"`
	Hosts            []host   `json:"hosts"`
}

type host struct {
	Name      string   `json:"name"`
	Roles     []string `json:"roles"`
	Address   string   `json:"address"` // the bastion's public one, a node's private one
	HostKey   string   `json:"hostKey"`
	Through   string   `json:"through,omitempty"` // the host that SSH passes through, or session-manager
	NodeID    int      `json:"nodeId,omitempty"`
	FQDN      string   `json:"fqdn,omitempty"`
	Zone      string   `json:"zone,omitempty"`
	Instance  string   `json:"instance,omitempty"`
	PrivateIP string   `json:"privateIp,omitempty"`
}

// JSON prints the hosts without any secret, for programs.
func JSON(w io.Writer, out cluster.Outputs) error {
	d := document{
		Stack: out.Stack, Region: out.Region, ClusterID: out.ClusterID, BootstrapServers: out.BootstrapServers, User: out.Bastion.User,
		Hosts: []host{},
	}
	through := "session-manager"
	if out.HasBastion() {
		through = bastionName
		d.Hosts = append(d.Hosts, host{Name: bastionName, Roles: []string{bastionName}, Address: out.Bastion.Address, HostKey: strings.TrimSpace(out.Bastion.HostKey)})
	}
	for _, n := range out.Nodes {
		d.Hosts = append(d.Hosts, host{
			Name: n.Name, Roles: n.Roles, Address: n.PrivateIP, HostKey: strings.TrimSpace(n.HostKey), Through: through,
			NodeID: n.ID, FQDN: n.Host, Zone: n.Zone, Instance: n.Instance, PrivateIP: n.PrivateIP,
		})
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(d)
}
