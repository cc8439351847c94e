package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// shutdownPatience is how long a host may take to power off before its
	// plug is pulled.
	shutdownPatience = 60 * time.Second
	// settleTime is how long a host must have run for its death to be taken as
	// an accident, after which it is booted again without a pause.
	settleTime = 10 * time.Second
	// detachPatience bounds the wait for a host to unmount a volume.
	detachPatience = 10 * time.Second
	firstRetry     = 500 * time.Millisecond
	longestRetry   = 10 * time.Second
)

// The phases of a host, as Status shows them.
const (
	phasePending  = "pending" // nothing has been done for it yet
	phaseHeld     = "held"    // the fault hold-boot keeps it off, or its image is still to be made
	phaseStarting = "starting"
	phaseBooting  = "booting" // its init runs, sshd does not answer yet
	phaseRunning  = "running"
	phaseStopping = "stopping"
	phaseStopped  = "stopped"
	phaseGone     = "terminating"
)

// host is the actor of one instance: a goroutine of its own brings the machine
// to where its record says it should be, so that one that takes its time to
// shut down holds up nobody else.
type host struct {
	hv     *Hypervisor
	id     string
	dir    hostDir
	groups cgroups
	wake   chan struct{}

	mu      sync.Mutex // guards the fields below
	phase   string
	err     error
	waiting string // what a volume waits for, "" when nothing waits
	machine *machine
	started time.Time

	disks sync.Mutex // one change of /dev/disk at a time
}

// startActor makes sure that the instance has its actor and says whether it is
// new. It waits for a nudge before it does anything. The caller holds h.mu.
func (h *Hypervisor) startActor(id string) bool {
	if _, ok := h.hosts[id]; ok || h.ctx.Err() != nil {
		return false
	}
	actor := &host{
		hv: h, id: id, dir: h.hostDir(id), groups: cgroupsOf(h.hostName(id)),
		wake: make(chan struct{}, 1), phase: phasePending,
	}
	h.hosts[id] = actor
	h.actors.Go(func() { actor.run(h.ctx) })
	return true
}

func (a *host) nudge() {
	select {
	case a.wake <- struct{}{}:
	default: // a nudge is waiting already
	}
}

func (a *host) run(ctx context.Context) {
	retry := firstRetry
	var timer <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		case <-timer:
		}
		done, err := a.converge(ctx)
		if ctx.Err() != nil {
			return
		}
		a.set(func() { a.err = err })
		if done {
			return
		}
		timer = nil
		if err != nil {
			a.hv.log.Error("host is not what the cloud says; trying again", "instance", a.id, "in", retry, "error", err)
			timer = time.After(retry)
			retry = min(2*retry, longestRetry)
			continue
		}
		retry = firstRetry
	}
}

// set changes the actor's public picture.
func (a *host) set(change func()) {
	a.mu.Lock()
	change()
	a.mu.Unlock()
	a.hv.mu.Lock()
	a.hv.changed()
	a.hv.mu.Unlock()
}

func (a *host) report() (phase string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.phase, a.err
}

// converge brings the host to where its record says. done is true once the
// instance is gone and nothing of it is left.
func (a *host) converge(ctx context.Context) (done bool, err error) {
	record, held, ok := a.hv.record(a.id)
	if !ok {
		return true, nil
	}
	if err := a.find(); err != nil {
		return false, err
	}
	if err := a.capture(ctx); err != nil {
		return false, err
	}
	switch {
	case record.Gone:
		return true, a.retire(ctx, record)
	case record.Instance.State == "stopped":
		if err := a.shutdown(ctx, phaseStopping); err != nil {
			return false, err
		}
		a.set(func() { a.phase = phaseStopped })
		return false, a.settleDisks(ctx, 0)
	case record.Instance.State != "running":
		return false, fmt.Errorf("state %q is none that the lab knows: running or stopped", record.Instance.State)
	}
	if a.running() == nil {
		if !record.Launched && (held || a.hv.comes(record.Instance.Image)) {
			a.set(func() { a.phase = phaseHeld })
			return false, nil // whoever lifts the fault or makes the image nudges
		}
		if err := a.boot(ctx, record); err != nil {
			return false, err
		}
	}
	return false, a.settleDisks(ctx, a.running().leader)
}

