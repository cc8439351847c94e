package config

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"path"
	"strings"
)

// name checks the stack's name, which becomes part of DNS names, of AWS names
// with a limit of 32 characters and of host names.
func (r *reader) name() {
	if !stackName.MatchString(r.stack.Name) {
		r.problem("stack name", r.stack.Name, "cannot name a cluster",
			"1 to 30 lower case letters, digits and hyphens that begin with a letter")
	}
}

func (r *reader) region(values map[string]string) {
	const key, allowed = "aws:region", "a region such as us-east-1"
	region, ok := values[key]
	switch {
	case !ok || region == "":
		r.problem(key, nil, "is missing", allowed)
	case !regionName.MatchString(region):
		r.problem(key, region, "does not have the form of a region", allowed)
	default:
		r.stack.Region = region
	}
}

// sound tells whether none of the fields has a problem of its own: rules across
// fields would only repeat it in other words.
func (r *reader) sound(fields ...string) bool {
	for _, f := range fields {
		key := Namespace + ":" + f
		for bad := range r.bad {
			if bad == key || strings.HasPrefix(key, bad+".") {
				return false
			}
		}
	}
	return true
}

func (r *reader) has(field string) bool { return r.given[Namespace+":"+field] }

// rules checks what takes more than one field, and sets the defaults that
// depend on other fields.
func (r *reader) rules() {
	r.quorum()
	r.zones()
	r.room()
	r.admins()
	r.peering()
	r.flowLogs()
	r.entry()
	r.volume("brokers.volume", r.stack.Brokers.Volume)
	r.volume("controllers.volume", r.stack.Controllers.Volume)
	r.encryption()
	r.images()
	r.lostDisks()
	r.aptSources()
	r.archive()
	r.properties()
	r.users()
	r.security()
	r.production()
}

func (r *reader) quorum() {
	s := &r.stack
	if !r.sound("brokers.count", "controllers.count", "controllers.mode") {
		return
	}
	combined := s.Controllers.Mode == ModeCombined
	if !r.has("controllers.count") {
		s.Controllers.Count = 3
		if combined && s.Brokers.Count < 3 {
			s.Controllers.Count = 1
		}
	}
	if !combined {
		return
	}
	if r.has("controllers.from") {
		r.problem(Namespace+":controllers.from", s.Controllers.From, "has no use in combined mode, where the quorum is on the brokers", "mode: dedicated, or remove the line")
	}
	if s.Controllers.Count > s.Brokers.Count {
		r.problem(Namespace+":controllers.count", s.Controllers.Count,
			fmt.Sprintf("is more than the %d brokers, which are the voters in combined mode", s.Brokers.Count),
			"an odd number up to brokers.count, or mode: dedicated")
	}
	for _, f := range []string{"instanceType", "volume.sizeGiB", "volume.iops", "volume.throughput"} {
		if r.has("controllers." + f) {
			r.problem(Namespace+":controllers."+f, nil, "has no use in combined mode, where controllers run on the brokers' hosts",
				"it under kraftstack:brokers, or mode: dedicated")
		}
	}
}

func (r *reader) zones() {
	n := &r.stack.Network
	if !r.sound("brokers.count", "controllers.count", "controllers.mode", "network.zones") {
		return
	}
	nodes := r.stack.Brokers.Count
	if r.stack.Controllers.Mode == ModeDedicated {
		nodes = max(nodes, r.stack.Controllers.Count)
	}
	if len(n.Zones) == 0 && n.ZoneCount == 0 {
		n.ZoneCount = min(3, nodes)
		return
	}
	if count := n.zoneCount(); count > nodes {
		r.problem(Namespace+":network.zones", count, fmt.Sprintf("is more zones than there are nodes to put into them (%d)", nodes),
			"fewer zones, or more brokers")
	}
}

// room checks that the network takes the hosts.
func (r *reader) room() {
	if !r.sound("brokers.count", "controllers.count", "controllers.mode", "network.zones", "network.cidr") {
		return
	}
	s := r.stack
	key, zones := Namespace+":network.cidr", s.Network.zoneCount()
	private, public := s.Network.plan(zones)
	if private > smallestSubnet || public > smallestSubnet {
		r.problem(key, s.Network.CIDR.String(), fmt.Sprintf("is too small for %d zones: its subnets would be smaller than /%d", zones, smallestSubnet),
			"a wider network, or fewer zones")
		return
	}
	hosts := make([]int, zones)
	for _, n := range s.Nodes() {
		hosts[n.Zone]++
	}
	if hosts[0] > usable(private) {
		r.problem(key, s.Network.CIDR.String(),
			fmt.Sprintf("is too small: %d hosts in the first zone, and its private subnet, a /%d, takes %d", hosts[0], private, usable(private)),
			"a wider network, or more zones")
	}
}

