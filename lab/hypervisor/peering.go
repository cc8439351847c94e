package hypervisor

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"kraftstack/lab/cloud"
)

// peerView is a peering connection as one of its two routers sees it.
type peerView struct {
	Link   string // the router's end of it
	CIDR   netip.Prefix
	Routes []peerRoute
}

// peerRoute is a route of one subnet into the peer VPC.
type peerRoute struct{ Subnet, Destination netip.Prefix }

// peerLink names both ends of a connection's link, one in each router.
func peerLink(index int) string { return fmt.Sprintf("p%d", index) }

// peers lists a VPC's connections. A packet takes one where its subnet's route
// table says so; both directions need a route, for answers are routed too.
func (t *topology) peers(vpc cloud.VPC, indexes map[string]int) []peerView {
	var views []peerView
	for _, peering := range t.snapshot.Peerings {
		far, ok := t.vpcs[peering.Other(vpc.ID)]
		if !ok {
			continue
		}
		view := peerView{Link: peerLink(indexes[peering.ID]), CIDR: far.CIDR}
		for _, subnet := range t.snapshot.Subnets {
			if subnet.VPC != vpc.ID {
				continue
			}
			for _, route := range t.tables[subnet.RouteTable].Routes {
				if route.Target == peering.ID {
					view.Routes = append(view.Routes, peerRoute{subnet.CIDR, route.Destination})
				}
			}
		}
		slices.SortFunc(view.Routes, func(a, b peerRoute) int {
			return strings.Compare(a.Subnet.String()+a.Destination.String(), b.Subnet.String()+b.Destination.String())
		})
		views = append(views, view)
	}
	return views
}

// writePeers lets only the peer's own addresses in over its link, only for
// hosts of this VPC, since a peering connection leads no further; and only
// packets out whose subnet has a route there.
func writePeers(b *strings.Builder, view routerView) {
	for _, peer := range view.Peers {
		fmt.Fprintf(b, "\t\tiifname %q ip saddr != %s counter drop\n", peer.Link, peer.CIDR)
		fmt.Fprintf(b, "\t\tiifname %q ip daddr != %s counter drop\n", peer.Link, view.CIDR)
		fmt.Fprintf(b, "\t\toifname %q jump route-%s\n", peer.Link, peer.Link)
	}
}

func writePeerRoutes(b *strings.Builder, view routerView) {
	for _, peer := range view.Peers {
		fmt.Fprintf(b, "\tchain route-%s {\n", peer.Link)
		for _, route := range peer.Routes {
			fmt.Fprintf(b, "\t\tip saddr %s ip daddr %s return\n", route.Subnet, route.Destination)
		}
		b.WriteString("\t\tcounter drop\n\t}\n")
	}
}

// edges are a router's links that lead out of its VPC, as an nftables set.
func (v routerView) edges() string {
	names := []string{fmt.Sprintf("%q", v.Uplink)}
	for _, peer := range v.Peers {
		names = append(names, fmt.Sprintf("%q", peer.Link))
	}
	return "{ " + strings.Join(names, ", ") + " }"
}

// refreshPeerings joins the routers of peered VPCs, routes over the links what
// the route tables say, and removes the links of connections that are gone.
func (h *Hypervisor) refreshPeerings(p picture) error {
	var errs []error
	alive := map[string]bool{}
	for _, peering := range p.topology.snapshot.Peerings {
		one, known := p.topology.vpcs[peering.VPCs[0]]
		two, alsoKnown := p.topology.vpcs[peering.VPCs[1]]
		if !known || !alsoKnown {
			continue
		}
		alive[peering.ID] = true
		if err := h.joinRouters(p, p.peerings[peering.ID], one, two); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", peering.ID, err))
		}
	}
	for _, id := range sortedKeys(p.peerings) {
		if alive[id] {
			continue
		}
		for vpc := range p.vpcs { // one of them has it; the other end goes with it
			errs = append(errs, removeLink(h.routerName(vpc), peerLink(p.peerings[id])))
		}
		errs = append(errs, h.save(func(s *state) { delete(s.Peerings, id) }))
	}
	return errors.Join(errs...)
}

func (h *Hypervisor) joinRouters(p picture, index int, one, two cloud.VPC) error {
	link := peerLink(index)
	if err := ensureVeth(h.routerName(one.ID), link, h.routerName(two.ID), link); err != nil {
		return err
	}
	first, second := peerAddrs(index)
	return errors.Join(
		h.routeToPeer(p, one, link, first, second),
		h.routeToPeer(p, two, link, second, first),
	)
}

// routeToPeer gives one router its end of the link and its routes over it.
func (h *Hypervisor) routeToPeer(p picture, vpc cloud.VPC, name string, near, far netip.Addr) error {
	wanted := map[string]netip.Prefix{}
	for _, peer := range p.topology.peers(vpc, p.peerings) {
		for _, route := range peer.Routes {
			if peer.Link == name {
				wanted[route.Destination.String()] = route.Destination
			}
		}
	}
	router := h.routerName(vpc.ID)
	if err := inNetns(router, func() error { return sysctl("ipv4/conf/"+name+"/rp_filter", "0") }); err != nil {
		return err
	}
	return withNetlink(router, func(handle *netlink.Handle) error {
		link, err := linkUp(handle, name)
		if err != nil {
			return err
		}
		if err := addAddr(handle, link, netip.PrefixFrom(near, 30)); err != nil {
			return err
		}
		routes, err := handle.RouteList(link, unix.AF_INET)
		if err != nil {
			return fmt.Errorf("list the routes of %s: %w", name, err)
		}
		for _, route := range routes {
			if _, ok := wanted[route.Dst.String()]; !ok && route.Gw != nil {
				if err := dropRoute(handle, &route); err != nil {
					return err
				}
			}
		}
		for _, key := range sortedKeys(wanted) {
			if err := addRoute(handle, &netlink.Route{Dst: ipNet(wanted[key]), Gw: far.AsSlice(), LinkIndex: link.Attrs().Index}); err != nil {
				return err
			}
		}
		return nil
	})
}
