// Package hypervisor makes true what the AWS API has promised. It reads a
// cloud.Snapshot and sees to it that every running instance is a systemd-nspawn
// machine booted with its user data, that every attached volume is a block
// device under its EC2 name, that VPCs are network namespaces whose packet
// filter enforces the security groups, and that private zones, Elastic IPs and
// the download server answer.
//
// All that it makes is named in its state file before it is made, and outlives
// it: after the daemon is killed, a new Hypervisor takes everything over with
// Adopt while the hosts run on. Destroy removes it all from the file alone.
//
// A host that dies while the cloud says that it runs, by a crash, SIGKILL or a
// poweroff typed inside, is booted again at once with the same root, address
// and volumes, as EC2's automatic recovery does.
package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"sync"

	"kraftstack/lab/cloud"
)

// Config says where things are. All paths are absolute.
type Config struct {
	Dir         string // the lab's folder: state, roots, volumes
	ImageRoot   string // the image's root directory, from lab/image
	DownloadDir string // what http://downloads.kraftstack.lab serves
	ArchiveDir  string // what it serves as /debian: packages; empty for none
	// Layers lie upon the root of hosts that boot from these images.
	Layers map[string]string
	Log    *slog.Logger
	// Health, if any, is told the state of every load balancer's targets, by
	// target group and instance, each time one changes.
	Health func(ctx context.Context, states map[string]map[string]string)
	// Sessions, if any, is told which hosts Session Manager reaches, each time that
	// changes, and with each reconciliation: the API may have been started again.
	Sessions func(ctx context.Context, report SessionsReport)
}

// Hypervisor owns the lab's hosts and networks. Its methods may be called from
// many goroutines.
type Hypervisor struct {
	cfg    Config
	prefix string
	log    *slog.Logger
	ctx    context.Context //nolint:containedctx // the actors' life, which ends with Close and not with a call
	stop   context.CancelFunc
	actors sync.WaitGroup

	closing sync.Once
	closed  error
	watch   *diskWatch
	// launches bounds how many hosts start at once.
	launches chan struct{}

	mu      sync.Mutex // guards the fields below and every write of the file
	state   *state
	hosts   map[string]*host
	netErr  error
	settled chan struct{} // closed and renewed when a host's picture changes

	netMu    sync.Mutex // one change of the network at a time
	rulesets map[string]string
	routes   map[netip.Addr]int
	services *services
	probes   *probes
	agents   *agents
}

// New returns a hypervisor for the lab in cfg.Dir. It reads the state file and
// touches nothing: call Adopt to take over what runs.
func New(cfg Config) (*Hypervisor, error) {
	for _, path := range []string{cfg.Dir, cfg.ImageRoot, cfg.DownloadDir} {
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("start the hypervisor: %q is not an absolute path", path)
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the lab's folder: %w", err)
	}
	loaded, err := loadState(cfg.Dir)
	if err != nil {
		return nil, err
	}
	if loaded.Image == "" {
		loaded.Image, loaded.Layers = cfg.ImageRoot, cfg.Layers
	}
	cfg.Layers = loaded.Layers // those that belong to the image that the lab began with
	watch, err := newDiskWatch()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	h := &Hypervisor{
		cfg: cfg, prefix: prefixOf(cfg.Dir), log: cfg.Log, ctx: ctx, stop: stop, watch: watch,
		launches: make(chan struct{}, 4), state: loaded, hosts: map[string]*host{},
		settled: make(chan struct{}), rulesets: map[string]string{}, routes: map[netip.Addr]int{},
		services: newServices(prefixOf(cfg.Dir), cfg.DownloadDir, cfg.ArchiveDir, cfg.Log),
	}
	h.probes = newProbes(cfg.Log, h.healthChanged)
	h.agents = newAgents(cfg.Log, h.reportSessions)
	h.services.sessions = newSessions(cfg.Log, h.agents.host)
	return h, nil
}

// Adopt takes over what a killed daemon has left running: hosts, namespaces,
// disks. Hosts run on untouched; name service, forwarders and downloads answer
// again. On a new lab it does nothing.
func (h *Hypervisor) Adopt(ctx context.Context) error {
	h.mu.Lock()
	last := h.state.Snapshot
	h.mu.Unlock()
	if last == nil {
		return nil
	}
	if err := h.Reconcile(ctx, *last); err != nil {
		return fmt.Errorf("take the lab over: %w", err)
	}
	return nil
}

