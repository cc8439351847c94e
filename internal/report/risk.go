package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Level is how much a risk asks of a reviewer.
type Level string

// The levels, the worst first.
const (
	Danger Level = "danger" // data, quorum or safety may be lost
	Review Level = "review" // goes well if it is meant
	Note   Level = "note"   // good to know
)

// Risk is one thing that a reviewer fears, with all the places where it is.
type Risk struct {
	Level Level  `json:"level"`
	Kind  string `json:"kind"`
	// Text says what happens, without the places.
	Text  string   `json:"text"`
	Where []string `json:"where"`
}

// The kinds of risks, in the order in which a report tells of those that are
// as bad as each other.
const (
	riskDisk       = "disk"       // data volumes deleted or replaced
	riskHost       = "host"       // instances deleted or replaced
	riskStop       = "stop"       // instances that AWS stops and starts
	riskQuorum     = "quorum"     // voters that come, go or lose something
	riskProtection = "protection" // resources that lose their protection
	riskPlaintext  = "plaintext"  // listeners that begin to talk in the clear
	riskRule       = "rule"       // rules that let more in
	riskAddress    = "address"    // addresses that the internet can reach
	riskRestart    = "restart"    // brokers whose Kafka restarts
	riskSecret     = "secret"     // secret content that changes
)

var riskOrder = []string{
	riskDisk, riskHost, riskStop, riskQuorum, riskProtection, riskPlaintext, riskRule, riskAddress, riskRestart, riskSecret,
}

// finder collects risks by kind and text.
type finder struct {
	found []Risk
}

func (f *finder) add(level Level, kind, text string, where string) {
	for i := range f.found {
		if r := &f.found[i]; r.Level == level && r.Kind == kind && r.Text == text {
			if where != "" && !slices.Contains(r.Where, where) {
				r.Where = append(r.Where, where)
			}
			return
		}
	}
	risk := Risk{Level: level, Kind: kind, Text: text, Where: []string{}}
	if where != "" {
		risk.Where = append(risk.Where, where)
	}
	f.found = append(f.found, risk)
}

// risks are what a reviewer fears in a report's changes, the worst first.
func risks(r Report, resources []Resource, waves int) []Risk {
	f := &finder{found: []Risk{}}
	for _, res := range resources {
		f.losses(res)
		f.lostDisk(res, resources)
		f.stops(res)
		if res.Unprotected {
			f.add(Danger, riskProtection, "loses its protection against deletion", res.place())
		}
		f.openings(res)
		f.plaintext(res)
	}
	f.quorum(resources, r.Restarts)
	f.restarts(r.Restarts, waves)
	for _, d := range r.Diffs {
		if d.Secret {
			for _, host := range d.Hosts {
				f.add(Note, riskSecret, "secret content changed", placeName(host, d.File))
			}
		}
	}
	slices.SortStableFunc(f.found, func(a, b Risk) int {
		return cmp.Or(cmp.Compare(levelRank(a.Level), levelRank(b.Level)),
			cmp.Compare(slices.Index(riskOrder, a.Kind), slices.Index(riskOrder, b.Kind)))
	})
	return f.found
}

func levelRank(l Level) int { return slices.Index([]Level{Danger, Review, Note}, l) }

func (r Resource) place() string { return placeName(r.Component, r.Step) }

// goes says whether the resource that is there now will be no more.
func (r Resource) goes() bool { return r.Op == "delete" || r.Op == "replace" }

func (f *finder) losses(r Resource) {
	if !r.goes() {
		return
	}
	switch r.Type {
	case typeVolume:
		text := "disk is deleted, and what is on it"
		if r.Op == "replace" {
			text = "disk is replaced by an empty one"
		}
		f.add(Danger, riskDisk, text, r.place())
	case typeInstance:
		f.add(Review, riskHost, "host is "+r.Op+"d", r.Component)
	}
}

// lostDisk finds a volume that is made for a node that there is: the one it had is
// gone.
func (f *finder) lostDisk(r Resource, resources []Resource) {
	if r.Type != typeVolume || r.Op != "create" {
		return
	}
	known := slices.ContainsFunc(resources, func(n Resource) bool {
		return n.Type == typeNode && n.Component == r.Component && n.Op != "create"
	})
	if known {
		f.add(Danger, riskDisk, "its disk is gone and an empty one is made; up formats it only where hosts.lostDisks went up for it", r.Component)
	}
}

// stoppers are the properties of an instance that AWS can change only while it
// is stopped (pulumi-aws aws.ec2.Instance: instanceType, userData, ebsOptimized).
var stoppers = []string{"instanceType", "userData", "userDataBase64", "ebsOptimized"}

// stops finds instances that are stopped to be changed.
func (f *finder) stops(r Resource) {
	if r.stops() {
		f.add(Review, riskStop, "host is stopped and started by AWS for its new "+r.stopper(), r.Component)
	}
}

// stops says whether AWS stops and starts the instance to change it.
func (r Resource) stops() bool {
	return r.Type == typeInstance && r.Op == "update" && r.stopper() != ""
}

// stopper is the property for which AWS stops an instance; "" for none.
func (r Resource) stopper() string {
	for _, key := range stoppers {
		if differs(r.Old[key], r.Inputs[key]) && !IsSecret(r.Inputs[key]) && !IsSecret(r.Old[key]) {
			return key
		}
	}
	return ""
}

// inTurn says whether nodes are stopped for it one after another, each when the
// cluster is whole (components.Gate).
func (r Resource) inTurn() bool { return r.stopper() == "instanceType" }

// differs compares values that came from JSON.
func differs(a, b any) bool { return fmt.Sprint(a) != fmt.Sprint(b) }

// wholeStackGoes says whether the network itself is deleted.
func wholeStackGoes(resources []Resource) bool {
	return slices.ContainsFunc(resources, func(r Resource) bool {
		return r.Type == "aws:ec2/vpc:Vpc" && r.Op == "delete"
	})
}

// Sentence is the risk with its places.
func (r Risk) Sentence() string {
	if len(r.Where) == 0 {
		return r.Text
	}
	return nameList(r.Where) + ": " + r.Text
}

// brief is the risk for a headline.
func (r Risk) brief() string {
	what, _, _ := strings.Cut(r.Text, "; ")
	what, _, _ = strings.Cut(what, ", ")
	if n := len(r.Where); n > 1 {
		return fmt.Sprintf("%d × %s", n, what)
	}
	if len(r.Where) == 1 {
		return r.Where[0] + ": " + what
	}
	return what
}
