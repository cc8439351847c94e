package hypervisor

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"kraftstack/lab/cloud"
)

// ensureInternet makes the namespace that stands for everything outside.
func ensureInternet(name string) error {
	if err := ensureNetns(name); err != nil {
		return err
	}
	err := inNetns(name, func() error { return sysctl("ipv4/ip_forward", "1") })
	if err != nil {
		return err
	}
	return withNetlink(name, func(handle *netlink.Handle) error {
		lo, err := linkUp(handle, "lo")
		if err != nil {
			return err
		}
		for _, addr := range []netip.Addr{operatorAddr, strangerAddr, downloadAddr, s3Addr} {
			if err := addAddr(handle, lo, single(addr)); err != nil {
				return err
			}
		}
		return nil
	})
}

// ensureRouter makes a VPC's router and joins it to the internet.
func ensureRouter(name, internet string, index int, vpc cloud.VPC, subnets []cloud.Subnet, balancers []balancerView) error {
	if err := ensureNetns(name); err != nil {
		return err
	}
	if err := ensureVeth(name, uplinkName, internet, tailName(index)); err != nil {
		return err
	}
	far, near := transitAddrs(index)
	err := withNetlink(internet, func(handle *netlink.Handle) error {
		link, err := linkUp(handle, tailName(index))
		if err != nil {
			return err
		}
		return addAddr(handle, link, netip.PrefixFrom(far, 30))
	})
	if err != nil {
		return err
	}
	if err := inNetns(name, func() error { return sysctl("ipv4/ip_forward", "1") }); err != nil {
		return err
	}
	return withNetlink(name, func(handle *netlink.Handle) error {
		return configureRouter(handle, near, far, vpc, subnets, balancers)
	})
}

// configureRouter gives the router the addresses that every AWS subnet has, the
// gateway and the resolver, and those of load balancers, on the loopback interface, because the router
// answers for them on the link of each host.
func configureRouter(handle *netlink.Handle, near, far netip.Addr, vpc cloud.VPC, subnets []cloud.Subnet, balancers []balancerView) error {
	uplink, err := linkUp(handle, uplinkName)
	if err != nil {
		return err
	}
	if err := addAddr(handle, uplink, netip.PrefixFrom(near, 30)); err != nil {
		return err
	}
	lo, err := linkUp(handle, "lo")
	if err != nil {
		return err
	}
	own := []netip.Addr{resolverAddr(vpc.CIDR), linkLocalDNS}
	for _, subnet := range subnets {
		own = append(own, gatewayAddr(subnet.CIDR))
	}
	for _, balancer := range balancers {
		for _, node := range balancer.Nodes {
			own = append(own, node.Addr)
		}
	}
	for _, addr := range own {
		if err := addAddr(handle, lo, single(addr)); err != nil {
			return err
		}
	}
	if err := dropAddrs(handle, lo, own); err != nil {
		return err
	}
	// An address of the VPC that no host has must not wander out.
	if err := addRoute(handle, &netlink.Route{Dst: ipNet(vpc.CIDR), Type: unix.RTN_BLACKHOLE}); err != nil {
		return err
	}
	everywhere := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	return addRoute(handle, &netlink.Route{Dst: ipNet(everywhere), Gw: far.AsSlice(), LinkIndex: uplink.Attrs().Index})
}

// ensureHostLink makes a host's namespace with its interface configured as
// DHCP would have done, and joins it to the router. Hosts are routed, not
// bridged: even neighbours in a subnet talk through the router's filter.
func ensureHostLink(ns, router string, index int, addr netip.Addr, subnet netip.Prefix) error {
	if err := ensureNetns(ns); err != nil {
		return err
	}
	if err := ensureVeth(router, linkName(index), ns, hostInterface); err != nil {
		return err
	}
	if err := inNetns(router, func() error { return proxyARP(linkName(index)) }); err != nil {
		return err
	}
	gateway := gatewayAddr(subnet)
	err := withNetlink(router, func(handle *netlink.Handle) error {
		link, err := linkUp(handle, linkName(index))
		if err != nil {
			return err
		}
		return addRoute(handle, &netlink.Route{
			Dst: ipNet(single(addr)), LinkIndex: link.Attrs().Index, Scope: unix.RT_SCOPE_LINK, Src: gateway.AsSlice(),
		})
	})
	if err != nil {
		return err
	}
	return withNetlink(ns, func(handle *netlink.Handle) error {
		if _, err := linkUp(handle, "lo"); err != nil {
			return err
		}
		link, err := linkUp(handle, hostInterface)
		if err != nil {
			return err
		}
		if err := addAddr(handle, link, netip.PrefixFrom(addr, subnet.Bits())); err != nil {
			return err
		}
		everywhere := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		return addRoute(handle, &netlink.Route{Dst: ipNet(everywhere), Gw: gateway.AsSlice(), LinkIndex: link.Attrs().Index})
	})
}

// proxyARP lets the router answer for a host's neighbours on the host's link,
// at once: the kernel's default is to wait up to 0.8 s.
func proxyARP(link string) error {
	for _, set := range [][2]string{
		{"ipv4/conf/" + link + "/proxy_arp", "1"},
		{"ipv4/neigh/" + link + "/proxy_delay", "0"},
		{"ipv4/conf/" + link + "/send_redirects", "0"},
		{"ipv4/conf/" + link + "/rp_filter", "0"},
	} {
		if err := sysctl(set[0], set[1]); err != nil {
			return err
		}
	}
	return nil
}

// routeAlias leads a public alias, from the internet, to the router that owns
// it now. index < 0 removes the route.
func routeAlias(internet string, alias netip.Addr, index int) error {
	return withNetlink(internet, func(handle *netlink.Handle) error {
		if index < 0 {
			return dropRoute(handle, &netlink.Route{Dst: ipNet(single(alias))})
		}
		link, err := handle.LinkByName(tailName(index))
		if err != nil {
			return fmt.Errorf("find interface %s: %w", tailName(index), err)
		}
		_, near := transitAddrs(index)
		return addRoute(handle, &netlink.Route{Dst: ipNet(single(alias)), Gw: near.AsSlice(), LinkIndex: link.Attrs().Index})
	})
}
