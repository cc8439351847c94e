package hypervisor

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink"

	"kraftstack/lab/cloud"
)

// picture is a copy of what the network depends on, taken in one moment.
type picture struct {
	topology *topology
	records  []*hostRecord
	vpcs     map[string]int
	aliases  map[string]int
	peerings map[string]int
	faults   map[string]bool
}

func (h *Hypervisor) picture() (picture, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.Snapshot == nil {
		return picture{}, false
	}
	p := picture{
		topology: newTopology(*h.state.Snapshot),
		vpcs:     maps.Clone(h.state.VPCs),
		aliases:  maps.Clone(h.state.Aliases),
		peerings: maps.Clone(h.state.Peerings),
		faults:   maps.Clone(h.state.Faults),
	}
	for _, id := range sortedKeys(h.state.Hosts) {
		record := *h.state.Hosts[id]
		p.records = append(p.records, &record)
	}
	return p, true
}

func (p picture) alias(public netip.Addr) netip.Addr {
	index, ok := p.aliases[public.String()]
	if !ok {
		return netip.Addr{}
	}
	return aliasAddr(index)
}

// refresh makes routers, rules, routes, names and forwarders follow the present
// state, and removes what no longer has a reason.
func (h *Hypervisor) refresh(ctx context.Context) error {
	h.netMu.Lock()
	defer h.netMu.Unlock()
	p, ok := h.picture()
	if !ok {
		return nil
	}
	if err := ensureInternet(h.internetName()); err != nil {
		return err
	}
	var errs []error
	for _, vpc := range p.topology.snapshot.VPCs {
		if err := h.refreshVPC(ctx, p, vpc); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", vpc.ID, err))
		}
	}
	errs = append(errs, h.refreshPeerings(p), h.refreshAliases(p), h.dropVPCs(p), h.dropImages(), h.dropVolumes(ctx, p.topology.snapshot.Volumes))
	h.agents.follow(h.ctx, p.topology.agentsOf(h.hostName))   //nolint:contextcheck // agents go on after the call, until Close
	h.probes.follow(h.ctx, p.topology.probesOf(h.routerName)) //nolint:contextcheck // probes go on after the call, until Close
	errs = append(errs, h.services.follow(ctx, h.wantedServices(p), h.markRedirects))
	if len(p.topology.snapshot.Endpoints) > 0 {
		h.reportSessions()
	}
	return errors.Join(errs...)
}

func (h *Hypervisor) refreshVPC(ctx context.Context, p picture, vpc cloud.VPC) error {
	var subnets []cloud.Subnet
	for _, subnet := range p.topology.snapshot.Subnets {
		if subnet.VPC == vpc.ID {
			subnets = append(subnets, subnet)
		}
	}
	router := h.routerName(vpc.ID)
	balancers := p.topology.balancers(vpc, h.healthy)
	if err := ensureRouter(router, h.internetName(), p.vpcs[vpc.ID], vpc, subnets, balancers); err != nil {
		return err
	}
	view := p.topology.view(vpc, p.records, p.alias)
	view.Balancers = balancers
	view.Peers = p.topology.peers(vpc, p.peerings)
	_, view.Transit = transitAddrs(p.vpcs[vpc.ID])
	rules, err := ruleset(view)
	if err != nil || h.rulesets[vpc.ID] == rules {
		return err
	}
	if err := applyNFT(ctx, router, rules); err != nil {
		return err
	}
	h.rulesets[vpc.ID] = rules
	return nil
}

// refreshAliases routes the alias of each Elastic IP to the VPC that it leads
// into now, and gives up those of released addresses.
func (h *Hypervisor) refreshAliases(p picture) error {
	vpcOf := map[netip.Addr]string{}
	for _, record := range p.records {
		if public, ok := p.topology.public[record.Instance.ID]; ok && !record.Gone {
			vpcOf[public] = record.Instance.VPC
		}
	}
	for _, nat := range p.topology.snapshot.NATGateways {
		vpcOf[nat.PublicIP] = p.topology.subnets[nat.Subnet].VPC
	}
	known := p.topology.publicIPs()
	var errs []error
	for _, public := range known {
		index := -1
		if at, ok := p.vpcs[vpcOf[public]]; ok {
			index = at
		}
		errs = append(errs, h.route(p.alias(public), index))
	}
	var released []string
	for _, public := range sortedKeys(p.aliases) {
		addr, err := netip.ParseAddr(public)
		if err != nil || !slices.Contains(known, addr) {
			errs = append(errs, h.route(aliasAddr(p.aliases[public]), -1))
			released = append(released, public)
		}
	}
	if len(released) > 0 {
		errs = append(errs, h.save(func(s *state) {
			for _, public := range released {
				delete(s.Aliases, public)
			}
		}))
	}
	return errors.Join(errs...)
}