// find takes over a machine that an earlier daemon started, and forgets one
// that has ended.
func (a *host) find() error {
	if machine := a.running(); machine != nil {
		if !machine.ended() {
			return nil
		}
		a.hv.log.Warn("host has died by itself", "instance", a.id)
		a.set(func() { a.machine, a.phase = nil, phasePending })
		return nil
	}
	supervisor, leader := findMachine(a.groups)
	if supervisor == 0 {
		return nil
	}
	if leader == 0 {
		return errors.New("the host was left half started; waiting for it to come up or to end")
	}
	exited, err := watchExit(supervisor, func() {})
	if err != nil {
		return err
	}
	a.hv.log.Info("took over a running host", "instance", a.id, "pid", supervisor)
	a.adopt(&machine{supervisor: supervisor, leader: leader, exited: exited})
	return nil
}

func (a *host) adopt(running *machine) {
	a.set(func() { a.machine, a.phase, a.started = running, phaseBooting, time.Now() })
	go func() {
		<-running.exited
		a.nudge()
	}()
}

func (a *host) running() *machine {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.machine
}

// boot starts the machine, for the first time or again.
func (a *host) boot(ctx context.Context, record hostRecord) error {
	a.mu.Lock()
	ran := time.Since(a.started)
	restarted := !a.started.IsZero()
	a.started = time.Time{}
	a.mu.Unlock()
	if restarted && ran < settleTime {
		return fmt.Errorf("the host died %s after its start; its console is %s", ran.Round(time.Millisecond), a.dir.console())
	}
	select {
	case a.hv.launches <- struct{}{}:
		defer func() { <-a.hv.launches }()
	case <-ctx.Done():
		return ctx.Err()
	}
	a.set(func() { a.phase = phaseStarting })
	if err := a.prepare(ctx, record); err != nil {
		return err
	}
	name := a.hv.hostName(a.id)
	running, err := a.dir.launch(ctx, name, internalName(record.Instance.PrivateIP), a.groups)
	if err != nil {
		return err
	}
	a.adopt(running)
	return nil
}

// prepare makes all that a machine finds when it is switched on.
func (a *host) prepare(ctx context.Context, record hostRecord) error {
	if !record.Subnet.CIDR.IsValid() {
		return fmt.Errorf("subnet %s is not in the cloud", record.Instance.Subnet)
	}
	layers, err := a.hv.launched(a.id)
	if err != nil {
		return err
	}
	router, vpc, err := a.hv.routerOf(record.Instance.VPC)
	if err != nil {
		return err
	}
	name := a.hv.hostName(a.id)
	if err := ensureHostLink(name, router, record.Index, record.Instance.PrivateIP, record.Subnet.CIDR); err != nil {
		return err
	}
	if err := a.dir.ensureRoot(append(layers, a.hv.image())); err != nil {
		return err
	}
	if err := a.dir.seed(record.Instance, resolverAddr(vpc.CIDR).String()); err != nil {
		return err
	}
	if err := a.settleDisks(ctx, 0); err != nil {
		return err
	}
	// Whatever a crash has left of this host must not run beside the new one.
	if err := a.groups.kill(ctx); err != nil {
		return err
	}
	return a.groups.ensure()
}

// shutdown leaves no process of the host.
func (a *host) shutdown(ctx context.Context, phase string) error {
	running := a.running()
	if running == nil {
		return a.groups.kill(ctx)
	}
	a.set(func() { a.phase = phase })
	if err := running.powerOff(ctx, a.groups, shutdownPatience); err != nil {
		return err
	}
	a.set(func() { a.machine, a.started = nil, time.Time{} })
	return nil
}

// retire removes all that there is of the host, its record last.
func (a *host) retire(ctx context.Context, record hostRecord) error {
	a.set(func() { a.phase = phaseGone })
	if err := a.shutdown(ctx, phaseGone); err != nil {
		return err
	}
	for _, volume := range sortedKeys(record.Slots) {
		if err := a.hv.releaseVolume(ctx, a.id, volume); err != nil {
			return err
		}
	}
	router, _, err := a.hv.routerOf(record.Instance.VPC)
	if err == nil {
		err = removeLink(router, linkName(record.Index))
	}
	err = errors.Join(err, a.dir.discard(), removeNetns(a.hv.hostName(a.id)), a.groups.remove(ctx))
	if err != nil {
		return err
	}
	return a.hv.forget(ctx, a.id)
}
