package hypervisor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const (
	uplinkName    = "uplink" // a router's interface towards the internet
	hostInterface = "eth0"
)

// linkName is the router's end of a host's veth pair, tailName the internet's
// end of a router's.
func linkName(host int) string { return fmt.Sprintf("h%d", host) }
func tailName(vpc int) string  { return fmt.Sprintf("v%d", vpc) }

// withNetlink opens a netlink socket in the named namespace for fn.
func withNetlink(name string, fn func(*netlink.Handle) error) error {
	ns, err := netns.GetFromPath(netnsPath(name))
	if err != nil {
		return fmt.Errorf("open network namespace %s: %w", name, err)
	}
	defer func() { _ = ns.Close() }()
	handle, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink in %s: %w", name, err)
	}
	defer handle.Close()
	if err := fn(handle); err != nil {
		return fmt.Errorf("in network namespace %s: %w", name, err)
	}
	return nil
}

// ensureVeth joins two namespaces. Both ends are made where they belong, so
// that nothing of it ever shows in the machine's own namespace. An end that is
// alone cannot exist: the kernel removes both together.
func ensureVeth(here, hereName, there, thereName string) error {
	far, err := netns.GetFromPath(netnsPath(there))
	if err != nil {
		return fmt.Errorf("open network namespace %s: %w", there, err)
	}
	defer func() { _ = far.Close() }()
	return withNetlink(here, func(handle *netlink.Handle) error {
		if _, err := handle.LinkByName(hereName); err == nil {
			return nil
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name = hereName
		veth := &netlink.Veth{LinkAttrs: attrs, PeerName: thereName, PeerNamespace: netlink.NsFd(int(far))}
		if err := handle.LinkAdd(veth); err != nil {
			return fmt.Errorf("make link %s to %s: %w", hereName, there, err)
		}
		return nil
	})
}

func linkUp(handle *netlink.Handle, name string) (netlink.Link, error) {
	link, err := handle.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("find interface %s: %w", name, err)
	}
	if err := handle.LinkSetUp(link); err != nil {
		return nil, fmt.Errorf("bring interface %s up: %w", name, err)
	}
	return link, nil
}

func addAddr(handle *netlink.Handle, link netlink.Link, prefix netip.Prefix) error {
	err := handle.AddrReplace(link, &netlink.Addr{IPNet: ipNet(prefix)})
	if err != nil {
		return fmt.Errorf("give %s to %s: %w", prefix, link.Attrs().Name, err)
	}
	return nil
}

// dropAddrs takes all addresses but the given ones from a link, whose own
// 127.0.0.1 stays.
func dropAddrs(handle *netlink.Handle, link netlink.Link, keep []netip.Addr) error {
	found, err := handle.AddrList(link, unix.AF_INET)
	if err != nil {
		return fmt.Errorf("list the addresses of %s: %w", link.Attrs().Name, err)
	}
	for _, one := range found {
		addr, ok := netip.AddrFromSlice(one.IP.To4())
		if !ok || addr.IsLoopback() || slices.Contains(keep, addr) {
			continue
		}
		if err := handle.AddrDel(link, &one); err != nil {
			return fmt.Errorf("take %s from %s: %w", addr, link.Attrs().Name, err)
		}
	}
	return nil
}

// addRoute sets a route, replacing one to the same destination.
func addRoute(handle *netlink.Handle, route *netlink.Route) error {
	if err := handle.RouteReplace(route); err != nil {
		return fmt.Errorf("set the route to %v: %w", route.Dst, err)
	}
	return nil
}

func dropRoute(handle *netlink.Handle, route *netlink.Route) error {
	if err := handle.RouteDel(route); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("remove the route to %v: %w", route.Dst, err)
	}
	return nil
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}

func single(addr netip.Addr) netip.Prefix { return netip.PrefixFrom(addr, addr.BitLen()) }
