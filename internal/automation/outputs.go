package automation

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"

	"kraftstack/internal/cluster"
)

// exported mirrors what program exports. A test compares the two.
type exported struct {
	Region  string `json:"region"`
	Bastion struct {
		Address string `json:"address"`
		User    string `json:"user"`
		HostKey string `json:"hostKey"`
	} `json:"bastion"`
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
}

// Outputs reads what the live view needs from a deployed stack's outputs.
func Outputs(ctx context.Context, dir, stack string) (cluster.Outputs, error) {
	cli, err := newCommand(ctx)
	if err != nil {
		return cluster.Outputs{}, err
	}
	workspace, err := auto.NewLocalWorkspace(ctx, auto.WorkDir(dir), auto.Pulumi(cli))
	if err != nil {
		return cluster.Outputs{}, Classify("read the outputs of stack "+stack, err, nil)
	}
	values, err := workspace.StackOutputs(ctx, stack)
	if auto.IsSelectStack404Error(err) {
		return cluster.Outputs{}, notDeployed(stack)
	}
	if err != nil {
		return cluster.Outputs{}, Classify("read the outputs of stack "+stack, err, nil)
	}
	return decode(stack, values)
}

func decode(stack string, values auto.OutputMap) (cluster.Outputs, error) {
	raw := map[string]any{}
	for name, value := range values {
		raw[name] = value.Value
	}
	text, err := json.Marshal(raw)
	if err != nil {
		return cluster.Outputs{}, fmt.Errorf("encode the outputs of stack %s: %w", stack, err)
	}
	var out exported
	if err := json.Unmarshal(text, &out); err != nil {
		return cluster.Outputs{}, fmt.Errorf("decode the outputs of stack %s: %w", stack, err)
	}
	if len(out.Nodes) == 0 || out.Bastion.Address == "" {
		return cluster.Outputs{}, notDeployed(stack)
	}
	outputs := cluster.Outputs{
		Stack: stack, Region: out.Region, PrivateKey: cluster.Secret(out.PrivateKey),
		Bastion:          cluster.SSHHost{Address: out.Bastion.Address, User: out.Bastion.User, HostKey: out.Bastion.HostKey},
		BootstrapServers: out.BootstrapServers, ClusterID: out.ClusterID,
	}
	for _, n := range out.Nodes {
		outputs.Nodes = append(outputs.Nodes, cluster.NodeOutput{
			ID: n.ID, Name: n.Name, Host: n.Host, PrivateIP: n.PrivateIP, Zone: n.Zone,
			Instance: n.Instance, HostKey: n.HostKey, Roles: n.Roles,
		})
	}
	return outputs, nil
}
