package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"kraftstack/internal/fail"
)

const toolkit = "sudo -n /opt/kraftstack/kafka-node "

// CopyMetadata copies the metadata of the quorum from one of its voters: a tar.gz of the
// newest snapshot and the log behind it. It holds the users' salted passwords.
func CopyMetadata(ctx context.Context, out Outputs, voter int32) ([]byte, error) {
	var copied []byte
	err := eachOf(ctx, out, []int32{voter}, func(ctx context.Context, client *ssh.Client, node NodeOutput) (err error) {
		copied, err = run(ctx, client, toolkit+"backup")
		return onHost(err, node, "backup", "run it again; kraftstack status --stack "+out.Stack+" shows what is wrong with the quorum")
	})
	return copied, err
}

// RestoreMetadata gives a quorum that has lost its metadata that of a backup, and
// starts Kafka on all nodes but those that have none yet, which it names: up configures
// them, and finds their metadata then. directories are the voters' of the backup by their ids.
// Nothing is changed where a host does not answer (fail.Unreachable), or where a
// majority of those voters has its metadata still (fail.Gate): such a quorum has more
// than any backup. What nodes had before is kept on them.
func RestoreMetadata(ctx context.Context, out Outputs, archive []byte, directories map[int32]string) (waiting []string, err error) {
	if err := expectLost(ctx, out, directories); err != nil {
		return nil, err
	}
	var all []int32
	for _, node := range out.Nodes {
		all = append(all, int32(node.ID))
	}
	// All of them, before one is started: it might still find others as they were.
	err = eachOf(ctx, out, all, func(ctx context.Context, client *ssh.Client, node NodeOutput) error {
		command := fmt.Sprintf("%srestore --node-id=%d --cluster-id=%s", toolkit, node.ID, out.ClusterID)
		if directory := directories[int32(node.ID)]; directory != "" {
			command += " --directory-id=" + directory
		}
		_, err := runWith(ctx, client, command, bytes.NewReader(archive))
		return onHost(err, node, "restore", "mend the cause and run it again: no node was started")
	})
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	err = eachOf(ctx, out, all, func(ctx context.Context, client *ssh.Client, node NodeOutput) error {
		said, err := run(ctx, client, startIfThere)
		if strings.TrimSpace(string(said)) == "none" {
			mu.Lock()
			defer mu.Unlock()
			waiting = append(waiting, node.Name)
		}
		return onHost(err, node, "start", "look at: journalctl -u kafka.service; the metadata is in its place, so start Kafka there")
	})
	slices.Sort(waiting)
	return waiting, err
}

// startIfThere starts Kafka where up has configured it.
const startIfThere = "if [ -e /etc/systemd/system/kafka.service ]; then sudo -n systemctl start kafka.service; else echo none; fi"

// expectLost refuses a quorum that has metadata of its own to go on with.
func expectLost(ctx context.Context, out Outputs, directories map[int32]string) error {
	var voters []int32
	for _, node := range out.Nodes {
		if directories[int32(node.ID)] != "" {
			voters = append(voters, int32(node.ID))
		}
	}
	var mu sync.Mutex
	var kept []string
	err := eachOf(ctx, out, voters, func(ctx context.Context, client *ssh.Client, node NodeOutput) error {
		said, err := run(ctx, client, toolkit+"backup --look")
		mu.Lock()
		defer mu.Unlock()
		if strings.TrimSpace(string(said)) == "kept" {
			kept = append(kept, node.Name)
		}
		return onHost(err, node, "backup", "bring this host back first; nothing was changed")
	})
	switch {
	case err != nil:
		return err
	case len(voters) <= len(directories)/2:
		return &fail.Error{
			Cause: fail.Config, Op: fmt.Sprintf("restore the metadata of stack %s: %d of the backup's %d voters are in the stack, and that is no majority", out.Stack, len(voters), len(directories)),
			Next: "take a backup whose voters are the stack's: kraftstack backup list --stack " + out.Stack,
		}
	case len(kept) > len(directories)/2:
		return &fail.Error{
			Cause: fail.Gate, Op: "restore the metadata of stack " + out.Stack,
			Err:  fmt.Errorf("%s have it still, which is a majority: nothing was changed", strings.Join(kept, ", ")),
			Next: "start Kafka on these hosts, and the quorum goes on by itself with all it had: kraftstack status --stack " + out.Stack,
		}
	}
	return nil
}

// eachOf visits nodes, several at a time, over SSH. Every host is reached before the
// first is visited. The errors of all are in the result.
func eachOf(ctx context.Context, out Outputs, ids []int32, visit func(context.Context, *ssh.Client, NodeOutput) error) error {
	t, err := Dial(ctx, out)
	if err != nil {
		return err
	}
	defer func() { _ = t.Close() }()
	clients, errs := make([]*ssh.Client, len(out.Nodes)), make([]error, len(out.Nodes))
	wanted := map[int]bool{}
	for _, id := range ids {
		wanted[int(id)] = true
	}
	t.eachNode(func(i int, node NodeOutput) {
		if wanted[node.ID] {
			clients[i], errs[i] = t.Host(ctx, node)
		}
	})
	defer func() {
		for _, client := range clients {
			if client != nil {
				_ = client.Close()
			}
		}
	}()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	t.eachNode(func(i int, node NodeOutput) {
		if wanted[node.ID] {
			errs[i] = visit(ctx, clients[i], node)
		}
	})
	return errors.Join(errs...)
}

func onHost(err error, node NodeOutput, step, next string) error {
	if err == nil {
		return nil
	}
	return &fail.Error{Cause: fail.Step, Op: "run kafka-node", Host: node.Name, Step: step, Err: err, Next: next}
}
