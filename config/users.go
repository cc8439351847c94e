package config

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/xdg-go/stringprep"
)

// User is one of kraftstack:users.
type User struct {
	Name           string
	Authentication string // AuthSCRAM (default) or AuthMTLS
	Password       Secret // given; empty: generated
	Rotation       int    // counts the generated passwords or keys, from 1
	ACLs           []ACL
	Quotas         map[string]int // by Kafka's own names, such as producer_byte_rate
}

// ACL is one access rule of a user: each of its operations is one of Kafka's.
type ACL struct {
	Operations []string // such as read, describeConfigs
	Type       string   // of the resource: topic, group, cluster …
	Name       string   // of the resource; ClusterName for the cluster
	Pattern    string   // PatternLiteral (default) or PatternPrefixed
	Host       string   // an address, or * (default)
	Permission string   // PermissionAllow (default) or PermissionDeny
}

// What the fields of a user can say.
const (
	AuthSCRAM       = "scram"
	AuthMTLS        = "mtls"
	PatternLiteral  = "literal"
	PatternPrefixed = "prefixed"
	PermissionAllow = "allow"
	PermissionDeny  = "deny"
)

// ClusterName is what Kafka calls the one resource of the kind cluster.
const ClusterName = "kafka-cluster"

// SecretKeys are the keys of the stack file that have a secret in them.
func (s Stack) SecretKeys() []string {
	var keys []string
	if slices.ContainsFunc(s.Users, func(u User) bool { return u.Password != "" }) {
		keys = append(keys, Namespace+":users")
	}
	if s.Security.CA.PrivateKey != "" {
		keys = append(keys, Namespace+":security")
	}
	return keys
}

func lastUser(s *Stack) *User { return &s.Users[len(s.Users)-1] }

func lastACL(s *Stack) *ACL {
	acls := lastUser(s).ACLs
	return &acls[len(acls)-1]
}

// operations maps each kind of resource to what can be done to it, besides all
// (org.apache.kafka.security.authorizer.AclEntry.supportedOperations, 4.3).
func operations() map[string][]string {
	return map[string][]string{
		"topic":           {"read", "write", "create", "describe", "delete", "alter", "describeConfigs", "alterConfigs"},
		"group":           {"read", "describe", "delete", "describeConfigs", "alterConfigs"},
		"cluster":         {"create", "clusterAction", "describeConfigs", "alterConfigs", "idempotentWrite", "alter", "describe"},
		"transactionalId": {"describe", "write", "twoPhaseCommit"},
		"delegationToken": {"describe"},
		"user":            {"createTokens", "describeTokens"},
	}
}

const allOperations = "all"

// knownOperations are those of every kind of resource.
func knownOperations() []string {
	known := map[string]bool{allOperations: true}
	for _, some := range operations() {
		for _, one := range some {
			known[one] = true
		}
	}
	return slices.Sorted(maps.Keys(known))
}

var (
	userName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	nodeName  = regexp.MustCompile(`^(broker|controller)-[0-9]+$`)
	topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)
)

// maxName bounds names of resources other than topics, in bytes.
const maxName = 255

func userForm(name string) string {
	switch {
	case !userName.MatchString(name):
		return "does not have the form of a user's name"
	case name == "admin" || strings.HasPrefix(name, "kraftstack") || strings.EqualFold(name, "anonymous"):
		return "is reserved: kraftstack and Kafka have users of such names"
	case nodeName.MatchString(name):
		return "is reserved: nodes have such names, and may do everything"
	}
	return ""
}

// Bounds of a given password, in characters. Whoever reads the metadata log can
// try passwords at leisure, so a short one is none.
const (
	minPassword = 12
	maxPassword = 128
)

// setPassword takes a given password. One that SASLprep would change is
// refused: some clients prepare what they send and some do not.
func setPassword(s *Stack, v any) []flaw {
	given, _ := v.(Secret)
	password := given.Reveal()
	lastUser(s).Password = given
	length := utf8.RuneCountInString(password)
	prepared, err := stringprep.SASLprep.Prepare(password)
	switch {
	case length < minPassword || length > maxPassword:
		return flawed(fmt.Sprintf("has %d characters", length))
	case err != nil || prepared != password:
		return flawed("has characters that SASLprep changes or forbids")
	case strings.TrimSpace(password) != password:
		return flawed("begins or ends with a space, which configuration files lose")
	}
	return nil
}

func setOperations(s *Stack, v any) []flaw {
	given, _ := v.([]string)
	if len(given) == 0 {
		return flawed("is empty")
	}
	var flaws []flaw
	for i, operation := range given {
		at := fmt.Sprintf("[%d]", i)
		if wrong := oneOf(knownOperations()...)(operation); wrong != "" {
			flaws = append(flaws, flaw{at: at, value: operation, wrong: wrong, allowed: "one of " + strings.Join(knownOperations(), ", ")})
		} else if slices.Contains(given[:i], operation) {
			flaws = append(flaws, flaw{at: at, value: operation, wrong: "is there twice", allowed: "it once"})
		}
	}
	lastACL(s).Operations = given
	return flaws
}

func setResource(s *Stack, v any) []flaw {
	given, _ := v.(string)
	kind, name, named := strings.Cut(given, ":")
	if wrong := oneOf(sortedKeys(operations())...)(kind); wrong != "" {
		return flawed("has a kind that " + wrong)
	}
	switch {
	case kind == "cluster":
		if named && name != ClusterName {
			return flawed("names a cluster: there is only this one")
		}
		name = ClusterName
	case name == "":
		return flawed("has no name")
	case name == "*":
	case kind == "topic" && !topicName.MatchString(name):
		return flawed("does not have the form of a topic's name")
	case kind == "user" && !userName.MatchString(name):
		return flawed("does not have the form of a user's name")
	case len(name) > maxName || strings.ContainsFunc(name, func(r rune) bool { return isOdd(r) || unicode.IsSpace(r) }):
		return flawed("has a name that is too long, or has a space in it")
	}
	lastACL(s).Type, lastACL(s).Name = kind, name
	return nil
}

func hostForm(s string) string {
	if s == "*" {
		return ""
	}
	address, err := netip.ParseAddr(s)
	switch {
	case strings.Contains(s, "/"):
		return "is a network, which Kafka's rules do not know"
	case err != nil || !address.Is4():
		return "is not an IPv4 address"
	}
	return ""
}
