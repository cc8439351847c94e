package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"

	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
	"kraftstack/program"
)

// bootTimeout bounds the time until every host of a new stack has booted.
const bootTimeout = 3 * time.Minute

// site is one stack whose hosts have booted and run nothing of ours yet.
type site struct {
	*bench
	stack   string
	dir     string
	outputs cluster.Outputs
	volumes map[string]string // by node name
	tunnel  *cluster.Tunnel
}

// raise makes a stack without the steps that run on hosts, which is the same
// for both sides, and returns when all its hosts have booted. The caller calls
// raze, whatever the error.
func (b *bench) raise(ctx context.Context, stack string, changes map[string]string) (*site, error) {
	s := &site{bench: b, stack: stack, dir: filepath.Join(b.work, stack), volumes: map[string]string{}}
	if err := b.project(s.dir, stack, changes); err != nil {
		return s, err
	}
	inner, err := auto.UpsertStackInlineSource(ctx, stack, "kraftstack", program.Deploy, auto.WorkDir(s.dir))
	if err != nil {
		return s, fmt.Errorf("open stack %s: %w", stack, err)
	}
	made, err := inner.Up(ctx, optup.Exclude([]string{"**command:remote:Command::*"}),
		optup.ProgressStreams(io.Discard), optup.ErrorProgressStreams(b.out))
	if err != nil {
		return s, fmt.Errorf("make the hosts of stack %s: %w", stack, err)
	}
	if s.outputs, err = automation.Outputs(ctx, s.dir, stack); err != nil {
		return s, err
	}
	nodes, _ := made.Outputs["nodes"].Value.([]any)
	for _, node := range nodes {
		if n, ok := node.(map[string]any); ok {
			s.volumes[fmt.Sprint(n["name"])] = fmt.Sprint(n["volume"])
		}
	}
	return s, s.waitForBoot(ctx)
}

// waitForBoot waits until every host answers SSH with its own key, has its
// disk, and says that its first boot is over.
func (s *site) waitForBoot(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, bootTimeout, fmt.Errorf("the hosts of %s did not boot within %s", s.stack, bootTimeout))
	defer cancel()
	err := poll(ctx, func() (err error) {
		s.tunnel, err = cluster.Dial(ctx, s.outputs)
		return err
	})
	if err != nil {
		return err
	}
	commands := map[string]string{"bastion": "cloud-init status --wait >/dev/null"}
	for name, volume := range s.volumes {
		commands[name] = fmt.Sprintf("cloud-init status --wait >/dev/null && test -b %s", device(volume))
	}
	for host, command := range commands {
		session := cluster.Session{Host: host, Command: command, Stdout: io.Discard, Stderr: io.Discard}
		if err := poll(ctx, func() error { return session.Run(ctx, s.tunnel) }); err != nil {
			return fmt.Errorf("wait for host %s of %s to boot: %w", host, s.stack, err)
		}
	}
	return nil
}

// device is where a host sees an EBS volume.
func device(volume string) string {
	return "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_" + volume[:3] + volume[4:]
}

// poll tries until it works or ctx ends.
func poll(ctx context.Context, try func() error) error {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// raze removes the stack, also after an interrupt.
func (s *site) raze(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	if s.tunnel != nil {
		_ = s.tunnel.Close() // its host is about to go
	}
	_, err := s.kraftstack(ctx, "destroy", "--yes")
	return err
}

// change is what is read of the driver's report.
type change struct {
	Op        string `json:"op"`
	Component string `json:"component"`
	Step      string `json:"step"`
}

// kraftstack runs the driver on the stack, as a user does, and tells what it
// changed.
func (s *site) kraftstack(ctx context.Context, verb string, flags ...string) ([]change, error) {
	args := append([]string{verb, "--stack", s.stack, "--dir", s.dir, "--json"}, flags...)
	cmd := exec.CommandContext(ctx, s.driver, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = cleanUpTimeout // it ends what it has begun
	cmd.Stderr = s.out
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("kraftstack %s --stack %s: %w", verb, s.stack, err)
	}
	var report struct{ Changes []change }
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("read what kraftstack %s says: %w", verb, err)
	}
	return report.Changes, nil
}
