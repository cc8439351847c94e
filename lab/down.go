package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"kraftstack/lab/control"
	"kraftstack/lab/daemon"
	"kraftstack/lab/hypervisor"
	"kraftstack/lab/image"
	"kraftstack/lab/setup"
)

// Down takes the lab down: daemon, hosts with their disks and networks, the AWS
// API, the folder. It needs none of them to be alive, may be repeated, and ends
// with a look at the machine: what is left all the same is an error that names
// it.
func Down(ctx context.Context, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("not running as root, who owns the lab; next: run the same command as root")
	}
	start := time.Now()
	_, statErr := os.Stat(o.LabDir)
	// The folder is there from here on, so that a lab which lost it is cleared
	// up by the same way as any other.
	if err := prepareFolder(o.LabDir); err != nil {
		return err
	}
	unlock, err := o.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := endDaemon(ctx, o.LabDir); err != nil {
		return err
	}
	left, err := destroyHosts(ctx, o.LabDir)
	if err := errors.Join(err, stopCloud(ctx, o)); err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("the lab left these behind: %s; next: remove them by hand and run `kraftstack lab down` again", strings.Join(left, ", "))
	}
	if err := removeFolder(o.LabDir); err != nil {
		return err
	}
	if errors.Is(statErr, fs.ErrNotExist) {
		fmt.Fprintln(o.Out, "lab: there was none")
		return nil
	}
	fmt.Fprintf(o.Out, "lab: down after %.1f s, nothing is left\n", time.Since(start).Seconds())
	return nil
}

// destroyHosts removes the hosts and returns what the machine shows of them
// afterwards.
func destroyHosts(ctx context.Context, labDir string) ([]string, error) {
	// Nothing is booted or served any more, so the image may be gone.
	tools := setup.Tools{Images: image.Images{Root: labDir}, DownloadDir: labDir}
	hosts, err := hypervisor.New(daemon.HostConfig(labDir, tools, slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	if err := hosts.Destroy(ctx); err != nil {
		return nil, err
	}
	return hosts.Leftovers()
}

// stopCloud ends the AWS API, whichever daemon started it.
func stopCloud(ctx context.Context, o Options) error {
	api, err := control.Attach(ctx, daemon.CloudConfig(o.LabDir, o.CacheDir, nil))
	if errors.Is(err, control.ErrNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	return api.Stop(ctx)
}
