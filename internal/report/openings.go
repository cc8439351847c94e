package report

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Opening is what one security rule lets in.
type Opening struct {
	Ports  string // "tcp 22", "tcp 9000 to 9010", "all traffic"
	Source string // a network, or what stands for a group or a prefix list
}

// String is the opening as part of a sentence.
func (o Opening) String() string { return o.Ports + " to " + o.Source }

// The sources that are no networks.
const (
	fromGroup      = "a security group"
	fromPrefixList = "a prefix list"
	fromItself     = "its own group"
)

// World says whether anybody at all is let in.
func (o Opening) World() bool {
	network, err := netip.ParsePrefix(o.Source)
	return err == nil && network.Bits() == 0
}

// private says whether the source is inside networks that the internet does
// not reach.
func (o Opening) private() bool {
	network, err := netip.ParsePrefix(o.Source)
	return err != nil || network.Addr().IsPrivate()
}

// Openings are what a resource of a type lets in, given its inputs: security
// group rules of each form that the AWS provider has. Rules for what goes out
// let nothing in.
func Openings(kind string, inputs map[string]any) []Opening {
	switch kind {
	case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
		return ruleOpenings(inputs)
	case "aws:ec2/securityGroupRule:SecurityGroupRule":
		if inputs["type"] == "ingress" {
			return ruleOpenings(inputs)
		}
	case "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
		var all []Opening
		rules, _ := inputs["ingress"].([]any)
		for _, rule := range rules {
			inline, _ := rule.(map[string]any)
			all = append(all, ruleOpenings(inline)...)
		}
		return all
	}
	return nil
}

func ruleOpenings(rule map[string]any) []Opening {
	var sources []string
	for _, key := range []string{"cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks"} {
		sources = append(sources, textsOf(rule[key])...)
	}
	for key, name := range map[string]string{
		"referencedSecurityGroupId": fromGroup, "sourceSecurityGroupId": fromGroup, "securityGroups": fromGroup,
		"prefixListId": fromPrefixList, "prefixListIds": fromPrefixList,
	} {
		if len(textsOf(rule[key])) > 0 {
			sources = append(sources, name)
		}
	}
	if rule["self"] == true {
		sources = append(sources, fromItself)
	}
	slices.Sort(sources)
	openings := make([]Opening, 0, len(sources))
	for _, source := range slices.Compact(sources) {
		openings = append(openings, Opening{Ports: ports(rule), Source: source})
	}
	return openings
}

// textsOf reads an input that is a text or a list of texts.
func textsOf(v any) []string {
	switch v := v.(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, textsOf(item)...)
		}
		return all
	}
	return nil
}

func ports(rule map[string]any) string {
	protocol := fmt.Sprint(rule["ipProtocol"])
	if rule["ipProtocol"] == nil {
		protocol = fmt.Sprint(rule["protocol"])
	}
	from, to := fmt.Sprint(rule["fromPort"]), fmt.Sprint(rule["toPort"])
	switch {
	case protocol == "-1" || strings.EqualFold(protocol, "all"):
		return "all traffic"
	case rule["fromPort"] == nil:
		return "all " + protocol
	case from == to:
		return protocol + " " + from
	}
	return protocol + " " + from + " to " + to
}

// openings finds what lets more in than before.
func (f *finder) openings(r Resource) {
	if r.Op == "same" || r.Op == "delete" {
		return
	}
	var before []Opening
	if r.Op != "create" {
		before = Openings(r.Type, r.Old)
	}
	for _, o := range Openings(r.Type, r.Inputs) {
		if slices.Contains(before, o) {
			continue
		}
		level := Review
		switch {
		case o.World():
			level = Danger
		case o.private():
			level = Note
		}
		f.add(level, riskRule, "opens "+o.String(), r.place())
	}
	if why := Public(r.Type, r.Inputs); why != "" && (r.Op == "create" || r.Op == "replace" || Public(r.Type, r.Old) != why) {
		f.add(Review, riskAddress, why, r.place())
	}
}

// Public says in which way a resource can be reached from the internet; "" for
// one that cannot by itself.
func Public(kind string, inputs map[string]any) string {
	switch kind {
	case "aws:ec2/eip:Eip":
		return "gets a public address"
	case typeInstance:
		if inputs["associatePublicIpAddress"] == true {
			return "gets a public address"
		}
	case "aws:ec2/subnet:Subnet":
		if inputs["mapPublicIpOnLaunch"] == true {
			return "gives each of its hosts a public address"
		}
	case "aws:lb/loadBalancer:LoadBalancer":
		if inputs["internal"] != true {
			return "faces the internet"
		}
	}
	return ""
}
