package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"kraftstack/internal/fail"
)

const (
	checkCommand = "sudo -n /opt/kraftstack/kafka-node check"
	checksAtOnce = 8 // below sshd's MaxStartups of 10 on the way through the bastion
)

// checkHosts asks every host for its generation, several at a time. A host
// that cannot be asked is in the list with the reason.
func (t *Tunnel) checkHosts(ctx context.Context) []HostView {
	views := make([]HostView, len(t.outputs.Nodes))
	var group errgroup.Group
	group.SetLimit(checksAtOnce)
	for i, node := range t.outputs.Nodes {
		group.Go(func() error {
			view, err := t.checkHost(ctx, node)
			if err != nil {
				view = HostView{Error: reason(err)}
			}
			view.Name = node.Name
			views[i] = view
			return nil
		})
	}
	_ = group.Wait() // no check returns an error: it is in the view
	return views
}

func (t *Tunnel) checkHost(ctx context.Context, node NodeOutput) (HostView, error) {
	client, err := t.Host(ctx, node)
	if err != nil {
		return HostView{}, err
	}
	defer func() { _ = client.Close() }()
	out, err := run(ctx, client, checkCommand)
	// check exits with an error when the host is not as wanted, and still
	// prints what it saw.
	var found checked
	if json.Unmarshal(out, &found) == nil && found.Service != "" {
		return found.view(), nil
	}
	if err != nil {
		return HostView{}, err
	}
	return HostView{}, errors.New("kafka-node check printed no service state")
}

// checked is what kafka-node check prints. What is not needed here is left
// out; what is needed and missing shows as a difference.
type checked struct {
	OK         bool `json:"ok"`
	Generation struct {
		Wanted  string `json:"wanted"`
		Running string `json:"running"`
	} `json:"generation"`
	Service string `json:"service"`
	Version string `json:"version"`
	Files   []struct {
		Path string `json:"path"`
		OK   bool   `json:"ok"`
		Why  string `json:"why"`
	} `json:"files"`
	Volume struct {
		ID      string `json:"id"`
		Mounted bool   `json:"mounted"`
	} `json:"volume"`
	Storage struct {
		OK  bool   `json:"ok"`
		Why string `json:"why"`
	} `json:"storage"`
}

func (c checked) view() HostView {
	v := HostView{GenerationWanted: c.Generation.Wanted, GenerationRunning: c.Generation.Running, Service: c.Service, Version: c.Version}
	for _, f := range c.Files {
		if !f.OK {
			v.Differs = append(v.Differs, f.Path+" "+f.Why)
		}
	}
	if !c.Volume.Mounted {
		v.Differs = append(v.Differs, "the data volume is not mounted")
	}
	if !c.Storage.OK {
		v.Differs = append(v.Differs, c.Storage.Why)
	}
	if !c.OK && len(v.Differs) == 0 && v.Service == "active" && v.GenerationWanted != "" && v.GenerationWanted == v.GenerationRunning {
		v.Differs = append(v.Differs, "kafka-node check says so and does not say why")
	}
	return v
}

// run runs a command to its end and returns its output. The error of a command
// that fails holds the last line it wrote to standard error.
func run(ctx context.Context, client *ssh.Client, command string) ([]byte, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	defer func() { _ = session.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	var stdout, stderr bytes.Buffer
	session.Stdout, session.Stderr = &stdout, &stderr
	err = session.Run(command)
	if err != nil && ctx.Err() != nil {
		return stdout.Bytes(), errors.New("no answer in time")
	}
	if lines := strings.Split(strings.TrimSpace(stderr.String()), "\n"); err != nil && lines[0] != "" {
		err = errors.New(lines[len(lines)-1])
	}
	return stdout.Bytes(), err
}

// reason is an error without the host and step that the view shows anyway.
func reason(err error) string {
	var known *fail.Error
	if errors.As(err, &known) && known.Err != nil {
		return known.Err.Error()
	}
	return err.Error()
}
