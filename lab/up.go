package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"kraftstack/lab/daemon"
	"kraftstack/lab/setup"
)

const (
	// startTimeout bounds the start of the daemon, the AWS API's included.
	startTimeout = 90 * time.Second
	// stopTimeout bounds the end of a daemon that was asked to stop.
	stopTimeout = 15 * time.Second
	daemonPoll  = 50 * time.Millisecond
	logTail     = 15
)

// Up makes sure that the lab runs: set-up, folder, daemon. A lab that runs
// is left alone; hosts whose daemon died, or belongs to another build of the
// program, get a new daemon and run on.
func Up(ctx context.Context, o Options) (Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Report{}, err
	}
	if _, err := setup.Run(ctx, setup.Options{CacheDir: o.CacheDir, LabDir: o.LabDir, Out: o.Out}); err != nil {
		return Report{}, err
	}
	if err := prepareFolder(o.LabDir); err != nil {
		return Report{}, err
	}
	unlock, err := o.lock(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return Report{}, fmt.Errorf("the lab was taken down meanwhile; next: run the same command again: %w", err)
	}
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	if err := o.ensureDaemon(ctx); err != nil {
		return Report{}, err
	}
	return Status(ctx, o)
}

func (o Options) lock(ctx context.Context) (func(), error) {
	return lockFolder(ctx, o.LabDir, func() {
		fmt.Fprintln(o.Out, "lab: waiting for another command that works on this lab")
	})
}

// ensureDaemon starts a daemon unless one of this very program runs.
func (o Options) ensureDaemon(ctx context.Context) error {
	client := daemon.NewClient(o.LabDir)
	status, err := client.Status(ctx)
	switch {
	case err == nil:
		program, err := daemon.Fingerprint(o.Program)
		if err != nil {
			return err
		}
		if status.Daemon.Program == program {
			fmt.Fprintf(o.Out, "lab: already up (daemon is process %d)\n", status.Daemon.PID)
			return nil
		}
		fmt.Fprintln(o.Out, "lab: changing over to this build of the program, hosts run on")
		if err := endDaemon(ctx, o.LabDir); err != nil {
			return err
		}
	case !errors.Is(err, daemon.ErrNotRunning):
		// It runs and does not answer as it should.
		fmt.Fprintf(o.Out, "lab: replacing a daemon that does not answer: %v\n", err)
		if err := endDaemon(ctx, o.LabDir); err != nil {
			return err
		}
	}
	return o.startDaemon(ctx, client)
}

// startDaemon starts the daemon in a session of its own, so that neither the
// terminal's end nor its Ctrl-C reaches it, and waits until it answers.
func (o Options) startDaemon(ctx context.Context, client *daemon.Client) error {
	start := time.Now()
	log, err := os.OpenFile(daemon.LogPath(o.LabDir), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open the daemon's log: %w", err)
	}
	defer log.Close()
	// Not bound to ctx: it is meant to stay.
	cmd := exec.Command(o.Program, "lab", "daemon")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "KRAFTSTACK_LAB_DIR="+o.LabDir, "KRAFTSTACK_CACHE_DIR="+o.CacheDir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the lab's daemon: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := o.waitForDaemon(ctx, client, ended); err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "lab: daemon is up after %.1f s (process %d)\n", time.Since(start).Seconds(), cmd.Process.Pid)
	return nil
}

// waitForDaemon waits for one condition: the daemon answers.
func (o Options) waitForDaemon(ctx context.Context, client *daemon.Client, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(daemonPoll)
	defer ticker.Stop()
	for {
		if _, err := client.Status(ctx); err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case err := <-ended:
			if err == nil {
				err = errors.New("it ended by itself")
			}
			return fmt.Errorf("the lab's daemon did not start: %w; the end of %s:\n%s\nnext: if the cause is not clear, take the lab down with `kraftstack lab down` and bring it up again",
				err, daemon.LogPath(o.LabDir), tail(daemon.LogPath(o.LabDir), logTail))
		case <-ctx.Done():
			return fmt.Errorf("the lab's daemon does not answer on %s: %w; next: read %s",
				daemon.SocketPath(o.LabDir), ctx.Err(), daemon.LogPath(o.LabDir))
		}
	}
}

// tail returns the last lines of a file, set in.
func tail(path string, n int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "    " + err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "    " + strings.Join(lines[max(0, len(lines)-n):], "\n    ")
}
