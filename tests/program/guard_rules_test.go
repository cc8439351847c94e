package program_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"kraftstack/config"
	"kraftstack/render"
)

func openToWorld(r registration, stack config.Stack) string {
	if r.Type != "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule" {
		return ""
	}
	if r.text("cidrIpv6") != "" {
		return "it lets IPv6 in, which no key asks for"
	}
	cidr := r.text("cidrIpv4")
	if cidr == "" {
		return "" // another group of the stack
	}
	from, err := netip.ParsePrefix(cidr)
	if err != nil {
		return "its source is " + cidr
	}
	if from.Bits() == 0 && !stack.Access.OpenToWorld {
		return "it is open to the world"
	}
	if stack.Network.CIDR.IsValid() && stack.Network.CIDR.Overlaps(from) || slices.Contains(stack.Access.AdminCIDRs, from) || said(stack, cidr) {
		return ""
	}
	return "the stack file does not name " + cidr
}

// said tells whether a network stands anywhere in the stack file.
func said(stack config.Stack, cidr string) bool {
	text, err := json.Marshal(stack)
	return err == nil && strings.Contains(string(text), `"`+cidr+`"`)
}

func openACL(r registration, _ config.Stack) string {
	if r.Type != "aws:ec2/networkAcl:NetworkAcl" {
		return ""
	}
	for _, rule := range items(r.Inputs["ingress"]) {
		low, high := rule["fromPort"], rule["toPort"]
		if rule["cidrBlock"].StringValue() != "0.0.0.0/0" || rule["action"].StringValue() != "allow" || !low.IsNumber() {
			continue
		}
		for _, port := range []float64{22, 3389} {
			// Port 3389 is within the ephemeral range, which answers need.
			if low.NumberValue() <= port && port <= high.NumberValue() && low.NumberValue() < 1024 {
				return fmt.Sprintf("it admits port %.0f from everywhere", port)
			}
		}
	}
	return ""
}

func items(list resource.PropertyValue) []resource.PropertyMap {
	var maps []resource.PropertyMap
	if list.IsArray() {
		for _, item := range list.ArrayValue() {
			if item.IsObject() {
				maps = append(maps, item.ObjectValue())
			}
		}
	}
	return maps
}

func defaultGroup(r registration, _ config.Stack) string {
	if r.Type == "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup" && len(items(r.Inputs["ingress"]))+len(items(r.Inputs["egress"])) > 0 {
		return "it has rules"
	}
	return ""
}

func unencrypted(r registration, _ config.Stack) string {
	switch r.Type {
	case "aws:ebs/volume:Volume":
		if on := r.Inputs["encrypted"]; !on.IsBool() || !on.BoolValue() {
			return "it is not encrypted"
		}
	case "aws:ec2/launchTemplate:LaunchTemplate":
		disks := items(r.Inputs["blockDeviceMappings"])
		if len(disks) == 0 {
			return "it leaves the root disk to the image"
		}
		for _, disk := range disks {
			if disk["ebs"].ObjectValue()["encrypted"].StringValue() != "true" {
				return "its root disk is not encrypted"
			}
		}
	}
	return ""
}

func metadata(r registration, _ config.Stack) string {
	if r.Type != "aws:ec2/launchTemplate:LaunchTemplate" {
		return ""
	}
	options := r.Inputs["metadataOptions"]
	if !options.IsObject() || options.ObjectValue()["httpTokens"].StringValue() != "required" ||
		options.ObjectValue()["httpPutResponseHopLimit"].NumberValue() != 1 {
		return "its metadata options are " + options.String()
	}
	return ""
}

func publicAddress(r registration, _ config.Stack) string {
	for _, key := range []resource.PropertyKey{"associatePublicIpAddress", "mapPublicIpOnLaunch"} {
		if on := r.Inputs[key]; on.IsBool() && on.BoolValue() {
			return string(key) + " is true"
		}
	}
	return ""
}

func launched(r registration, _ config.Stack) string {
	switch {
	case r.Type == "aws:ec2/instance:Instance" && !r.Inputs["launchTemplate"].IsObject():
		return "it has no launch template"
	case r.Type == "aws:ec2/launchTemplate:LaunchTemplate" && !r.Inputs["iamInstanceProfile"].IsObject():
		return "it has no instance profile"
	}
	return ""
}

var (
	wildcard = regexp.MustCompile(`"[a-z0-9-]+:[^"]*\*[^"]*"|"\*"`)
	// streams are those of one log group: AWS names them when it writes.
	streams = regexp.MustCompile(`^"arn:aws:logs:[^*]+:log-group:[^*:]+:\*"$`)
	// own are this account's instances in one region: a role's policy is older than
	// the instances that have the role.
	own = regexp.MustCompile(`^"arn:aws:ec2:[a-z0-9-]+:[0-9]{12}:instance/\*"$`)
	// agents are the calls of Session Manager's agent, which take no resource in a
	// policy (service authorization reference, "ssmmessages").
	agents = regexp.MustCompile(`\{"Sid":"Sessions","Effect":"Allow","Action":\[("ssmmessages:[A-Za-z]+",?)+\],"Resource":"\*"\}`)
)

func wildcards(r registration, _ config.Stack) string {
	if strings.HasPrefix(r.Type, "aws:iam/") {
		for _, found := range wildcard.FindAllString(agents.ReplaceAllString(r.text("policy"), ""), -1) {
			if !streams.MatchString(found) && !own.MatchString(found) {
				return "its policy says " + found
			}
		}
	}
	return ""
}

