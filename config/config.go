// Package config is the typed model of a stack file: what can be said in
// Pulumi.<stack>.yaml, its defaults and its rules. It does no I/O and knows no
// Pulumi engine, so the driver can refuse a bad file before anything starts and
// the program refuses the same file with the same words.
//
// The fields of a stack file, their defaults and their rules stand in one
// table (table.go); docs/configuration.md is made from it.
package config

import "net/netip"

// Stack is one decoded stack file with every default applied.
type Stack struct {
	// Name is the stack's name: it names the cluster, its DNS domain and its
	// AWS resources.
	Name        string
	Region      string // aws:region
	Network     Network
	Access      Access
	Entry       Entry
	Controllers Controllers
	Brokers     Brokers
	Hosts       Hosts
	Kafka       Kafka
	Users       []User // kraftstack:users, in the stack file's order
	Rolling     Rolling
	Rebalance   Rebalance
	Security    Security
	Policy      Policy
}

// Policy is kraftstack:policy.
type Policy struct {
	// Production makes more rules refuse. The default is the stack's name's to
	// say: prod, production, or one that begins with prod-.
	Production bool
	Waivers    []Waiver
}

// Waiver lets a rule be broken for a while.
type Waiver struct {
	Rule     string // its id
	Resource string // "broker-1003 data"; empty is every one
	Reason   string
	Until    string // the last day: 2027-01-31
}

// Network is kraftstack:network.
type Network struct {
	CIDR netip.Prefix // default 10.0.0.0/16; /16 to /26
	// Zones are availability zone names. Empty while ZoneCount says how many
	// to look up.
	Zones       []string
	ZoneCount   int    // default 3, or fewer where there are fewer nodes; 0 where Zones is given
	NATGateways string // "one" (default), "perZone" or "none"
	PeerVPC     PeerVPC
	FlowLogs    FlowLogs
}

// FlowLogs is network.flowLogs: where VPC flow logs go.
type FlowLogs struct {
	To            string // FlowLogsNone (default), FlowLogsCloudWatch or FlowLogsS3
	Bucket        string // S3 only: its name
	RetentionDays int    // CloudWatch only; default 30
	Traffic       string // "all" (default), "accept" or "reject"
}

// What network.flowLogs.to can say.
const (
	FlowLogsNone       = "none"
	FlowLogsCloudWatch = "cloudwatch" // a log group of the stack's own
	FlowLogsS3         = "s3"         // a bucket that is there already
)

// PeerVPC is network.peerVpc: the VPC that clients live in. The zero value is
// none.
type PeerVPC struct {
	ID   string       // vpc-…, or PeerDefault until it is looked up
	CIDR netip.Prefix // its addresses; zero until it is looked up
}

// PeerDefault stands for the account's default VPC.
const PeerDefault = "default"

// What network.natGateways can say.
const (
	NATOne     = "one"     // one gateway in the first zone: cheapest
	NATPerZone = "perZone" // one in each zone: the loss of a zone costs no other its way out
	NATNone    = "none"    // no way out: hosts need an image that has everything
)

// Access is kraftstack:access.
type Access struct {
	AdminCIDRs []netip.Prefix // who may reach the bastion's SSH; required where there is one
	// OpenToWorld is the named override without which 0.0.0.0/0 is refused.
	OpenToWorld bool
	Bastion     Bastion
	// ClientCIDRs and ClientGroups are who may reach the ports for clients
	// besides the bastion and the peer VPC.
	ClientCIDRs  []netip.Prefix
	ClientGroups []string // sg-…
	// HostTimeoutSeconds is how long up waits for a host to answer SSH, for its
	// disk to appear and for the archive's server to answer, each. Default 300:
	// a first boot takes minutes.
	HostTimeoutSeconds int
	// KeyGeneration counts the SSH keys: the pair that logs in, and each host's.
	KeyGeneration int
	// LocalPort is where up's steps find the way to the hosts, on the loopback of
	// the machine that runs it, where Session Manager is that way. Default 20000
	// to 29999, by the stack's name.
	LocalPort int
}

// Bastion is the host that all SSH passes through.
type Bastion struct {
	InstanceType string // default t3.micro
	Count        int    // default 1; 0: Session Manager is the way in
}

// HasPublicSubnets says whether there is anything to be in them.
func (s Stack) HasPublicSubnets() bool {
	return s.Access.HasBastion() || s.Network.NATGateways != NATNone
}

// HasBastion says whether the way in is a bastion, and not Session Manager.
func (a Access) HasBastion() bool { return a.Bastion.Count > 0 }

// Controllers is kraftstack:controllers.
type Controllers struct {
	Mode         string // "combined" (default) or "dedicated"
	From         string // "combined": dedicated controllers find a quorum on brokers; "" otherwise
	Count        int    // odd; default 3, or the most that fewer combined brokers allow
	InstanceType string // dedicated only; default t3.medium
	Volume       Volume // dedicated only; default 20 GiB
}

// Brokers is kraftstack:brokers.
type Brokers struct {
	Count        int    // default 3
	InstanceType string // default m7i.large
	Volume       Volume // default 100 GiB
	Image        string // "ubuntu" (default), "amazonlinux" or "ami-…"
}

// What brokers.image can say besides an AMI's id.
const (
	ImageUbuntu      = "ubuntu"
	ImageAmazonLinux = "amazonlinux"
	ImageGolden      = "golden" // the stack's own: Hosts.Golden
)

// What kafka.finalize can say.
const (
	FinalizeAuto   = "auto"   // as the last step of the run that upgrades
	FinalizeManual = "manual" // when the stack file says auto
)

// Rolling is kraftstack:rolling.
type Rolling struct {
	By string // "broker" (default) or "zone"
	// GateTimeoutSeconds is how long a restart waits for the cluster to be able
	// to do without the host. Default 120.
	GateTimeoutSeconds int
}

// What rolling.by can say.
const (
	RollByBroker = "broker" // one host after another
	RollByZone   = "zone"   // all of a zone's hosts at once, zone after zone
)

// Rebalance is kraftstack:rebalance.
type Rebalance struct {
	Spread string // "auto" (default) or "manual"
	// ThrottleMiB is how much moves into, and out of, a broker in a second.
	// Default 50.
	ThrottleMiB int
}

// What rebalance.spread can say.
const (
	SpreadAuto   = "auto"   // brokers that join get their share of the partitions
	SpreadManual = "manual" // they get new partitions only
)

// Volume is a gp3 data volume. Zero IOPS and Throughput mean gp3's baseline of
// 3,000 IOPS and 125 MiB/s.
type Volume struct {
	SizeGiB    int
	IOPS       int
	Throughput int // MiB/s
}

// Kafka is kraftstack:kafka.
type Kafka struct {
	Version    string // default 4.3.0
	ArchiveURL string // default Apache's own archive, for Version
	// SHA512 is 128 hex digits, lower case. Empty means: take the file
	// ArchiveURL.sha512 that Apache publishes beside each archive.
	SHA512 string
	// Keys are armored PGP keys, one of which must have signed the archive, or
	// the https URL of such. Empty: the signature is not looked at.
	Keys string
	Heap string // such as "1g" or "512m"; default 1g
	// Finalize is "auto" (default) or "manual": whether the metadata version is
	// raised once all nodes run Version, after which there is no way back.
	Finalize string
	// Config holds broker properties as given, in the stack file's spelling.
	Config map[string]string
}
