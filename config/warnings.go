package config

import (
	"fmt"
	"strings"
)

// Warning is what a stack file may say, and what it costs.
type Warning struct {
	Key  string // path of the field, such as kraftstack:network.zones
	Text string // what will happen, and what to write against it
}

// String is the warning on one line.
func (w Warning) String() string { return w.Key + ": " + w.Text }

// Warnings lists what is allowed and rarely meant, in the order of the
// reference. A stack that Load has refused has none.
func (s Stack) Warnings() []Warning {
	var list []Warning
	add := func(field, format string, args ...any) {
		list = append(list, Warning{Key: Namespace + ":" + field, Text: fmt.Sprintf(format, args...)})
	}
	// A lone voter outlives no loss, wherever it is.
	if voters := s.Controllers.Count; voters > 1 && s.votersTogether() > spare(voters) {
		add("network.zones", "%d of the %d voters are in one zone: while that zone is lost the quorum has no majority and the cluster stands still; write at least %d zones",
			s.votersTogether(), voters, zonesFor(voters))
	}
	if s.Network.NATGateways == NATNone && strings.HasPrefix(s.Kafka.ArchiveURL, apacheArchive) {
		add("network.natGateways", "without a NAT gateway private hosts do not reach %s; write a kafka.archiveUrl that they reach, such as a bucket's behind the S3 endpoint",
			s.Kafka.ArchiveURL)
	}
	if s.Access.OpenToWorld {
		add("access.openToWorld", "0.0.0.0/0 may be in adminCidrs: everybody can try to log in to the bastion; remove it once it is not needed")
	}
	return list
}

// spare is how many voters a quorum can lose.
func spare(voters int) int { return (voters - 1) / 2 }

// zonesFor is the least number of zones of which any one can be lost.
func zonesFor(voters int) int {
	zones := 1
	for (voters+zones-1)/zones > spare(voters) {
		zones++
	}
	return zones
}

// votersTogether is the most voters that share a zone.
func (s Stack) votersTogether() int {
	perZone, most := map[int]int{}, 0
	for _, n := range s.Nodes() {
		if n.Controller {
			perZone[n.Zone]++
			most = max(most, perZone[n.Zone])
		}
	}
	return most
}
