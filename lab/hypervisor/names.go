package hypervisor

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"kraftstack/lab/cloud"
)

// downloadName is where hosts find the archives that a real one would get from
// the internet.
const downloadName = "downloads.kraftstack.lab"

// mirrorName is the same archives in a bucket of the lab's S3: what hosts
// without a way to the internet reach through a gateway endpoint.
const mirrorName = "kraftstack-mirror.s3.us-east-1.amazonaws.com"

// negativeTTL is how long, in seconds, a resolver may remember that a name does
// not exist. AWS's private zones say 900 by default; tests need not wait so
// long, and a program that asks too early still fails.
const negativeTTL = 5

// names is what the resolver of one VPC knows. It never asks anybody else: what
// is not here does not exist.
type names struct {
	records map[string][]dns.RR // by lower-case name with its final dot
}

// namesOf gathers the names that a VPC's resolver answers. Private zones need
// both of the VPC's DNS settings, as on AWS.
func namesOf(vpc cloud.VPC, snapshot cloud.Snapshot) names {
	n := names{records: map[string][]dns.RR{}}
	n.addA(downloadName, 60, downloadAddr)
	n.addA(mirrorName, 60, s3Addr)
	for _, instance := range snapshot.Instances {
		if instance.VPC != vpc.ID {
			continue
		}
		name := internalName(instance.PrivateIP) + "." + internalDomain(instance.Zone)
		n.addA(name, 60, instance.PrivateIP)
		n.addPTR(instance.PrivateIP, name)
	}
	for _, balancer := range snapshot.Balancers { // a public name, with private addresses
		for _, node := range balancer.Nodes {
			n.addA(balancer.DNSName, 60, node.Addr)
		}
	}
	for _, endpoint := range snapshot.Endpoints {
		if endpoint.VPC != vpc.ID || !vpc.EnableDNSHostnames { // as private zones
			continue
		}
		for _, name := range endpoint.Names {
			for _, node := range endpoint.Nodes {
				n.addA(name, 60, node.Addr)
			}
		}
	}
	for _, zone := range snapshot.Zones {
		if !vpc.EnableDNSHostnames || !slices.Contains(zone.VPCs, vpc.ID) {
			continue
		}
		n.addName(zone.Name)
		for _, record := range zone.Records {
			n.addRecord(record)
		}
	}
	return n
}

func (n names) addName(name string) {
	key := dns.CanonicalName(name)
	if _, ok := n.records[key]; !ok {
		n.records[key] = nil
	}
}

func (n names) add(name string, rr dns.RR) {
	key := dns.CanonicalName(name)
	n.records[key] = append(n.records[key], rr)
}

func (n names) addA(name string, ttl uint32, addr netip.Addr) {
	n.add(name, &dns.A{Hdr: header(name, dns.TypeA, ttl), A: net.IP(addr.AsSlice())})
}

func (n names) addPTR(addr netip.Addr, name string) {
	reverse, err := dns.ReverseAddr(addr.String())
	if err != nil {
		return // only for what is no address
	}
	n.add(reverse, &dns.PTR{Hdr: header(reverse, dns.TypePTR, 60), Ptr: dns.Fqdn(name)})
}

// addRecord adds a record set; an alias has the addresses of what it stands for,
// which is known already. A value that is no address is left out, as
// Route 53 does not accept it in the first place.
func (n names) addRecord(record cloud.Record) {
	for _, rr := range n.records[dns.CanonicalName(record.Alias)] {
		if a, ok := rr.(*dns.A); ok {
			n.add(record.Name, &dns.A{Hdr: header(record.Name, dns.TypeA, a.Hdr.Ttl), A: a.A})
		}
	}
	for _, value := range record.Values {
		switch record.Type {
		case "A":
			if addr, err := netip.ParseAddr(value); err == nil {
				n.addA(record.Name, record.TTL, addr)
			}
		case "CNAME":
			n.add(record.Name, &dns.CNAME{Hdr: header(record.Name, dns.TypeCNAME, record.TTL), Target: dns.Fqdn(value)})
		}
	}
}

func header(name string, kind uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: dns.Fqdn(name), Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

// answer replies to one query, following aliases.
func (n names) answer(query *dns.Msg) *dns.Msg {
	reply := new(dns.Msg)
	reply.SetReply(query)
	reply.Authoritative, reply.RecursionAvailable = true, true
	if len(query.Question) != 1 {
		return reply.SetRcode(query, dns.RcodeFormatError)
	}
	question := query.Question[0]
	name := dns.CanonicalName(question.Name)
	for range 8 { // longer chains of aliases are loops
		found, exists := n.records[name]
		if !exists {
			if len(reply.Answer) == 0 {
				reply.Rcode = dns.RcodeNameError
			}
			break
		}
		alias := ""
		for _, rr := range found {
			cname, isAlias := rr.(*dns.CNAME)
			if rr.Header().Rrtype == question.Qtype || isAlias {
				reply.Answer = append(reply.Answer, dns.Copy(rr))
			}
			if isAlias && question.Qtype != dns.TypeCNAME {
				alias = dns.CanonicalName(cname.Target)
			}
		}
		if alias == "" {
			break
		}
		name = alias
	}
	if len(reply.Answer) == 0 {
		reply.Ns = []dns.RR{authority(question.Name)}
	}
	return reply
}

// authority bounds how long a negative answer is kept.
func authority(name string) dns.RR {
	zone := "."
	if labels := strings.SplitN(dns.Fqdn(name), ".", 2); len(labels) == 2 && labels[1] != "" {
		zone = labels[1]
	}
	return &dns.SOA{
		Hdr: header(zone, dns.TypeSOA, negativeTTL), Ns: "ns." + downloadName + ".", Mbox: "root." + downloadName + ".",
		Serial: 1, Refresh: 60, Retry: 60, Expire: 60, Minttl: negativeTTL,
	}
}
