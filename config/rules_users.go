package config

import (
	"fmt"
	"slices"
	"strings"
)

// maxRules bounds the text of one user's rules, in bytes: it travels as one
// argument of a command, for which Linux has 128 KiB.
const maxRules = 100_000

// users checks the users against each other and each rule as a whole.
func (r *reader) users() {
	first := map[string]int{}
	if len(r.stack.Users) > 0 && r.stack.Security.Clients == ClientsPlaintext {
		r.problem(Namespace+":users", nil, "have no use with security.clients: plaintext, where clients have no names", "security.clients: scram, or no users")
	}
	for i, user := range r.stack.Users {
		at := fmt.Sprintf("%s:users[%d]", Namespace, i)
		if other, twice := first[user.Name]; twice && user.Name != "" {
			r.problem(at+".name", user.Name, fmt.Sprintf("is there twice: users[%d] has it too", other), "each user once, with all of its rules")
		} else {
			first[user.Name] = i
		}
		if user.Authentication == AuthSCRAM && r.stack.Security.Clients == ClientsMTLS {
			r.problem(at+".authentication", nil, "is scram, which the brokers do not offer: security.clients is mtls", "nothing, and security.clients: both")
		}
		if user.Authentication == AuthMTLS {
			if r.stack.Security.Clients == ClientsScram {
				r.problem(at+".authentication", nil, "is mtls, which the brokers do not offer: security.clients is scram", "nothing, or security.clients: both")
			}
			if r.given[at+".password"] {
				r.problem(at+".password", nil, "has no use with mtls, where a certificate is what a user logs in with", "authentication: scram, or remove it")
			}
		}
		if r.given[at+".password"] && r.given[at+".rotation"] {
			r.problem(at+".rotation", nil, "has no use beside a given password", "another password, or remove the given one")
		}
		r.acls(at, user)
	}
}

func (r *reader) acls(at string, user User) {
	seen, size := map[string]bool{}, 0
	for i, acl := range user.ACLs {
		at := fmt.Sprintf("%s.acls[%d]", at, i)
		r.resource(at, acl)
		for j, operation := range acl.Operations {
			key := fmt.Sprintf("%s.operations[%d]", at, j)
			possible := append(slices.Clone(operations()[acl.Type]), allOperations)
			if acl.Type != "" && !r.bad[key] && !slices.Contains(possible, operation) {
				r.problem(key, operation, "cannot be done to a "+acl.Type, "one of "+strings.Join(possible, ", "))
			}
			rule := strings.Join([]string{operation, acl.Type, acl.Name, acl.Pattern, acl.Host, acl.Permission}, " ")
			size += len(rule) + len("acl \n")
			if seen[rule] && acl.Type != "" && !r.bad[key] && !r.bad[at+".host"] {
				r.problem(key, operation, "is there twice for "+acl.Type+":"+acl.Name, "each rule once")
			}
			seen[rule] = true
		}
	}
	if size > maxRules {
		r.problem(at+".acls", nil, fmt.Sprintf("is too long: as text it has %d bytes, at most %d", size, maxRules), "prefixed patterns, or more users")
	}
}

// resource checks what a rule's resource and pattern say together, and that a
// user who is named is there.
func (r *reader) resource(at string, acl ACL) {
	if r.bad[at+".resource"] || r.bad[at+".pattern"] {
		return
	}
	if acl.Pattern == PatternPrefixed {
		switch {
		case acl.Type == "cluster":
			r.problem(at+".pattern", acl.Pattern, "has no use: there is one cluster", "literal")
		case acl.Name == "*":
			r.problem(at+".pattern", acl.Pattern, "would mean names that begin with an asterisk", "literal, with which * stands for all")
		}
		return
	}
	if acl.Type == "user" && acl.Name != "*" && !slices.ContainsFunc(r.stack.Users, func(u User) bool { return u.Name == acl.Name }) {
		r.problem(at+".resource", "user:"+acl.Name, "names a user that is not in this stack", "a user of kraftstack:users, or remove the rule together with the user")
	}
}