func forgetful(r registration, _ config.Stack) string {
	if r.Type == "aws:cloudwatch/logGroup:LogGroup" && !r.Inputs["retentionInDays"].IsNumber() {
		return "it keeps everything for ever"
	}
	return ""
}

func trusted(r registration, _ config.Stack) string {
	if r.Type != "aws:iam/role:Role" {
		return ""
	}
	var policy struct {
		Statement []struct {
			Principal map[string]string
			Condition map[string]map[string]string
		}
	}
	if err := json.Unmarshal([]byte(r.text("assumeRolePolicy")), &policy); err != nil {
		return err.Error()
	}
	for _, s := range policy.Statement {
		if len(s.Principal) != 1 || !strings.HasSuffix(s.Principal["Service"], ".amazonaws.com") {
			return fmt.Sprintf("it trusts %v", s.Principal)
		}
		// EC2 passes a role on for whoever may pass it; other services act for
		// every account that asks.
		if s.Principal["Service"] != "ec2.amazonaws.com" && s.Condition["StringEquals"]["aws:SourceAccount"] == "" {
			return fmt.Sprintf("it trusts %v for any account", s.Principal)
		}
	}
	return ""
}

func userData(r registration, _ config.Stack) string {
	if r.Type != "aws:ec2/instance:Instance" {
		return ""
	}
	data := r.text("userData")
	if len(data) > 16*1024 {
		return fmt.Sprintf("its user data has %d bytes", len(data))
	}
	// What the mocked secrets look like; see recorder. Of the key that all hosts'
	// keys derive from, a host has what is its own.
	if secret := regexp.MustCompile(`private-[a-z0-9-]+`).FindString(data); secret != "" {
		return "its user data holds " + secret
	}
	own, _, err := render.HostKey("private-access-host-keys", strings.TrimSuffix(r.Name, "-instance"))
	if err != nil {
		return err.Error()
	}
	indented := regexp.MustCompile(`(?m)^ +`).ReplaceAllString(data, "")
	if rest := strings.Replace(indented, own, "", 1); rest == indented || strings.Contains(rest, "PRIVATE KEY") {
		return "its user data holds another private key than its own host key, or none"
	}
	return ""
}

// untagged are the types that AWS gives no tags.
var untagged = []string{
	"aws:ec2/eipAssociation:EipAssociation", "aws:ec2/route:Route", "aws:ec2/routeTableAssociation:RouteTableAssociation",
	"aws:ec2/volumeAttachment:VolumeAttachment", "aws:route53/record:Record", "aws:iam/rolePolicy:RolePolicy", "aws:ec2transitgateway/instanceState:InstanceState",
	"aws:ec2/vpcPeeringConnectionOptions:VpcPeeringConnectionOptions", "aws:ec2/peeringConnectionOptions:PeeringConnectionOptions",
	"aws:lb/targetGroupAttachment:TargetGroupAttachment", "aws:route53/zoneAssociation:ZoneAssociation",
	"aws:s3/bucketPolicy:BucketPolicy", "aws:ec2/networkAclRule:NetworkAclRule",
}

func tags(r registration, stack config.Stack) string {
	if !strings.HasPrefix(r.Type, "aws:") || slices.Contains(untagged, r.Type) {
		return ""
	}
	given := r.Inputs["tags"]
	if !given.IsObject() {
		return "it has no tags"
	}
	for _, name := range []resource.PropertyKey{"Name", "kraftstack:stack", "ManagedBy"} {
		if value := given.ObjectValue()[name]; !value.IsString() || value.StringValue() == "" {
			return "it has no tag " + string(name)
		}
	}
	if stack.Name != "" && given.ObjectValue()["kraftstack:stack"].StringValue() != stack.Name {
		return "its tag says another stack"
	}
	return ""
}

// longest are AWS's limits for names, by type.
var longest = map[string]int{
	"aws:iam/role:Role": 64, "aws:iam/instanceProfile:InstanceProfile": 128, "aws:ec2/launchTemplate:LaunchTemplate": 128,
	"aws:ec2/placementGroup:PlacementGroup": 255, "aws:ec2/securityGroup:SecurityGroup": 255,
	"aws:lb/loadBalancer:LoadBalancer": 32, "aws:lb/targetGroup:TargetGroup": 32,
}

// describable is the alphabet of a security group's descriptions.
var describable = regexp.MustCompile(`^[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}$`)

func limits(r registration, _ config.Stack) string {
	if most := longest[r.Type]; most > 0 && len(r.text("name")) > most {
		return fmt.Sprintf("its name has %d characters, AWS takes %d", len(r.text("name")), most)
	}
	if strings.Contains(strings.ToLower(r.Type), "securitygroup") && !describable.MatchString(r.text("description")) {
		return "AWS does not take its description"
	}
	given := r.Inputs["tags"]
	if !given.IsObject() {
		return ""
	}
	if len(given.ObjectValue()) > 50 {
		return "it has more than 50 tags"
	}
	for key, value := range given.ObjectValue() {
		if len(key) > 128 || value.IsString() && len(value.StringValue()) > 256 {
			return "its tag " + string(key) + " is too long"
		}
	}
	return ""
}
