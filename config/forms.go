package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	stackName    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,29}$`)
	regionName   = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	zoneName     = regexp.MustCompile(`^([a-z]{2}(?:-[a-z]+)+-[0-9])[a-z]$`)
	instanceName = regexp.MustCompile(`^[a-z][a-z0-9-]*\.(nano|micro|small|medium|large|[0-9]*xlarge|metal(-[0-9]+xl)?)$`)
	amiID        = regexp.MustCompile(`^ami-([0-9a-f]{8}|[0-9a-f]{17})$`)
	goldenName   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,19}$`)
	versionText  = regexp.MustCompile(`^(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})$`)
	archiveName  = regexp.MustCompile(`^kafka_2\.1[0-9]-([0-9]+\.[0-9]+\.[0-9]+)\.tgz$`)
	sumText      = regexp.MustCompile(`^[0-9a-f]{128}$`)
	keyARN       = regexp.MustCompile(`^arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)
	// | is between the lines where they are one argument.
	aptSource = regexp.MustCompile(`^deb (\[[^\[\]|']+\] )?https?://[^\s|@']+( [A-Za-z0-9./_-]+)+$`)
	heapText  = regexp.MustCompile(`^([1-9][0-9]{0,6})([mg])$`)
)

func odd(n int) string {
	if n%2 == 0 {
		return "is even: an even quorum survives no more losses than the odd one below it"
	}
	return ""
}

func instanceForm(s string) string {
	if !instanceName.MatchString(s) {
		return "does not have the form of an instance type"
	}
	return ""
}

// keyForm takes ARNs of keys alone: the AWS provider compares what AWS tells, and
// AWS tells a volume's key by its ARN. The region is a rule of its own.
func keyForm(s string) string {
	if !keyARN.MatchString(s) {
		return "is not the ARN of a KMS key"
	}
	return ""
}

func goldenForm(s string) string {
	if !goldenName.MatchString(s) {
		return "does not have the form of such a name"
	}
	return ""
}

func imageForm(s string) string {
	switch {
	case strings.HasPrefix(s, "ami-"):
		if !amiID.MatchString(s) {
			return "does not have the form of an AMI id"
		}
		return ""
	default:
		return oneOf(ImageUbuntu, ImageAmazonLinux, ImageGolden)(s)
	}
}

// versionForm refuses what lacks the dynamic quorum as kraftstack forms it:
// format with --initial-controllers for voters and --no-initial-controllers
// for the rest behave as used here since 4.1.
func versionForm(s string) string {
	parts := versionText.FindStringSubmatch(s)
	if parts == nil {
		return "does not have the form of a version"
	}
	major, _ := strconv.Atoi(parts[1]) // the form has been checked
	minor, _ := strconv.Atoi(parts[2])
	if major < 4 || major == 4 && minor < 1 {
		return "is too old"
	}
	return ""
}

// setArchive takes the archive's URL. One with credentials is not shown again,
// nor is one with a query, where signed URLs have theirs.
func setArchive(s *Stack, v any) []flaw {
	given, _ := v.(string)
	if wrong := archiveForm(given); wrong != "" {
		return []flaw{{wrong: wrong, hide: strings.ContainsAny(given, "@?")}}
	}
	s.Kafka.ArchiveURL = given
	return nil
}

func archiveForm(s string) string {
	if wrong := addressForm(s); wrong != "" {
		return wrong
	}
	u, _ := url.Parse(s) // the form has been checked
	switch {
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "has a query or fragment, so .sha512 cannot be put behind it"
	case !strings.HasSuffix(u.Path, ".tgz") || strings.HasSuffix(u.Path, "/.tgz"):
		return "does not end in .tgz"
	}
	return ""
}

// addressForm checks what hosts can fetch from.
func addressForm(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || strings.ContainsFunc(s, isOdd) || strings.ContainsAny(s, `"'\`+"`$ "):
		return "is not a URL"
	case u.User != nil:
		return "has credentials in it, which would be seen in every log"
	case u.Scheme != "http" && u.Scheme != "https":
		return "is neither http nor https"
	}
	return ""
}

// isOdd tells the runes that no single line of text has.
func isOdd(r rune) bool { return r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 }

func setSum(s *Stack, v any) []flaw {
	sum, _ := v.(string)
	sum = strings.ToLower(sum)
	if !sumText.MatchString(sum) {
		return flawed(fmt.Sprintf("is not a SHA-512: it has %d characters", len(sum)))
	}
	s.Kafka.SHA512 = sum
	return nil
}

func heapForm(s string) string {
	parts := heapText.FindStringSubmatch(s)
	if parts == nil {
		return "does not have the form of a heap size"
	}
	if mib := HeapMiB(s); mib < 256 || mib > 64*1024 {
		return "is out of range"
	}
	return ""
}

// HeapMiB is a heap text such as 512m or 6g in MiB; 0 if it is none.
func HeapMiB(heap string) int {
	parts := heapText.FindStringSubmatch(heap)
	if parts == nil {
		return 0
	}
	n, _ := strconv.Atoi(parts[1]) // the form has been checked
	if parts[2] == "g" {
		n *= 1024
	}
	return n
}

// privateRanges are where a VPC's addresses may come from: RFC 1918, and RFC
// 6598's shared space, which AWS allows too.
func privateRanges() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
	}
}

func setVPC(s *Stack, v any) []flaw {
	given, _ := v.(string)
	p, wrong := network(given)
	if wrong != "" {
		return flawed(wrong)
	}
	if p.Bits() < 16 || p.Bits() > 26 {
		return flawed(fmt.Sprintf("is out of range: a VPC of /%d", p.Bits()))
	}
	private := slices.ContainsFunc(privateRanges(), func(r netip.Prefix) bool {
		return r.Bits() <= p.Bits() && r.Contains(p.Addr())
	})
	if !private {
		return flawed("has public addresses, which would hide those hosts of the internet from the cluster")
	}
	s.Network.CIDR = p
	return nil
}

// network reads an IPv4 network in CIDR form.
func network(s string) (netip.Prefix, string) {
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return p, "is not a network in CIDR form"
	case !p.Addr().Is4():
		return p, "is not IPv4"
	case p != p.Masked():
		return p, "has host bits (did you mean " + p.Masked().String() + "?)"
	}
	return p, ""
}

func setAdmins(s *Stack, v any) []flaw {
	given, _ := v.([]string)
	if len(given) == 0 {
		return flawed("is empty: nobody could reach the bastion, and neither could kraftstack")
	}
	var flaws []flaw
	var admins []netip.Prefix
	for i, item := range given {
		at := fmt.Sprintf("[%d]", i)
		p, wrong := network(item)
		if wrong != "" {
			flaws = append(flaws, flaw{at: at, value: item, wrong: wrong, allowed: "an IPv4 network such as 203.0.113.0/24"})
			p = netip.Prefix{} // keeps the others at their index
		}
		for _, other := range admins {
			if p.IsValid() && p == other {
				flaws = append(flaws, flaw{at: at, value: item, wrong: "is there twice", allowed: "it once"})
			} else if p.Overlaps(other) {
				flaws = append(flaws, flaw{at: at, value: item, wrong: "overlaps " + other.String(), allowed: "only the wider of the two"})
			}
		}
		admins = append(admins, p)
	}
	s.Access.AdminCIDRs = admins
	return flaws
}

func setZones(s *Stack, v any) []flaw {
	if n, ok := v.(int); ok {
		s.Network.Zones, s.Network.ZoneCount = nil, n
		return flawed(between(1, MaxZones)(n))
	}
	given, _ := v.([]string)
	if len(given) == 0 || len(given) > MaxZones {
		return flawed(fmt.Sprintf("has %d zones", len(given)))
	}
	var flaws []flaw
	for i, zone := range given {
		at := fmt.Sprintf("[%d]", i)
		form := zoneName.FindStringSubmatch(zone)
		switch {
		case form == nil:
			flaws = append(flaws, flaw{at: at, value: zone, wrong: "does not have the form of an availability zone", allowed: "a zone such as us-east-1a"})
		case s.Region != "" && form[1] != s.Region:
			flaws = append(flaws, flaw{at: at, value: zone, wrong: "is not a zone of " + s.Region, allowed: "a zone such as " + s.Region + "a"})
		case slices.Contains(given[:i], zone):
			flaws = append(flaws, flaw{at: at, value: zone, wrong: "is there twice", allowed: "each zone once"})
		}
	}
	s.Network.Zones, s.Network.ZoneCount = slices.Clone(given), 0
	return flaws
}
