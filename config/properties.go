package config

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// secretName matches the properties whose values are secrets.
var secretName = regexp.MustCompile(`(?i)(password|secret|jaas\.config|keystore\.key)$`)

var propertyName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]*(\.[a-zA-Z0-9_-]+)*$`)

// owned are the properties that kraftstack writes itself, with the field or the
// reason that stands for each. A name that ends in a dot stands for all below.
func owned() map[string]string {
	const identity = "a node's id and roles are part of its identity, and its disk is formatted for them"
	const endpoints = "kraftstack gives every node its listeners and names, which the quorum's metadata holds"
	const disks = "kraftstack mounts the data volume and formats it there"
	const security = "it follows from kraftstack:security"
	const zookeeper = "Kafka 4 has no ZooKeeper and no old ids"
	return map[string]string{
		"node.id": identity, "process.roles": identity, "broker.id": zookeeper, "broker.id.generation.enable": zookeeper,
		"listeners": endpoints, "advertised.listeners": endpoints, "listener.security.protocol.map": endpoints,
		"inter.broker.listener.name": endpoints, "controller.listener.names": endpoints, "control.plane.listener.name": endpoints,
		"security.inter.broker.protocol": endpoints, "listener.name.": security, "ssl.": security, "sasl.": security,
		"authorizer.class.name": security, "allow.everyone.if.no.acl.found": security, "super.users": security,
		"principal.builder.class": security, "early.start.listeners": security,
		"controller.quorum.bootstrap.servers": endpoints, "controller.quorum.voters": endpoints,
		"controller.quorum.auto.join.enable": "members join the quorum by the graph alone",
		"log.dir":                            disks, "log.dirs": disks, "metadata.log.dir": disks,
		"broker.rack": "it is the node's availability zone",
		"zookeeper.":  zookeeper,
	}
}

// ownedBy is why a property cannot be set, if it cannot.
func ownedBy(name string) string {
	reasons := owned()
	if reason := reasons[name]; reason != "" {
		return reason
	}
	for _, prefix := range sortedKeys(reasons) {
		if strings.HasSuffix(prefix, ".") && strings.HasPrefix(name, prefix) {
			return reasons[prefix]
		}
	}
	return ""
}

func setProperties(s *Stack, v any) []flaw {
	given, _ := v.(map[string]any)
	out := make(map[string]string, len(given))
	var flaws []flaw
	for _, name := range sortedKeys(given) {
		at := propertyPath(name)
		value, wrong, allowed := property(name, given[name])
		if wrong != "" {
			flaws = append(flaws, flaw{at: at, value: given[name], hide: secretName.MatchString(name), wrong: wrong, allowed: allowed})
			continue
		}
		out[name] = value
	}
	s.Kafka.Config = out
	return flaws
}

func propertyPath(name string) string { return "[" + show(name) + "]" }

// property is the text of one property's value, or what is wrong with it.
func property(name string, v any) (value, wrong, allowed string) {
	if len(name) > 200 || !propertyName.MatchString(name) {
		return "", "does not have the form of a property's name", "letters, digits, - and _ in parts joined by dots"
	}
	if reason := ownedBy(name); reason != "" {
		return "", "is kraftstack's own property: " + reason, "nothing here: remove it"
	}
	if secretName.MatchString(name) {
		return "", "is a secret, which would be in plain text in the stack file, in previews and in the state", "no secrets in kafka.config"
	}
	switch v := v.(type) {
	case string:
		value = v
	case json.Number:
		value = plain(v)
	case bool:
		value = strconv.FormatBool(v)
	default:
		return "", "is not text, a number or true/false", "one value, lists joined by commas in text"
	}
	switch {
	case value == SecretMarker:
		return "", "is a secret, which would be in plain text on every host", "no secrets in kafka.config"
	case strings.ContainsFunc(value, isOdd):
		return "", "has a line break or a control character", "one line of text"
	case strings.HasSuffix(value, `\`):
		return "", "ends in a backslash, which joins the next line to it", "it without that backslash"
	}
	return value, "", ""
}

// Defaults are the broker properties that depend on how many brokers there are
// and that rules compare given ones with.
func (s Stack) Defaults() map[string]string {
	replicas := strconv.Itoa(min(3, s.Brokers.Count))
	inSync := "1"
	if s.Brokers.Count >= 3 {
		inSync = "2"
	}
	return map[string]string{
		"default.replication.factor":                       replicas,
		"min.insync.replicas":                              inSync,
		"offsets.topic.replication.factor":                 replicas,
		"transaction.state.log.replication.factor":         replicas,
		"transaction.state.log.min.isr":                    inSync,
		"share.coordinator.state.topic.replication.factor": replicas,
		"share.coordinator.state.topic.min.isr":            inSync,
	}
}

// replicated pairs each replication factor with its least number of replicas
// in sync.
func replicated() []struct{ factor, inSync string } {
	return []struct{ factor, inSync string }{
		{"default.replication.factor", "min.insync.replicas"},
		{"offsets.topic.replication.factor", ""},
		{"transaction.state.log.replication.factor", "transaction.state.log.min.isr"},
		{"share.coordinator.state.topic.replication.factor", "share.coordinator.state.topic.min.isr"},
		{"remote.log.metadata.topic.replication.factor", "remote.log.metadata.topic.min.isr"},
	}
}

// properties checks the given properties against the number of brokers and
// against each other.
func (r *reader) properties() {
	if !r.sound("brokers.count", "kafka.config") {
		return
	}
	defaults := r.stack.Defaults()
	for _, pair := range replicated() {
		factor, okFactor := r.count(pair.factor, defaults)
		if okFactor && factor > r.stack.Brokers.Count {
			r.config(pair.factor, fmt.Sprintf("is more than the %d brokers", r.stack.Brokers.Count), "at most brokers.count")
			continue
		}
		inSync, okInSync := r.count(pair.inSync, defaults)
		if !okFactor || !okInSync || inSync <= factor {
			continue
		}
		wrong := fmt.Sprintf("%s is %d and %s is %d: no such partition could ever be written with acks=all", pair.inSync, inSync, pair.factor, factor)
		name := pair.inSync
		if _, given := r.stack.Kafka.Config[name]; !given {
			name = pair.factor
		}
		r.config(name, wrong, "no more replicas in sync than there are replicas")
	}
}

// count reads a property that is a number from 1: the given one, or the
// default. It reports a given one that is no such number.
func (r *reader) count(name string, defaults map[string]string) (n int, known bool) {
	if r.bad[Namespace+":kafka.config"+propertyPath(name)] {
		return 0, false
	}
	given, ok := r.stack.Kafka.Config[name]
	if !ok {
		n, err := strconv.Atoi(defaults[name])
		return n, err == nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(given))
	if err != nil || n < 1 || n > 32767 {
		r.config(name, "is not a number of replicas", "a number from 1")
		return 0, false
	}
	return n, true
}

// config reports a given property.
func (r *reader) config(name, wrong, allowed string) {
	r.problem(Namespace+":kafka.config"+propertyPath(name), r.stack.Kafka.Config[name], wrong, allowed)
}