// mostAdmins leaves room for kraftstack's own rules in the public subnets'
// network ACL, of whose rules AWS allows 20 in each direction.
const mostAdmins = 12

func (r *reader) admins() {
	s := r.stack
	key := Namespace + ":access.adminCidrs"
	if r.sound("access.bastion.count") {
		r.wayIn(key)
	}
	if count := len(s.Access.AdminCIDRs); count > mostAdmins {
		r.problem(key, count, "is more networks than a network ACL has rules for", fmt.Sprintf("at most %d, wider ones if need be", mostAdmins))
	}
	for i, p := range s.Access.AdminCIDRs {
		at := fmt.Sprintf("%s[%d]", key, i)
		if !p.IsValid() || r.bad[at] {
			continue
		}
		switch {
		case p.Bits() == 0 && !s.Access.OpenToWorld:
			r.problem(at, p.String(), "opens the bastion's SSH to the whole internet", "your own networks, or set access.openToWorld: true")
		case p.Bits() != 0 && s.Network.CIDR != (netip.Prefix{}) && p.Overlaps(s.Network.CIDR) && r.sound("network.cidr"):
			r.problem(at, p.String(), "overlaps network.cidr "+s.Network.CIDR.String()+": answers to it would never leave the VPC",
				"another network.cidr, or the administrators' public addresses")
		}
	}
}

// wayIn holds what each way in needs, and refuses what belongs to the other one.
func (r *reader) wayIn(admins string) {
	access := &r.stack.Access
	if access.HasBastion() {
		if !r.has("access.adminCidrs") && !r.bad[admins] {
			r.problem(admins, nil, "is missing", adminsAllowed)
		}
		if r.has("access.localPort") {
			r.problem(Namespace+":access.localPort", nil, "has no use where the bastion is the way in", "access.bastion.count: 0, or remove the line")
		}
		return
	}
	for _, field := range []string{"access.adminCidrs", "access.openToWorld", "access.bastion.instanceType"} {
		if r.has(field) {
			r.problem(Namespace+":"+field, nil, "has no use without a bastion: IAM says who may reach a host", "access.bastion.count: 1, or remove the line")
		}
	}
	if !r.has("access.localPort") {
		access.LocalPort = localPort(r.stack.Name)
	}
}

// localPort spreads stacks over ports that Linux opens no connections from, so
// that two seldom meet on one machine.
func localPort(stack string) int {
	const first, count = 20000, 10000
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(stack)) // a hash takes everything
	return first + int(hash.Sum32()%count)
}

// Ratios of gp3; see volume in table.go.
const (
	iopsPerGiB          = 500
	baselineIOPS        = 3000
	baselineThroughput  = 125 // MiB/s
	iopsPerMiBPerSecond = 4
)

func (r *reader) volume(field string, v Volume) {
	if !r.sound(field+".sizeGiB", field+".iops", field+".throughput") {
		return
	}
	key := Namespace + ":" + field
	if most := max(baselineIOPS, v.SizeGiB*iopsPerGiB); v.IOPS > most {
		r.problem(key+".iops", v.IOPS, fmt.Sprintf("is more than %d for each GiB of a volume of %d GiB", iopsPerGiB, v.SizeGiB),
			fmt.Sprintf("at most %d, or a larger sizeGiB", most))
	}
	iops := max(v.IOPS, baselineIOPS)
	if most := iops / iopsPerMiBPerSecond; v.Throughput > most {
		r.problem(key+".throughput", v.Throughput, fmt.Sprintf("is more than a quarter of the volume's %d IOPS", iops),
			fmt.Sprintf("at most %d, or iops: %d", most, v.Throughput*iopsPerMiBPerSecond))
	}
}

// apacheArchive holds every release of Kafka for good.
const apacheArchive = "https://archive.apache.org/dist/kafka/"

// archive sets the default address, and checks that a given one is of the
// version that will be installed under that version's name.
func (r *reader) archive() {
	k := &r.stack.Kafka
	if !r.sound("kafka.version", "kafka.archiveUrl") {
		return
	}
	if k.ArchiveURL == "" {
		k.ArchiveURL = apacheArchive + k.Version + "/kafka_2.13-" + k.Version + ".tgz"
		return
	}
	name := archiveName.FindStringSubmatch(path.Base(k.ArchiveURL))
	if name != nil && name[1] != k.Version {
		r.problem(Namespace+":kafka.archiveUrl", k.ArchiveURL, "is the archive of "+name[1]+", and kafka.version is "+k.Version,
			"the archive of that version, or the other version")
	}
}
