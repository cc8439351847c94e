// Package daemon is the process that holds a running lab together: it keeps the
// AWS API alive, makes true what the API says, serves the stand-in providers,
// and answers on a socket. It can be killed at any moment: hosts and the API
// run on, and the next daemon takes them over.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"kraftstack/lab/control"
	"kraftstack/lab/hypervisor"
	"kraftstack/lab/image"
	"kraftstack/lab/providers"
	"kraftstack/lab/setup"
)

// Config says which lab a daemon runs. All fields are needed.
type Config struct {
	LabDir  string
	Tools   setup.Tools
	Program string // the path of the running program
}

// CloudConfig says where the AWS API of a lab keeps its things.
func CloudConfig(labDir, cacheDir string, log io.Writer) control.Config {
	return control.Config{Dir: filepath.Join(labDir, "cloud"), CacheDir: cacheDir, Log: log}
}

// HostConfig says where the hosts of a lab lie.
func HostConfig(labDir string, tools setup.Tools, log *slog.Logger) hypervisor.Config {
	return hypervisor.Config{
		Dir: labDir, ImageRoot: tools.Images.Root, Layers: map[string]string{image.Prepared: tools.Images.Java},
		DownloadDir: tools.DownloadDir, ArchiveDir: tools.Images.Archive, Log: log,
	}
}

// daemon is the running process.
type daemon struct {
	cfg       Config
	since     time.Time
	program   string
	log       *slog.Logger
	cloud     *keeper
	hosts     *hypervisor.Hypervisor
	providers *providers.Server
	problems  problems
}

// Run is the daemon's life. It takes the lab's lock, brings back or starts each
// part, answers on the socket, and returns when ctx ends or a client says stop.
// Hosts and the AWS API run on after it.
func Run(ctx context.Context, cfg Config) error {
	unlock, err := onlyOne(ctx, cfg.LabDir)
	if err != nil {
		return err
	}
	defer unlock()
	file, err := openLog(LogPath(cfg.LabDir), maxLogBytes)
	if err != nil {
		return err
	}
	defer file.Close()
	d := &daemon{cfg: cfg, since: time.Now().UTC(), log: slog.New(slog.NewTextHandler(file, nil))}
	if d.program, err = Fingerprint(cfg.Program); err != nil {
		return err
	}
	d.log.Info("daemon starts", "pid", os.Getpid(), "program", d.program)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := d.start(ctx, file); err != nil {
		d.log.Error("daemon cannot start", "error", err)
		return errors.Join(err, d.close())
	}
	err = d.work(ctx, stop)
	d.log.Info("daemon ends, hosts run on", "error", err)
	return errors.Join(err, d.close())
}

// onlyOne takes the lock that says that a lab has its daemon.
func onlyOne(ctx context.Context, labDir string) (func(), error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	owner := "?"
	unlock, err := setup.Lock(ctx, LockPath(labDir), func(holder string) {
		owner = holder
		cancel() // a second daemon does not wait
	})
	if errors.Is(err, context.Canceled) {
		return nil, fmt.Errorf("the lab in %s has a daemon already, process %s; next: see `kraftstack lab status`", labDir, owner)
	}
	return unlock, err
}

// start brings up the parts in the order in which they stand on each other.
func (d *daemon) start(ctx context.Context, log io.Writer) error {
	saved, err := loadState(d.cfg.LabDir)
	if err != nil {
		return err
	}
	d.cloud = &keeper{
		cfg: CloudConfig(d.cfg.LabDir, d.cfg.Tools.CacheDir, log), log: d.log, problems: &d.problems,
		changes: make(chan struct{}, 1),
	}
	if err := d.cloud.start(ctx); err != nil {
		return fmt.Errorf("start the AWS API: %w", err)
	}
	hosts := HostConfig(d.cfg.LabDir, d.cfg.Tools, d.log)
	hosts.Health = func(ctx context.Context, states map[string]map[string]string) {
		if err := d.cloud.current().ReportHealth(ctx, states); err != nil {
			d.log.Error("tell the API of its targets", "error", err)
		}
	}
	hosts.Sessions = func(ctx context.Context, report hypervisor.SessionsReport) {
		if err := d.cloud.current().ReportSessions(ctx, report); err != nil {
			d.log.Error("tell the API of Session Manager's agents", "error", err)
		}
	}
	if d.hosts, err = hypervisor.New(hosts); err != nil {
		return fmt.Errorf("start the hypervisor: %w", err)
	}
	if err := d.hosts.Adopt(ctx); err != nil {
		// What cannot be taken over now is tried again with each reconciliation.
		d.problems.set("hosts", err)
		d.log.Error("take over the hosts", "error", err)
	}
	return d.startProviders(ctx, saved)
}

// startProviders serves the stand-ins on the ports that this lab had before.
func (d *daemon) startProviders(ctx context.Context, saved state) error {
	options := providers.Options{
		AWSEndpoint: d.cloud.url(), Ports: saved.Providers, IsOff: d.hosts.IsOff,
		Log: func(format string, args ...any) { d.log.Warn("provider", "message", fmt.Sprintf(format, args...)) },
	}
	server, err := providers.Serve(ctx, options)
	if err != nil && len(saved.Providers) > 0 {
		// Somebody took a port while no daemon ran. Shells have to ask anew.
		d.log.Warn("the providers' old ports are taken, using others", "error", err)
		options.Ports = nil
		server, err = providers.Serve(ctx, options)
	}
	if err != nil {
		return fmt.Errorf("serve the providers: %w", err)
	}
	d.providers = server
	return state{Providers: server.Ports()}.save(d.cfg.LabDir)
}

// work runs until ctx ends or a part fails.
func (d *daemon) work(ctx context.Context, stop func()) error {
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	l := &loop{cloud: d.cloud, hosts: d.hosts, problems: &d.problems, log: d.log, timing: defaultTiming()}
	running.Go(func() { d.cloud.watch(ctx) })
	running.Go(func() { l.run(ctx, d.cloud.changes) })
	a := &api{status: d.status, stop: stop, fault: d.hosts.Fault, log: d.log}
	return a.serve(ctx, SocketPath(d.cfg.LabDir))
}

// close ends the daemon's own parts and leaves the lab as it is.
func (d *daemon) close() error {
	var errs []error
	if d.providers != nil {
		errs = append(errs, d.providers.Close())
	}
	if d.hosts != nil {
		errs = append(errs, d.hosts.Close())
	}
	return errors.Join(errs...)
}

var (
	_ wanted = (*keeper)(nil)
	_ maker  = (*hypervisor.Hypervisor)(nil)
)
