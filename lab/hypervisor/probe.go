package hypervisor

import (
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"sync"
	"time"

	"kraftstack/lab/cloud"
)

// targetProbe is one target of a load balancer that is looked at.
type targetProbe struct {
	Group, Instance              string
	Namespace                    string     // of the router
	From                         netip.Addr // a node of the balancer
	Target                       netip.AddrPort
	Interval, Healthy, Unhealthy int
}

// States of a target, as AWS names them.
const (
	targetInitial   = "initial"
	targetHealthy   = "healthy"
	targetUnhealthy = "unhealthy"
)

// probes look at targets as a load balancer does, by opening connections from
// the balancer's address, through every rule that is in the way.
type probes struct {
	log     *slog.Logger
	changed func() // called, on no particular goroutine, after a state has changed

	mu      sync.Mutex
	running map[targetProbe]context.CancelFunc
	states  map[[2]string]string // by group and instance
}

func newProbes(log *slog.Logger, changed func()) *probes {
	return &probes{log: log, changed: changed, running: map[targetProbe]context.CancelFunc{}, states: map[[2]string]string{}}
}

// probesOf lists the targets of all load balancers.
func (t *topology) probesOf(router func(vpc string) string) []targetProbe {
	at := map[string]netip.Addr{}
	for _, instance := range t.snapshot.Instances {
		if instance.State == "running" {
			at[instance.ID] = instance.PrivateIP
		}
	}
	var list []targetProbe
	for _, balancer := range t.snapshot.Balancers {
		for _, listener := range balancer.Listeners {
			for _, instance := range listener.Targets {
				if addr, ok := at[instance]; ok && len(balancer.Nodes) > 0 {
					list = append(list, newProbe(router(balancer.VPC), balancer, listener, instance, addr))
				}
			}
		}
	}
	return list
}

func newProbe(router string, balancer cloud.Balancer, listener cloud.Listener, instance string, addr netip.Addr) targetProbe {
	return targetProbe{
		Group: listener.TargetGroup, Instance: instance, Namespace: router, From: balancer.Nodes[0].Addr,
		Target:   netip.AddrPortFrom(addr, uint16(listener.TargetPort)),
		Interval: listener.Interval, Healthy: listener.Healthy, Unhealthy: listener.Unhealthy,
	}
}

// follow starts and ends probes. They live until ctx ends.
func (p *probes) follow(ctx context.Context, wanted []targetProbe) {
	p.mu.Lock()
	defer p.mu.Unlock()
	keep := map[targetProbe]bool{}
	for _, w := range wanted {
		keep[w] = true
		if _, ok := p.running[w]; ok {
			continue
		}
		own, cancel := context.WithCancel(ctx)
		p.running[w] = cancel
		p.states[[2]string{w.Group, w.Instance}] = targetInitial
		go p.run(own, w)
	}
	for w, cancel := range p.running {
		if !keep[w] {
			cancel()
			delete(p.running, w)
			delete(p.states, [2]string{w.Group, w.Instance})
		}
	}
}

// run probes one target every interval. The first answer makes a new target
// healthy; after that it takes as many in a row as the target group says.
func (p *probes) run(ctx context.Context, w targetProbe) {
	tick := time.NewTicker(time.Duration(max(1, w.Interval)) * time.Second)
	defer tick.Stop()
	row, last := 0, false
	for {
		answers := w.answers(ctx)
		if ctx.Err() != nil {
			return
		}
		if answers == last {
			row++
		} else {
			row, last = 1, answers
		}
		switch state := p.state(w.Group, w.Instance); {
		case answers && (state == targetInitial || row >= w.Healthy):
			p.set(w, targetHealthy)
		case !answers && row >= w.Unhealthy:
			p.set(w, targetUnhealthy)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (w targetProbe) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(1, w.Interval))*time.Second)
	defer cancel()
	conn, err := dialInside(ctx, w.Namespace, w.From, w.Target)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func (p *probes) state(group, instance string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.states[[2]string{group, instance}]
}

func (p *probes) set(w targetProbe, state string) {
	key := [2]string{w.Group, w.Instance}
	p.mu.Lock()
	_, runs := p.running[w]
	changed := runs && p.states[key] != state
	if changed {
		p.states[key] = state
	}
	p.mu.Unlock()
	if changed {
		p.log.Info("target of a load balancer", "instance", w.Instance, "port", w.Target.Port(), "state", state)
		p.changed()
	}
}

// report is every target's state, by group and instance.
func (p *probes) report() map[string]map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]map[string]string{}
	for key, state := range maps.All(p.states) {
		if all[key[0]] == nil {
			all[key[0]] = map[string]string{}
		}
		all[key[0]][key[1]] = state
	}
	return all
}
