package policy

import (
	"strings"

	"kraftstack/internal/report"
)

// networkRules are about who can reach what.
func networkRules() []Rule {
	return []Rule{
		{
			ID: "world-open", Severity: report.Block,
			Text:  "No rule lets the whole internet in.",
			check: worldOpen,
		},
		{
			ID: "world-open-ssh", Severity: report.Warn, Production: report.Block,
			Text:  "The bastion's SSH is open to networks that are named. access.openToWorld is for stacks that are not production.",
			check: worldOpenSSH,
		},
		{
			ID: "public-node", Severity: report.Block,
			Text:  "No node of the cluster has an address of the internet.",
			check: publicNodes,
		},
		{
			ID: "public-load-balancer", Severity: report.Warn, Production: report.Block,
			Text:  "A load balancer in front of the brokers faces the VPC, not the internet.",
			check: publicBalancers,
		},
	}
}

// bastionSSH says whether a rule is what access.openToWorld is for.
func bastionSSH(r report.Resource, o report.Opening) bool {
	return strings.HasPrefix(r.Step, "bastion-ssh-") && o.Ports == "tcp 22"
}

func worldOpen(s *subject) (hits []hit) {
	for _, r := range s.stays {
		for _, o := range report.Openings(r.Type, r.Inputs) {
			if o.World() && !(s.stack.Access.OpenToWorld && bastionSSH(r, o)) {
				hits = append(hits, on(r, "it opens "+o.String()))
			}
		}
	}
	return hits
}

func worldOpenSSH(s *subject) (hits []hit) {
	for _, r := range s.stays {
		for _, o := range report.Openings(r.Type, r.Inputs) {
			if o.World() && s.stack.Access.OpenToWorld && bastionSSH(r, o) {
				hits = append(hits, on(r, "it opens "+o.String()))
			}
		}
	}
	return hits
}

func publicNodes(s *subject) (hits []hit) {
	for _, r := range s.stays {
		subnet := r.Type == "aws:ec2/subnet:Subnet" && strings.HasPrefix(r.Step, "private-")
		if why := report.Public(r.Type, r.Inputs); why != "" && (isNode(r) || subnet) {
			hits = append(hits, on(r, why))
		}
	}
	return hits
}

func publicBalancers(s *subject) (hits []hit) {
	for _, r := range s.of("aws:lb/loadBalancer:LoadBalancer") {
		if why := report.Public(r.Type, r.Inputs); why != "" {
			hits = append(hits, on(r, why))
		}
	}
	return hits
}