// Reconcile makes the machine follow the snapshot. It returns once networks,
// names and rules are in place and every host knows what it should become;
// hosts get there by themselves, side by side, so a slow one delays nobody. The
// error joins what is wrong now, each part with its instance or resource id;
// failed hosts are tried again by themselves.
func (h *Hypervisor) Reconcile(ctx context.Context, snapshot cloud.Snapshot) error {
	topology := newTopology(snapshot)
	changed, err := h.adjust(topology)
	if err != nil {
		return err
	}
	err = errors.Join(topology.check(), h.refresh(ctx))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.netErr = err
	errs := []error{err}
	for _, id := range sortedKeys(h.hosts) {
		host := h.hosts[id]
		if changed[id] {
			host.nudge()
		}
		if _, err := host.report(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// adjust writes the snapshot's wishes into the state and saves it. It returns
// the instances that have something new to do.
func (h *Hypervisor) adjust(t *topology) (map[string]bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.state
	s.Snapshot = &t.snapshot
	grown := s.number(t)
	changed := s.note(t, grown)
	if err := s.save(h.cfg.Dir); err != nil {
		return nil, err
	}
	for _, id := range sortedKeys(s.Hosts) {
		if h.startActor(id) {
			changed[id] = true
		}
	}
	return changed, nil
}

// number gives what is new its place in the lab's own numbering, which it keeps.
// It returns the volumes that have another size than before.
func (s *state) number(t *topology) (grown map[string]bool) {
	grown = map[string]bool{}
	for _, addr := range t.publicIPs() {
		if _, ok := s.Aliases[addr.String()]; !ok {
			s.Aliases[addr.String()] = lowestFree(s.Aliases)
		}
	}
	for _, vpc := range t.snapshot.VPCs {
		if _, ok := s.VPCs[vpc.ID]; !ok {
			s.VPCs[vpc.ID] = lowestFree(s.VPCs)
		}
	}
	for _, peering := range t.snapshot.Peerings {
		if _, ok := s.Peerings[peering.ID]; !ok {
			s.Peerings[peering.ID] = lowestFree(s.Peerings)
		}
	}
	s.noteImages(t.snapshot.Images)
	for _, volume := range t.snapshot.Volumes {
		if before, known := s.Volumes[volume.ID]; known && before != volume.SizeGiB {
			grown[volume.ID] = true
		}
		s.Volumes[volume.ID] = volume.SizeGiB
	}
	return grown
}

// note takes over what is wanted of the hosts, and returns those for which that
// is something new.
func (s *state) note(t *topology, grown map[string]bool) (changed map[string]bool) {
	wanted := map[string]bool{}
	changed = map[string]bool{}
	for _, instance := range t.snapshot.Instances {
		wanted[instance.ID] = true
		record, ok := s.Hosts[instance.ID]
		if !ok {
			record = &hostRecord{Index: s.freeHostIndex(), Slots: map[string]int{}}
			s.Hosts[instance.ID] = record
		}
		changed[instance.ID] = !ok || s.toCapture(instance.ID) != "" || !reflect.DeepEqual(record.Instance, instance) || record.holds(grown)
		record.Instance = instance
		if subnet, ok := t.subnets[instance.Subnet]; ok {
			record.Subnet = subnet
		}
	}
	for _, id := range sortedKeys(s.Hosts) {
		if !wanted[id] && !s.Hosts[id].Gone {
			s.Hosts[id].Gone, changed[id] = true, true
		}
	}
	return changed
}

// holds tells whether the host has one of the volumes.
func (r *hostRecord) holds(volumes map[string]bool) bool {
	for volume := range r.Slots {
		if volumes[volume] {
			return true
		}
	}
	return false
}

func (s *state) freeHostIndex() int {
	used := make(map[string]int, len(s.Hosts))
	for id, record := range s.Hosts {
		used[id] = record.Index
	}
	return lowestFree(used)
}

// Close ends the daemon's part. Hosts, networks and disks stay as they are. To
// close it again does nothing.
func (h *Hypervisor) Close() error {
	h.closing.Do(func() {
		h.stop()
		h.actors.Wait()
		h.netMu.Lock()
		defer h.netMu.Unlock()
		h.closed = errors.Join(h.services.close(), h.watch.close())
	})
	return h.closed
}

func (h *Hypervisor) routerName(vpc string) string { return h.prefix + vpc }
func (h *Hypervisor) internetName() string         { return h.prefix + "internet" }
func (h *Hypervisor) hostName(id string) string    { return h.prefix + id }

func (h *Hypervisor) hostDir(id string) hostDir {
	return hostDir(filepath.Join(h.cfg.Dir, "hosts", id))
}

func (h *Hypervisor) volumeFile(id string) string {
	return filepath.Join(h.cfg.Dir, "volumes", id+".img")
}

// changed wakes whoever waits for a host's picture to change. The caller holds
// h.mu.
func (h *Hypervisor) changed() {
	close(h.settled)
	h.settled = make(chan struct{})
}

// save runs change and saves the state; both happen or neither is seen.
func (h *Hypervisor) save(change func(*state)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h.state)
	return h.state.save(h.cfg.Dir)
}
