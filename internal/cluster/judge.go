package cluster

import (
	"fmt"
	"slices"
)

// judge lists everything that is wrong with what was seen, worst first.
func judge(v View, out Outputs) []string {
	problems := []string{}
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	if out.ClusterID != "" && v.ClusterID != out.ClusterID {
		say("the cluster's id is %s, the stack's is %s: these hosts run another cluster", v.ClusterID, out.ClusterID)
	}
	problems = append(problems, v.Certificates.problems()...)
	if p := v.Partitions; p != nil {
		if p.Offline > 0 {
			say("%s without a leader", partitions(p.Offline))
		}
		if p.UnderMinISR > 0 {
			say("%s below min.insync.replicas: acks=all writes to them fail", partitions(p.UnderMinISR))
		}
	}
	problems = append(problems, judgeQuorum(v.Quorum, out)...)
	for _, b := range v.Brokers {
		switch {
		case b.Name == "":
			say("broker %d (%s) is in the cluster and not in the stack", b.ID, b.Host)
		case b.Silence != "":
			say("%s does not answer clients: %s", b.Name, b.Silence)
		case !b.Alive:
			say("%s answers, and is not registered or is fenced: the cluster does without it", b.Name)
		case b.Rack != b.Zone:
			say("%s reports rack %q, the stack put it in zone %q", b.Name, b.Rack, b.Zone)
		}
	}
	switch p := v.Partitions; {
	case p == nil:
		say("no broker could tell the state of the partitions")
	case p.UnderReplicated > 0:
		say("%s under-replicated", partitions(p.UnderReplicated))
	}
	for _, h := range v.Hosts {
		problems = append(problems, judgeHost(h)...)
	}
	return problems
}

func judgeHost(h HostView) []string {
	var problems []string
	switch {
	case h.Error != "":
		return []string{h.Name + " cannot be checked: " + h.Error}
	case h.Service != "active":
		problems = append(problems, h.Name+": kafka.service is "+h.Service)
	case h.GenerationRunning == "" || h.GenerationRunning != h.GenerationWanted:
		problems = append(problems, fmt.Sprintf("%s runs generation %q and should run %q: it was not rolled yet",
			h.Name, h.GenerationRunning, h.GenerationWanted))
	}
	for _, what := range h.Differs {
		problems = append(problems, h.Name+" is not as the stack wrote it: "+what)
	}
	return problems
}

func judgeQuorum(q *Quorum, out Outputs) []string {
	if q == nil {
		return []string{"no host could tell the state of the quorum"}
	}
	var problems []string
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if q.Leader < 0 {
		say("the quorum has no leader")
	}
	for _, n := range out.with(RoleController) {
		if !slices.ContainsFunc(q.Voters, func(r Replica) bool { return int(r.ID) == n.ID }) {
			say("%s is no voter of the quorum", n.Name)
		}
	}
	for _, r := range q.Voters {
		at := slices.IndexFunc(out.Nodes, func(n NodeOutput) bool { return n.ID == int(r.ID) && n.Is(RoleController) })
		if at < 0 {
			say("voter %d is in the quorum and no controller of the stack", r.ID)
			continue
		}
		if !r.CaughtUp {
			say("voter %s is behind the leader", out.Nodes[at].Name)
		}
	}
	return problems
}

func partitions(n int) string {
	if n == 1 {
		return "1 partition"
	}
	return fmt.Sprintf("%d partitions", n)
}
