package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kraftstack/config"
)

// UserRules is what a user has on the cluster, a line each in a fixed order: its
// SCRAM credential if it has one, its access rules, its quotas. `kafka-node
// user` takes these lines, prints them once they are true, and gets them back
// with the next change; the live view compares them with the cluster.
func UserRules(u config.User) []string {
	var lines []string
	if u.Authentication == config.AuthSCRAM {
		lines = append(lines, "scram")
	}
	var rules []string
	for _, acl := range u.ACLs {
		for _, operation := range acl.Operations {
			rules = append(rules, UserRule(acl.Permission, operation, acl.Type, acl.Name, acl.Pattern, acl.Host))
		}
	}
	slices.Sort(rules)
	lines = append(lines, rules...)
	for _, key := range slices.Sorted(maps.Keys(u.Quotas)) {
		lines = append(lines, UserQuota(key, float64(u.Quotas[key])))
	}
	return lines
}

// UserRule is one access rule as a line.
func UserRule(permission, operation, kind, name, pattern, host string) string {
	return strings.Join([]string{"acl", permission, operation, kind + ":" + name, pattern, host}, " ")
}

// UserQuota is one quota as a line, under Kafka's own name for it.
func UserQuota(key string, value float64) string { return fmt.Sprintf("quota %s %.0f", key, value) }
