package lab_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"kraftstack/internal/cluster"
	"kraftstack/lab/dist"
	"kraftstack/lab/paths"
)

// olderKafka is what clusters are born with that get another version.
const olderKafka = "4.2.0"

// ofVersion is a stack file's text for a version of Kafka.
func ofVersion(version, finalize string) []string {
	return []string{
		`version: "4.3.0"`, `version: "` + version + `"` + "\n    finalize: " + finalize,
		"kafka/4.3.0/kafka_2.13-4.3.0", "kafka/" + version + "/kafka_2.13-" + version,
	}
}

// fetchOlderKafka has the lab serve it.
func fetchOlderKafka(t *testing.T) {
	t.Helper()
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dist.Ensure(context.Background(), cache, olderKafka, os.Stderr); err != nil {
		t.Fatal(err)
	}
}

// wanderer makes random changes of a stack file, and random trouble meanwhile.
// Everything it does follows from its seed; how many steps there is time for
// does not.
type wanderer struct {
	*ordeal
	random    *rand.Rand
	deck      []drawn // what is left of it
	decks     int
	version   string
	retention int // milliseconds; a setting that Kafka takes over while it runs
	users     int
	brokers   int // 3, or 4
	voters    int // controllers of their own, 3 or 5; 0: three brokers are the voters
	gib       int // of a broker's volume
	kills     int // of the driver while members changed
}

// newWanderer is a cluster of the older version of Kafka that runs.
func newWanderer(t *testing.T, stack string, seed, voters int) *wanderer {
	t.Helper()
	w := &wanderer{
		ordeal: &ordeal{story: shared, stack: stack, heap: 384, size: "t3.small"}, random: dealer(seed),
		version: olderKafka, retention: 90_000_000, brokers: 3, voters: voters, gib: 2,
	}
	fetchOlderKafka(t)
	w.write(t)
	t.Cleanup(func() { w.must(t, "destroy", "--stack", w.stack, "--yes") })
	w.up(t, w.stack)
	return w
}

// write makes the stack file what the wanderer wants by now.
func (w *wanderer) write(t *testing.T) {
	t.Helper()
	tail := fmt.Sprintf("    heap: %dm\n    config: {log.retention.ms: %d}\n", w.heap, w.retention)
	if w.users > 0 {
		tail += "  kraftstack:users:\n"
	}
	for i := range w.users {
		tail += fmt.Sprintf("    - {name: wanderer-%d, acls: [{operations: [read], resource: topic:wandering}]}\n", i)
	}
	text := append(ofVersion(w.version, "auto"), "    heap: 384m\n", tail,
		"count: 3\n    instanceType: t3.small", fmt.Sprintf("count: %d\n    instanceType: %s", w.brokers, w.size),
		"sizeGiB: 2\n", fmt.Sprintf("sizeGiB: %d\n", w.gib))
	if w.voters > 0 {
		text = append(text, "    mode: combined\n    count: 3\n", fmt.Sprintf(
			"    mode: dedicated\n    count: %d\n    instanceType: t3.small\n    volume:\n      sizeGiB: 1\n", w.voters))
	}
	w.stackFile(t, w.stack, text...)
}

// alter changes what the wanderer wants, and says how.
func (w *wanderer) alter(c change) string {
	switch c {
	case aRoll:
		w.heap++
		return fmt.Sprintf("a roll, heap %d", w.heap)
	case aVersion:
		w.version = "4.3.0"
		return "Kafka " + w.version
	case aLiveSetting:
		w.retention++
		return fmt.Sprintf("a live setting, %d", w.retention)
	case aUser:
		w.users++
		return fmt.Sprintf("user %d", w.users)
	case anotherType:
		w.size = map[string]string{"t3.small": "t3.medium", "t3.medium": "t3.small"}[w.size]
		return "instance type " + w.size
	case moreDisk:
		w.gib++
		return fmt.Sprintf("volumes of %d GiB", w.gib)
	case theBrokers:
		w.brokers = 7 - w.brokers
		return fmt.Sprintf("%d brokers", w.brokers)
	case theVoters:
		w.voters = 8 - w.voters
		return fmt.Sprintf("%d controllers", w.voters)
	}
	panic(c)
}

// membersChange is where and by which verb of the toolkit the members change that a
// step wants changed.
func (w *wanderer) membersChange(c change) (host, verb string) {
	switch {
	case c == theVoters:
		return "controller-1", "quorum"
	case w.brokers == 3:
		return "broker-1004", "retire"
	}
	return "broker-1001", "rebalance"
}

// quorumLeader is the host whose Kafka leads the quorum, as soon as one does.
func (w *wanderer) quorumLeader(t *testing.T) (host string) {
	t.Helper()
	eventually(t, "the quorum has a leader", commandLimit, func() (bool, string) {
		r := w.run(t, "status", "--stack", w.stack, "--json")
		var v cluster.View
		if err := json.Unmarshal([]byte(r.stdout), &v); err != nil || v.Quorum == nil || v.Quorum.Leader < 1 {
			return false, r.stdout + r.stderr
		}
		host = fmt.Sprintf("controller-%d", v.Quorum.Leader)
		return true, ""
	})
	return host
}
