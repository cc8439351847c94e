package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Hosts is kraftstack:hosts, which holds for every host of the stack.
type Hosts struct {
	// KMSKey is the ARN of the key that encrypts root and data volumes. Empty:
	// AWS's own key for EBS.
	KMSKey                string
	DetailedMonitoring    bool // metrics every minute instead of every five
	TerminationProtection bool // nobody can terminate a Kafka host by mistake
	ProtectData           bool // the engine refuses to delete or replace data volumes
	// Spread puts the hosts of a role on different racks: at most SpreadLimit in
	// a zone share a placement group.
	Spread bool
	// LostDisks counts, by node, the data volumes that are lost for good. A count
	// that goes up lets the node's new, empty volume be formatted.
	LostDisks map[string]int
	// AMIs pins brokers.image to one id for each architecture. What is missing is
	// the newest image at the time.
	AMIs map[string]string
	// Golden is the image that the stack bakes.
	Golden Golden
	// AptSources are where apt finds packages, as lines of sources.list(5). None:
	// what the image says.
	AptSources []string
}

// Golden is kraftstack:hosts.golden: an image with Java and Kafka, made from a
// host that the stack prepares for it. It is never changed: another name is
// another image.
type Golden struct {
	Name string // "" for none
	Base string // ubuntu or amazonlinux
}

// SpreadLimit is how many running instances a spread placement group takes in
// one zone (Amazon EC2 user guide, "Placement strategies").
const SpreadLimit = 7

// InstanceType is what EC2 says of an instance type.
type InstanceType struct {
	Architectures []string // "amd64", "arm64"; what else there is has no image here
	MemoryMiB     int
	NVMe          bool    // its disks are NVMe devices, which is how the toolkit finds them
	IOPS          int     // the most that its link to EBS takes, for all its disks
	MBPerSecond   float64 // likewise, in MB/s of 1,000,000 bytes
}

// Image is what EC2 says of a machine image.
type Image struct {
	ID           string
	Architecture string // "amd64" or "arm64"
}

// roleField is where a stack file names a role's instance type and volume.
type roleField struct {
	typeKey, volumeKey string
	instanceType       string
	volume             Volume
	kafka              bool // the host runs Kafka
}

func (s Stack) roleFields() []roleField {
	var fields []roleField
	if s.Access.HasBastion() {
		fields = append(fields, roleField{typeKey: "access.bastion.instanceType", instanceType: s.Access.Bastion.InstanceType})
	}
	fields = append(fields, roleField{
		typeKey: "brokers.instanceType", volumeKey: "brokers.volume", instanceType: s.Brokers.InstanceType, volume: s.Brokers.Volume, kafka: true,
	})
	if s.Controllers.Mode == ModeDedicated {
		fields = append(fields, roleField{
			typeKey: "controllers.instanceType", volumeKey: "controllers.volume",
			instanceType: s.Controllers.InstanceType, volume: s.Controllers.Volume, kafka: true,
		})
	}
	return fields
}

// InstanceTypes are the instance types that the stack uses, each once, in the
// order of the roles.
func (s Stack) InstanceTypes() []string {
	var types []string
	for _, f := range s.roleFields() {
		if !slices.Contains(types, f.instanceType) {
			types = append(types, f.instanceType)
		}
	}
	return types
}

// CheckHosts compares what the stack file says of hosts and disks with what
// EC2 says of its instance types, by name, and of its images, by architecture.
// A type that is missing in types does not exist in the region. The error is
// an *Error, as from Load.
func (s Stack) CheckHosts(types map[string]InstanceType, images map[string]Image) error {
	c := &hostCheck{stack: s}
	for _, f := range s.roleFields() {
		known, ok := types[f.instanceType]
		if !ok {
			c.problem(f.typeKey, f.instanceType, "does not exist in "+s.Region, "an instance type of that region")
			continue
		}
		c.processor(f, known)
		if f.kafka {
			c.disk(f, known)
			c.memory(f, known)
		}
	}
	for _, architecture := range sortedKeys(images) {
		if image := images[architecture]; image.Architecture != architecture {
			c.image(architecture, image)
		}
	}
	return newError(s.Name, c.problems)
}

type hostCheck struct {
	stack    Stack
	problems []Problem
}

func (c *hostCheck) problem(field string, value any, wrong, allowed string) {
	c.problems = append(c.problems, Problem{Key: Namespace + ":" + field, Value: show(value), Wrong: wrong, Allowed: allowed})
}

// processor refuses what no image is for, which no name tells.
func (c *hostCheck) processor(f roleField, known InstanceType) {
	if !slices.Contains(known.Architectures, Architecture(f.instanceType)) {
		c.problem(f.typeKey, f.instanceType, "has a processor that no supported image is for", "an Intel, AMD or Graviton type")
	}
}

