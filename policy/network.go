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

func worldOpen(s *subject) []hit { return worldOpenings(s, false) }

func worldOpenSSH(s *subject) []hit { return worldOpenings(s, true) }

// worldOpenings are the rules that let the whole internet in: those that
// access.openToWorld asks for, or all others.
func worldOpenings(s *subject, asked bool) []hit {
	return each(s.stays, func(r report.Resource) (messages []string) {
		for _, o := range report.Openings(r.Type, r.Inputs) {
			if o.World() && asked == (s.stack.Access.OpenToWorld && bastionSSH(r, o)) {
				messages = append(messages, "it opens "+o.String())
			}
		}
		return messages
	})
}

func publicNodes(s *subject) []hit {
	return each(s.stays, func(r report.Resource) []string {
		subnet := r.Type == "aws:ec2/subnet:Subnet" && strings.HasPrefix(r.Step, "private-")
		why := report.Public(r.Type, r.Inputs)
		return only(why != "" && (isNode(r) || subnet), why)
	})
}

func publicBalancers(s *subject) []hit {
	return each(s.of("aws:lb/loadBalancer:LoadBalancer"), func(r report.Resource) []string {
		why := report.Public(r.Type, r.Inputs)
		return only(why != "", why)
	})
}
