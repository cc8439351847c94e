package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"kraftstack/lab/cloud"
)

// The agents stand for amazon-ssm-agent, which every image on AWS has: its sources
// are no Go module that a registry serves, and Debian has no package of it, so the
// lab cannot run it. What it does on the network is done here in its place, from
// inside the host's network namespace: it asks the VPC's resolver for the names of
// its services and connects to them, through every rule that is in the way. What it
// does with TLS, its log-in by the instance's role and its control channel are not
// there; whether the role lets it is looked up when a session starts.
//
// On AWS a host with a NAT gateway also reaches the services' public addresses. The
// lab's internet has none of them, so here endpoints are needed.

const (
	endpointServed = 443
	agentInterval  = time.Second
	agentTimeout   = time.Second
	agentFailures  = 2 // in a row, until it counts as away; AWS takes minutes
)

// endpoints are a VPC's interface endpoints, each as a balancer that serves by
// itself.
func (t *topology) endpoints(vpc cloud.VPC) []balancerView {
	var views []balancerView
	for i, endpoint := range t.snapshot.Endpoints {
		if endpoint.VPC != vpc.ID {
			continue
		}
		view := balancerView{
			Name: fmt.Sprintf("endpoint%d", i), Mark: len(t.snapshot.Balancers) + i + 1,
			Groups: endpoint.Groups, Served: endpointServed,
		}
		for _, node := range endpoint.Nodes {
			subnet := t.subnets[node.Subnet]
			view.Nodes = append(view.Nodes, balancerNode{Addr: node.Addr, Subnet: subnet.CIDR, ACL: subnet.ACL})
		}
		views = append(views, view)
	}
	return views
}

// agentHost is a running host and what its agent needs.
type agentHost struct {
	Instance, Namespace string
	Register, Sessions  string // names of services
}

// agentsOf lists the hosts whose agents may be connected.
func (t *topology) agentsOf(namespace func(instance string) string) []agentHost {
	var hosts []agentHost
	for _, instance := range t.snapshot.Instances {
		served := slices.ContainsFunc(t.snapshot.Endpoints, func(e cloud.InterfaceEndpoint) bool { return e.VPC == instance.VPC })
		if instance.State != "running" || !served || instance.Zone == "" {
			continue
		}
		region := instance.Zone[:len(instance.Zone)-1]
		hosts = append(hosts, agentHost{
			Instance: instance.ID, Namespace: namespace(instance.ID),
			Register: "ssm." + region + ".amazonaws.com", Sessions: "ssmmessages." + region + ".amazonaws.com",
		})
	}
	return hosts
}

// agents see for each host whether its agent can connect.
type agents struct {
	log     *slog.Logger
	changed func() // called, on no particular goroutine, after a host came or went

	mu      sync.Mutex
	running map[agentHost]context.CancelFunc
	online  map[string]agentHost // by instance
}

func newAgents(log *slog.Logger, changed func()) *agents {
	return &agents{log: log, changed: changed, running: map[agentHost]context.CancelFunc{}, online: map[string]agentHost{}}
}

// follow starts and ends agents. They live until ctx ends.
func (a *agents) follow(ctx context.Context, wanted []agentHost) {
	a.mu.Lock()
	defer a.mu.Unlock()
	keep := map[agentHost]bool{}
	for _, host := range wanted {
		keep[host] = true
		if _, ok := a.running[host]; !ok {
			own, cancel := context.WithCancel(ctx)
			a.running[host] = cancel
			go a.run(own, host)
		}
	}
	for host, cancel := range a.running {
		if !keep[host] {
			cancel()
			delete(a.running, host)
			delete(a.online, host.Instance)
		}
	}
}

func (a *agents) run(ctx context.Context, host agentHost) {
	tick := time.NewTicker(agentInterval)
	defer tick.Stop()
	failures := agentFailures
	for {
		err := host.connects(ctx)
		if ctx.Err() != nil {
			return
		}
		if failures++; err == nil {
			failures = 0
		}
		a.set(host, failures < agentFailures, err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// connects to the service that hosts register with, and to that of sessions.
func (h agentHost) connects(ctx context.Context) error {
	for _, name := range []string{h.Register, h.Sessions} {
		conn, err := h.dial(ctx, name)
		if err != nil {
			return err
		}
		_ = conn.Close()
	}
	return nil
}

// dial connects from the host to a service by its name, at the first of its addresses
// that answers.
func (h agentHost) dial(ctx context.Context, name string) (net.Conn, error) {
	found, err := lookupInside(ctx, h.Namespace, name)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, addr := range found {
		conn, err := h.try(ctx, netip.AddrPortFrom(addr, endpointServed))
		if err == nil {
			return conn, nil
		}
		failed = append(failed, err)
	}
	return nil, errors.Join(failed...)
}

func (h agentHost) try(ctx context.Context, at netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, agentTimeout)
	defer cancel()
	return dialInside(ctx, h.Namespace, netip.IPv4Unspecified(), at)
}

// lookupInside asks a VPC's resolver from inside a namespace.
func lookupInside(ctx context.Context, ns, name string) ([]netip.Addr, error) {
	var conn net.Conn
	err := inNetns(ns, func() (err error) {
		conn, err = net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(linkLocalDNS, 53)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reach the resolver: %w", err)
	}
	defer func() { _ = conn.Close() }()
	client := dns.Client{Timeout: agentTimeout}
	reply, _, err := client.ExchangeWithConnContext(ctx, new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA), &dns.Conn{Conn: conn})
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", name, err)
	}
	var found []netip.Addr
	for _, record := range reply.Answer {
		if a, ok := record.(*dns.A); ok {
			if addr, ok := netip.AddrFromSlice(a.A.To4()); ok {
				found = append(found, addr)
			}
		}
	}
	if len(found) == 0 {
		return nil, errors.New(name + " has no address in this VPC: there is no endpoint with private DNS")
	}
	return found, nil
}

func (a *agents) set(host agentHost, online bool, why error) {
	a.mu.Lock()
	_, runs := a.running[host]
	_, was := a.online[host.Instance]
	changed := runs && was != online
	if changed && online {
		a.online[host.Instance] = host
	} else if changed {
		delete(a.online, host.Instance)
	}
	a.mu.Unlock()
	if changed {
		a.log.Info("Session Manager's agent", "instance", host.Instance, "connected", online, "error", why)
		a.changed()
	}
}

// host is the connected agent of an instance.
func (a *agents) host(instance string) (agentHost, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	host, ok := a.online[instance]
	return host, ok
}

func (a *agents) report() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string{}, sortedKeys(a.online)...) // in JSON a list, also where it is empty
}