func (c *hostCheck) disk(f roleField, known InstanceType) {
	if !known.NVMe {
		c.problem(f.typeKey, f.instanceType, "shows its disks under other names than NVMe's, by which they are found", "a Nitro type, such as t3, m7i or m7g")
		return
	}
	iops := max(f.volume.IOPS, baselineIOPS)
	if known.IOPS > 0 && iops > known.IOPS {
		c.problem(f.volumeKey+".iops", iops, fmt.Sprintf("is more than the %d that %s takes from its disks", known.IOPS, f.instanceType),
			"fewer, or a larger instance type")
	}
	const mib = float64(1<<20) / 1e6 // MB in a MiB
	throughput := max(f.volume.Throughput, baselineThroughput)
	if most := int(math.Ceil(known.MBPerSecond / mib)); most > 0 && throughput > most {
		c.problem(f.volumeKey+".throughput", throughput, fmt.Sprintf("is more than the %d MiB/s that %s takes from its disks", most, f.instanceType),
			"less, or a larger instance type")
	}
}

// memory leaves the system and the page cache a quarter at the least.
func (c *hostCheck) memory(f roleField, known InstanceType) {
	if heap := HeapMiB(c.stack.Kafka.Heap); known.MemoryMiB > 0 && heap > known.MemoryMiB*3/4 {
		c.problem("kafka.heap", c.stack.Kafka.Heap, fmt.Sprintf("is more than three quarters of the %d MiB that %s (%s) has", known.MemoryMiB, f.instanceType, f.typeKey),
			"less, or a larger instance type")
	}
}

func (c *hostCheck) image(architecture string, image Image) {
	var of []string
	for _, f := range c.stack.roleFields() {
		if Architecture(f.instanceType) == architecture {
			of = append(of, f.instanceType)
		}
	}
	key := "brokers.image"
	if c.stack.Hosts.AMIs[architecture] == image.ID {
		key = "hosts.ami." + architecture
	}
	c.problem(key, image.ID, fmt.Sprintf("is an image for %s, which does not boot on %s", image.Architecture, strings.Join(slices.Compact(of), ", ")),
		"an image for "+architecture+", or instance types for "+image.Architecture)
}

// encryption checks that the KMS key can be used where the volumes are: keys do not
// leave their region.
func (r *reader) encryption() {
	form := keyARN.FindStringSubmatch(r.stack.Hosts.KMSKey)
	if form == nil || r.stack.Region == "" || form[1] == r.stack.Region {
		return
	}
	r.problem(Namespace+":hosts.kmsKey", r.stack.Hosts.KMSKey, "is a key of "+form[1]+", and the stack is in "+r.stack.Region,
		"the ARN of a key in "+r.stack.Region)
}

// setAptSources takes lines of sources.list(5). One with credentials is not shown
// again.
func setAptSources(s *Stack, v any) []flaw {
	lines, _ := v.([]string)
	var flaws []flaw
	for i, line := range lines {
		if !aptSource.MatchString(line) {
			flaws = append(flaws, flaw{
				at: fmt.Sprintf("[%d]", i), value: line, wrong: "does not have the form of such a line",
				allowed: "deb, options in brackets if there are any, an http or https address without credentials, a suite, components",
				hide:    strings.Contains(line, "@"),
			})
		}
	}
	if len(lines) > mostAptSources {
		flaws = append(flaws, flawed(fmt.Sprintf("has %d lines", len(lines)))...)
	}
	if len(lines) > 0 {
		s.Hosts.AptSources = lines
	}
	return flaws
}

// mostAptSources is enough for all suites of a distribution on two mirrors.
const mostAptSources = 8

// aptSources checks that the hosts have apt.
func (r *reader) aptSources() {
	if len(r.stack.Hosts.AptSources) > 0 && r.stack.BaseImage() == ImageAmazonLinux {
		r.problem(Namespace+":hosts.aptSources", nil, "has no use on Amazon Linux, which has dnf", "nothing here: its repositories are in S3, which hosts reach without a NAT gateway")
	}
}

func setLostDisks(s *Stack, v any) []flaw {
	given, _ := v.(map[string]any)
	counts := make(map[string]int, len(given))
	var flaws []flaw
	for _, node := range sortedKeys(given) {
		value, wrong := whole(given[node])
		count, _ := value.(int)
		if wrong == "" {
			wrong = between(1, 1000)(count)
		}
		if wrong != "" {
			flaws = append(flaws, flaw{at: "." + node, value: given[node], wrong: wrong, allowed: "how many disks it has lost, from 1 to 1000"})
			continue
		}
		counts[node] = count
	}
	if len(counts) > 0 {
		s.Hosts.LostDisks = counts
	}
	return flaws
}

// lostDisks checks that each is of a node, and of one that others can refill.
func (r *reader) lostDisks() {
	if !r.sound("brokers.count", "controllers.count", "controllers.mode", "hosts.lostDisks") {
		return
	}
	nodes := map[string]Node{}
	for _, n := range r.stack.Nodes() {
		nodes[n.Name] = n
	}
	for _, name := range sortedKeys(r.stack.Hosts.LostDisks) {
		at, count := Namespace+":hosts.lostDisks."+name, r.stack.Hosts.LostDisks[name]
		node, known := nodes[name]
		switch {
		case !known:
			r.problem(at, count, "is of no node of this stack", "a node such as "+r.stack.Nodes()[0].Name+", or remove the line")
		case node.Controller && r.stack.Controllers.Count == 1:
			r.problem(at, count, "is of the only voter: the cluster's metadata was on that disk alone, and with it every record is lost",
				"nothing here: kraftstack destroy, then up, makes a new cluster")
		}
	}
}
