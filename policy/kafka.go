package policy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kraftstack/internal/report"
)

// kafkaRules are about what Kafka itself needs to keep records.
func kafkaRules() []Rule {
	return []Rule{
		{
			ID: "plaintext-clients", Severity: report.Warn, Production: report.Block,
			Text:  "Every listener is encrypted: records and passwords travel in the clear otherwise.",
			check: plaintext,
		},
		{
			ID: "replication-low", Production: report.Block,
			Text:  "Topics of a production stack, Kafka's own too, have three replicas: with fewer, a restart leaves one copy.",
			check: replication,
		},
		{
			ID: "min-isr-low", Production: report.Block,
			Text:  "A record is acknowledged by two replicas at least: one that only its leader has is lost with the leader.",
			check: minISRLow,
		},
		{
			ID: "min-isr-high", Severity: report.Warn, Production: report.Block,
			Text:  "min.insync.replicas is less than the number of replicas: otherwise each restart stops producers.",
			check: minISRHigh,
		},
		{
			ID: "unclean-election", Severity: report.Block,
			Text:  "No replica that is behind becomes leader: acknowledged records are lost otherwise.",
			check: uncleanElection,
		},
		{
			ID: "auto-create-topics", Severity: report.Warn,
			Text:  "Topics are made on purpose: a misspelt name becomes a topic otherwise.",
			check: autoCreate,
		},
		{
			ID: "quorum-even", Severity: report.Block,
			Text:  "The quorum has an odd number of voters: an even one survives no more losses than the odd one below it.",
			check: evenQuorum,
		},
		{
			ID: "quorum-of-one", Severity: report.Warn, Production: report.Block,
			Text:  "The quorum has three voters at least: one survives nothing, not even its own restart.",
			check: quorumOfOne,
		},
		{
			ID: "quorum-in-one-zone", Severity: report.Warn, Production: report.Block,
			Text:  "No zone holds a majority of the voters: the cluster is gone with that zone otherwise.",
			check: quorumInOneZone,
		},
	}
}

func plaintext(s *subject) (hits []hit) {
	for _, r := range s.of(typeNode) {
		listeners := report.ListenersOf(s.properties[r.Component])
		for _, name := range slices.Sorted(maps.Keys(listeners)) {
			if strings.Contains(listeners[name], "PLAINTEXT") {
				hits = append(hits, hit{r.Component, fmt.Sprintf("listener %s is %s", name, listeners[name])})
			}
		}
	}
	return hits
}

// replicated are the properties that say how many replicas there are, with
// Kafka's own defaults.
var replicated = []struct {
	name   string
	normal int
}{
	{"default.replication.factor", 1},
	{"offsets.topic.replication.factor", 3},
	{"transaction.state.log.replication.factor", 3},
	{"share.coordinator.state.topic.replication.factor", 3},
}

func number(properties map[string]string, name string, normal int) int {
	n, err := strconv.Atoi(properties[name])
	if err != nil {
		return normal
	}
	return n
}

func replication(s *subject) []hit {
	return s.eachNode(func(p map[string]string) string {
		for _, r := range replicated {
			if n := number(p, r.name, r.normal); n < 3 {
				return fmt.Sprintf("%s is %d", r.name, n)
			}
		}
		return ""
	})
}

func minISRLow(s *subject) []hit {
	return s.eachNode(func(p map[string]string) string {
		for _, name := range []string{"min.insync.replicas", "transaction.state.log.min.isr"} {
			normal := 1
			if name != "min.insync.replicas" {
				normal = 2
			}
			if n := number(p, name, normal); n < 2 {
				return fmt.Sprintf("%s is %d", name, n)
			}
		}
		return ""
	})
}

func minISRHigh(s *subject) []hit {
	return s.eachNode(func(p map[string]string) string {
		replicas, isr := number(p, "default.replication.factor", 1), number(p, "min.insync.replicas", 1)
		if replicas > 1 && isr >= replicas {
			return fmt.Sprintf("min.insync.replicas is %d of %d replicas", isr, replicas)
		}
		return ""
	})
}

func uncleanElection(s *subject) []hit {
	return s.eachNode(func(p map[string]string) string {
		if p["unclean.leader.election.enable"] == "true" {
			return "unclean.leader.election.enable is true"
		}
		return ""
	})
}

func autoCreate(s *subject) []hit {
	return s.eachNode(func(p map[string]string) string {
		if p["auto.create.topics.enable"] != "false" { // Kafka's default is true
			return "auto.create.topics.enable is true"
		}
		return ""
	})
}

// voters are the zones of the voters that there will be, a zone each.
func (s *subject) voters() (zones []string) {
	for _, r := range s.of(typeNode) {
		roles, _ := r.Inputs["roles"].([]any)
		if slices.Contains(roles, any("controller")) {
			zone, _ := r.Inputs["zone"].(string)
			zones = append(zones, zone)
		}
	}
	return zones
}

func evenQuorum(s *subject) []hit {
	if n := len(s.voters()); n > 0 && n%2 == 0 {
		return []hit{{"quorum", fmt.Sprintf("it has %d voters", n)}}
	}
	return nil
}

func quorumOfOne(s *subject) []hit {
	if len(s.voters()) == 1 {
		return []hit{{"quorum", "it has one voter"}}
	}
	return nil
}

func quorumInOneZone(s *subject) []hit {
	count := map[string]int{}
	voters := s.voters()
	for _, zone := range voters {
		count[zone]++
	}
	for _, zone := range slices.Sorted(maps.Keys(count)) {
		if n := count[zone]; len(voters) > 1 && n > len(voters)/2 {
			return []hit{{"quorum", fmt.Sprintf("%d of %d voters are in %s", n, len(voters), zone)}}
		}
	}
	return nil
}
