package hypervisor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"
)

// The lab's addresses outside every VPC. They are documentation and benchmark
// ranges (RFC 5737, RFC 2544), so they collide with nothing real.
var (
	operatorAddr  = netip.MustParseAddr("203.0.113.10")
	strangerAddr  = netip.MustParseAddr("198.51.100.10")
	downloadAddr  = netip.MustParseAddr("198.51.100.80")
	s3Addr        = netip.MustParseAddr("198.51.100.90")
	linkLocalDNS  = netip.MustParseAddr("169.254.169.253")
	aliasRange    = netip.MustParsePrefix("198.18.0.0/15")
	transitRange  = netip.MustParsePrefix("169.254.0.0/17")
	peerRange     = netip.MustParsePrefix("169.254.192.0/18")
	reservedLocal = []netip.Prefix{aliasRange, netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("198.51.100.0/24")}
)

// prefixOf starts the name of everything that a lab in dir makes on the
// machine: two labs never touch each other's things.
func prefixOf(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return "ks-" + hex.EncodeToString(sum[:2]) + "-"
}

// nth is the address n places after the first one of prefix.
func nth(prefix netip.Prefix, n int) netip.Addr {
	b := prefix.Masked().Addr().As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	v += uint32(n)
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// aliasAddr is the address that stands for the Elastic IP with that index
// inside the namespaces. The first address of the range is left out.
func aliasAddr(index int) netip.Addr { return nth(aliasRange, index+1) }

// transitAddrs are the two ends of the link between the internet and the
// router with that index.
func transitAddrs(index int) (internet, router netip.Addr) {
	return nth(transitRange, 4*index+1), nth(transitRange, 4*index+2)
}

// peerAddrs are the two ends of the link of the peering with that index.
func peerAddrs(index int) (first, second netip.Addr) {
	return nth(peerRange, 4*index+1), nth(peerRange, 4*index+2)
}

// gatewayAddr and resolverAddr follow AWS: the first address of a subnet is
// its router, the second of the VPC its resolver.
func gatewayAddr(subnet netip.Prefix) netip.Addr { return nth(subnet, 1) }
func resolverAddr(vpc netip.Prefix) netip.Addr   { return nth(vpc, 2) }

// lowestFree is the smallest number that no key of used has.
func lowestFree(used map[string]int) int {
	taken := make(map[int]bool, len(used))
	for _, n := range used {
		taken[n] = true
	}
	n := 0
	for taken[n] {
		n++
	}
	return n
}

// freeSlot picks an NVMe number, 1 to 26, for a volume. Where it starts to look
// depends on the volume, because EC2 promises no order either, and a script
// that counts on one should fail here first.
func freeSlot(volume string, used map[string]int) (int, error) {
	taken := make(map[int]bool, len(used))
	for _, n := range used {
		taken[n] = true
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(volume))
	start := int(hash.Sum32() % 26)
	for i := range 26 {
		if n := (start+i)%26 + 1; !taken[n] {
			return n, nil
		}
	}
	return 0, fmt.Errorf("attach volume %s: the host has 26 volumes already, and EC2 allows no more", volume)
}

func deviceName(slot int) string { return fmt.Sprintf("nvme%dn1", slot) }

// byIDName is the link that EBS volumes have on Nitro instances: the volume's
// id without its dash.
func byIDName(volume string) string {
	return "nvme-Amazon_Elastic_Block_Store_" + strings.Replace(volume, "-", "", 1)
}

// internalName is the host name that EC2 gives to an instance without asking.
func internalName(addr netip.Addr) string {
	return "ip-" + strings.ReplaceAll(addr.String(), ".", "-")
}

// internalDomain is the domain of such names in the region of a zone.
func internalDomain(zone string) string {
	region := strings.TrimRight(zone, "abcdefghijklmnopqrstuvwxyz")
	if region == "us-east-1" || region == "" {
		return "ec2.internal"
	}
	return region + ".compute.internal"
}
