package config

import "strings"

// Entry is kraftstack:entry.
type Entry struct {
	LoadBalancer       string // EntryNone (default) or EntryInternal
	DeletionProtection bool
}

// What entry.loadBalancer can say.
const (
	EntryNone     = "none"
	EntryInternal = "internal"
)

// Balanced tells whether the stack has a load balancer.
func (e Entry) Balanced() bool { return e.LoadBalancer == EntryInternal }

// entryForm refuses a balancer that faces the internet: brokers advertise
// private names, which a client out there could not follow.
func entryForm(s string) string {
	switch strings.ToLower(s) {
	case "internet", "internet-facing", "public", "external":
		return "would be of no use: brokers are known by private names, which clients on the internet cannot follow"
	}
	return oneOf(EntryNone, EntryInternal)(s)
}

func (r *reader) entry() {
	e, name := r.stack.Entry, r.stack.Name
	if !r.sound("entry.loadBalancer") {
		return
	}
	key := Namespace + ":entry"
	if e.DeletionProtection && !e.Balanced() {
		r.problem(key+".deletionProtection", true, "has nothing to protect without a load balancer", "it with loadBalancer: internal, or remove it")
	}
	if e.Balanced() && strings.HasSuffix(name, "-") {
		r.problem(key+".loadBalancer", e.LoadBalancer, "needs a stack name without a hyphen at its end, which AWS refuses in a load balancer's", "none, or rename the stack")
	}
}
