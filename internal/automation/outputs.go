package automation

import (
	"context"
	"encoding/json"
	"errors"

	"kraftstack/internal/cluster"
	"kraftstack/internal/fail"
)

// exported mirrors what program exports. A test compares the two.
type exported struct {
	Region  string `json:"region"`
	Bastion struct {
		Address string `json:"address"`
		User    string `json:"user"`
		HostKey string `json:"hostKey"`
	} `json:"bastion"`
	SessionManager struct {
		User string `json:"user"`
	} `json:"sessionManager"`
	PrivateKey string `json:"sshPrivateKey"`
	ClusterID  string `json:"clusterId"`
	Nodes      []struct {
		ID        int      `json:"id"`
		Name      string   `json:"name"`
		Host      string   `json:"host"`
		PrivateIP string   `json:"privateIp"`
		Zone      string   `json:"zone"`
		Instance  string   `json:"instance"`
		HostKey   string   `json:"hostKey"`
		Roles     []string `json:"roles"`
	} `json:"nodes"`
	BootstrapServers []string `json:"bootstrapServers"`
	Clients          string   `json:"clients"`
	CACertificate    string   `json:"caCertificate"`
	AdminUser        string   `json:"adminUser"`
	Users            []struct {
		Name           string   `json:"name"`
		Authentication string   `json:"authentication"`
		Rules          []string `json:"rules"`
	} `json:"users"`
	UserLogins      map[string]string `json:"userLogins"`
	AdminLogin      string            `json:"adminLogin"`
	CertificatesEnd string            `json:"certificatesEnd"`
	CertificatesDue string            `json:"certificatesDue"`
}

// Outputs reads what the live view needs from a deployed stack's outputs, in
// one run of the CLI: the Automation API's own way takes three, and people
// wait for this one.
func Outputs(ctx context.Context, dir, stack string) (cluster.Outputs, error) {
	op := "read the outputs of stack " + stack
	text, err := ask(ctx, dir, op, stack, "stack", "output", "--json", "--show-secrets", "--stack", stack)
	if err != nil {
		return cluster.Outputs{}, err
	}
	out, err := decode(stack, []byte(text))
	if err == nil && !out.HasBastion() {
		var values map[string]string
		values, err = Config(dir, stack)
		out.Profile = values["aws:profile"]
	}
	return out, err
}

func decode(stack string, text []byte) (cluster.Outputs, error) {
	var out exported
	if err := json.Unmarshal(text, &out); err != nil {
		// The text holds secrets: an error about it must not quote it.
		return cluster.Outputs{}, &fail.Error{
			Cause: fail.Config, Op: "read the outputs of stack " + stack, Err: errors.New("they are not as this version exports them"),
			Next: "kraftstack up --stack " + stack,
		}
	}
	if len(out.Nodes) == 0 || out.Bastion.Address == "" && out.SessionManager.User == "" {
		return cluster.Outputs{}, notDeployed(stack)
	}
	if out.Bastion.Address == "" {
		out.Bastion.User = out.SessionManager.User
	}
	outputs := cluster.Outputs{
		Stack: stack, Region: out.Region, PrivateKey: cluster.Secret(out.PrivateKey),
		Bastion:          cluster.SSHHost{Address: out.Bastion.Address, User: out.Bastion.User, HostKey: out.Bastion.HostKey},
		BootstrapServers: out.BootstrapServers, ClusterID: out.ClusterID,
		Access: cluster.Access{
			Clients: out.Clients, CA: out.CACertificate,
			User: out.AdminUser, Login: cluster.Secret(out.AdminLogin),
			CertificatesEnd: out.CertificatesEnd, CertificatesDue: out.CertificatesDue,
		},
	}
	for _, n := range out.Nodes {
		outputs.Nodes = append(outputs.Nodes, cluster.NodeOutput{
			ID: n.ID, Name: n.Name, Host: n.Host, PrivateIP: n.PrivateIP, Zone: n.Zone,
			Instance: n.Instance, HostKey: n.HostKey, Roles: n.Roles,
		})
	}
	for _, u := range out.Users {
		outputs.Users = append(outputs.Users, cluster.UserOutput{
			Name: u.Name, Authentication: u.Authentication, Rules: u.Rules, Login: cluster.Secret(out.UserLogins[u.Name]),
		})
	}
	return outputs, nil
}
