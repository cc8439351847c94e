package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"kraftstack/internal/fail"
)

const (
	checkCommand = "sudo -n /opt/kraftstack/kafka-node check"
	checksAtOnce = 8 // below sshd's MaxStartups of 10 on the way through the bastion
)

// checkHosts asks every node for its generation, several at a time. A node
// that cannot be asked is in the list with the reason.
func (t *Tunnel) checkHosts(ctx context.Context) []HostView {
	views := make([]HostView, len(t.outputs.Nodes))
	t.eachNode(func(i int, node NodeOutput) {
		found, err := t.checkNode(ctx, node)
		view := found.view()
		if err != nil {
			view = HostView{Error: reason(err)}
		}
		view.Name = node.Name
		views[i] = view
	})
	return views
}

// eachNode visits the nodes, several at a time.
func (t *Tunnel) eachNode(visit func(i int, node NodeOutput)) {
	var group errgroup.Group
	group.SetLimit(checksAtOnce)
	for i, node := range t.outputs.Nodes {
		group.Go(func() error {
			visit(i, node)
			return nil
		})
	}
	_ = group.Wait() // no visit returns an error
}

func (t *Tunnel) checkNode(ctx context.Context, node NodeOutput) (checked, error) {
	client, err := t.Host(ctx, node)
	if err != nil {
		return checked{}, err
	}
	defer func() { _ = client.Close() }()
	return check(ctx, client, checkCommand)
}

// check runs kafka-node check on a host.
func check(ctx context.Context, client *ssh.Client, command string) (checked, error) {
	out, err := run(ctx, client, command)
	// check exits with an error when the host is not as wanted, and still
	// prints what it saw.
	var found checked
	if json.Unmarshal(out, &found) == nil && found.Toolkit != "" {
		return found, nil
	}
	if err == nil {
		err = errors.New("kafka-node check printed no account of the host")
	}
	return checked{}, err
}

// checked is what kafka-node check prints. What is not needed here is left out.
type checked struct {
	OK         bool   `json:"ok"`
	Toolkit    string `json:"toolkit"` // SHA-256 of the toolkit itself
	Generation struct {
		Wanted  string `json:"wanted"`
		Running string `json:"running"`
	} `json:"generation"`
	Service string `json:"service"`
	Version string `json:"version"`
	Logins  []struct {
		User string `json:"user"`
		Key  string `json:"key"`
	} `json:"logins"`
	Drift []Drift `json:"drift"`
}

func (c checked) view() HostView {
	v := HostView{GenerationWanted: c.Generation.Wanted, GenerationRunning: c.Generation.Running, Service: c.Service, Version: c.Version}
	for _, d := range c.Drift {
		// These two are fields of their own.
		if d.Kind != driftService && d.Kind != driftGeneration {
			v.Differs = append(v.Differs, d.What+": "+d.Why)
		}
	}
	return v
}

// run runs a command to its end and returns its output. The error of a command
// that fails holds the last line it wrote to standard error.
func run(ctx context.Context, client *ssh.Client, command string) ([]byte, error) {
	return runWith(ctx, client, command, nil)
}

// runWith is run with something on the command's standard input.
func runWith(ctx context.Context, client *ssh.Client, command string, input io.Reader) ([]byte, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	defer func() { _ = session.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	var stdout, stderr bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = input, &stdout, &stderr
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
