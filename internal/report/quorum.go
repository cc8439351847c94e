package report

import (
	"maps"
	"slices"
	"strings"
)

const typeNode = "kraftstack:node:Node"

// quorum finds what happens to voters: to the list of them, and to the hosts
// and disks that they stand on.
func (f *finder) quorum(resources []Resource, restarts []string) {
	voters := voters(resources)
	if len(voters) > 0 && wholeStackGoes(resources) {
		f.add(Danger, riskQuorum, "the whole cluster is deleted, with every voter and all data", "")
		return
	}
	if len(voters) > 0 { // a quorum that is not there yet has nothing to lose
		f.voterList(resources)
		f.voterHosts(resources, voters)
	}
	for _, node := range restarts {
		if voters[node] {
			f.add(Note, riskQuorum, "quorum voter restarts", node)
		}
	}
}

func (f *finder) voterList(resources []Resource) {
	for _, r := range resources {
		if r.Type != typeNode || !isVoter(r) {
			continue
		}
		switch r.Op {
		case "create":
			f.add(Danger, riskQuorum, "quorum voter is added", r.Component)
		case "delete":
			f.add(Danger, riskQuorum, "quorum voter is removed", r.Component)
		}
	}
}

func (f *finder) voterHosts(resources []Resource, voters map[string]bool) {
	for _, r := range resources {
		if voters[r.Component] && r.Type == typeVolume && r.Op == "replace" {
			f.add(Danger, riskQuorum, "quorum voter loses its metadata", r.Component)
		}
	}
	_, down := VotersDown(resources)
	level, text := Review, "quorum voter loses its host for a while"
	if len(down) > (len(voters)-1)/2 {
		level, text = Danger, "quorum voters lose their host in the same run, and nothing keeps them apart: the quorum may lose its majority"
	}
	for _, node := range down {
		f.add(level, riskQuorum, text, node)
	}
}

// voters are those of the quorum that there is.
func voters(resources []Resource) map[string]bool {
	voters := map[string]bool{}
	for _, r := range resources {
		if r.Type == typeNode && r.Op != "create" && isVoter(r) {
			voters[r.Component] = true
		}
	}
	return voters
}

// VotersDown is how many voters there are, and which of them lose their host for
// a while with nothing that keeps them apart: it is replaced, or AWS stops it.
func VotersDown(resources []Resource) (count int, down []string) {
	voters := voters(resources)
	for _, r := range resources {
		if voters[r.Component] && r.Type == typeInstance && (r.Op == "replace" || r.stops() && !r.inTurn()) {
			down = append(down, r.Component)
		}
	}
	return len(voters), down
}

// isVoter reads the roles that a node component has among its inputs.
func isVoter(r Resource) bool {
	roles, _ := r.Inputs["roles"].([]any)
	return slices.Contains(roles, any("controller"))
}

// plaintext finds listeners for clients that begin to talk in the clear: a new
// node's, or one that was encrypted.
func (f *finder) plaintext(r Resource) {
	if r.Step != "configure" || r.Op == "same" || r.Op == "delete" {
		return
	}
	wanted, old := ListenersOf(Properties(r.Inputs)), ListenersOf(Properties(r.Old))
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		protocol, before := wanted[name], old[name]
		if strings.Contains(protocol, "PLAINTEXT") && (r.Op == "create" || before != "" && !strings.Contains(before, "PLAINTEXT")) {
			f.add(Review, riskPlaintext, "listener "+name+" is not encrypted ("+protocol+")", r.Component)
		}
	}
}

// ListenersOf are the listeners in a node's properties, with the security
// protocol of each.
func ListenersOf(properties map[string]string) map[string]string {
	protocols := map[string]string{}
	for pair := range strings.SplitSeq(properties["listener.security.protocol.map"], ",") {
		if name, protocol, ok := strings.Cut(pair, ":"); ok {
			protocols[name] = protocol
		}
	}
	return protocols
}

// Properties are the broker properties in a node's configure step; empty where it
// has none that can be read.
func Properties(configure map[string]any) map[string]string {
	document, _ := configure["stdin"].(string)
	byPath, _ := sections(document)
	properties := map[string]string{}
	for line := range strings.Lines(byPath["/etc/kafka/server.properties"]) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") && !strings.HasPrefix(name, "=") {
			properties[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return properties
}