func (h *Hypervisor) route(alias netip.Addr, index int) error {
	if last, ok := h.routes[alias]; ok && last == index {
		return nil
	}
	if err := routeAlias(h.internetName(), alias, index); err != nil {
		return fmt.Errorf("lead public alias %s: %w", alias, err)
	}
	h.routes[alias] = index
	return nil
}

// dropVPCs removes the routers of VPCs that are gone, once their last host is.
func (h *Hypervisor) dropVPCs(p picture) error {
	needed := map[string]bool{}
	for _, vpc := range p.topology.snapshot.VPCs {
		needed[vpc.ID] = true
	}
	for _, record := range p.records {
		needed[record.Instance.VPC] = true
	}
	var errs []error
	for _, id := range sortedKeys(p.vpcs) {
		if needed[id] {
			continue
		}
		h.services.closeResolver(id)
		err := errors.Join(removeLink(h.routerName(id), uplinkName), removeNetns(h.routerName(id)))
		if err == nil {
			delete(h.rulesets, id)
			err = h.save(func(s *state) { delete(s.VPCs, id) })
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// removeLink deletes one end of a veth pair, and so the other. It is done by
// name although the namespace's end would do it too: that happens some time
// later, and until then the other end's name is taken.
func removeLink(ns, name string) error {
	if !netnsExists(ns) {
		return nil
	}
	return withNetlink(ns, func(handle *netlink.Handle) error {
		link, err := handle.LinkByName(name)
		if _, missing := errors.AsType[netlink.LinkNotFoundError](err); missing {
			return nil
		}
		if err != nil {
			return fmt.Errorf("find interface %s: %w", name, err)
		}
		if err := handle.LinkDel(link); err != nil {
			return fmt.Errorf("remove interface %s: %w", name, err)
		}
		return nil
	})
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (h *Hypervisor) wantedServices(p picture) wantedServices {
	wanted := wantedServices{
		Forwards:  p.topology.forwards(p.topology.snapshot.Instances, p.alias),
		Downloads: !p.faults[FaultHoldDownloads],
		Names:     map[string]names{},
		Resolvers: map[string]netip.Addr{},
		Endpoints: p.topology.endpointPorts(h.routerName),
	}
	for _, vpc := range p.topology.snapshot.VPCs {
		if vpc.EnableDNSSupport {
			wanted.Names[vpc.ID] = namesOf(vpc, p.topology.snapshot)
			wanted.Resolvers[vpc.ID] = resolverAddr(vpc.CIDR)
		}
	}
	return wanted
}

// markRedirects records, before it is made, that the machine's own namespace
// holds a table of the lab.
func (h *Hypervisor) markRedirects() error {
	return h.save(func(s *state) { s.Redirects = true })
}

func (h *Hypervisor) healthy(group, instance string) bool {
	return h.probes.state(group, instance) == targetHealthy
}

func (h *Hypervisor) reportSessions() {
	if h.cfg.Sessions != nil {
		h.cfg.Sessions(h.ctx, SessionsReport{
			Stream: h.services.sessions.url, Secret: hex.EncodeToString(h.services.sessions.secret), Online: h.agents.report(),
		})
	}
}

// healthChanged leads connections past targets that do not answer any more, and
// to those that do again, and tells whoever wants to know.
func (h *Hypervisor) healthChanged() {
	if err := h.refresh(h.ctx); err != nil && h.ctx.Err() == nil {
		h.log.Error("follow the health of targets", "error", err)
	}
	if h.cfg.Health != nil {
		h.cfg.Health(h.ctx, h.probes.report())
	}
}
