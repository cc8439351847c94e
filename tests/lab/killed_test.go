//go:build long

package lab_test

import (
	"strings"
	"testing"
	"time"
)

// TestKilledInEveryChange: the driver is killed while a step of each kind of change
// runs on a host, which is not done with it then. TestOrdealsOfTheDriver has that of
// a roll, TestScale that of partitions that move, TestQuorum those of the voters.
func TestKilledInEveryChange(t *testing.T) {
	w := newWanderer(t, "killed-changes", 0, 0)
	w.suffer(t,
		trouble{"killed during a live setting", func(t *testing.T) {
			w.retention++
			w.killedAt(t, "broker-1001", "live")
		}},
		trouble{"killed while a user is made", func(t *testing.T) {
			w.users++
			w.killedAt(t, "bastion", "user")
		}},
		trouble{"killed while a version is installed and finalized", func(t *testing.T) {
			w.version = "4.3.0"
			w.killedAt(t, "broker-1003", "install")
			w.must(t, "unlock", "--stack", w.stack)
			w.killedAt(t, "broker-1001", "finalize")
		}},
		trouble{"killed while another type is given to a host", w.killedAtStop},
		trouble{"a broker joins", func(*testing.T) { w.brokers = 4; w.write(t) }},
		trouble{"killed while a broker leaves", func(t *testing.T) {
			w.brokers = 3
			w.killedAt(t, "broker-1004", "retire")
		}},
	)
	if v := w.view(t, w.stack); v.KafkaVersion != "4.3" || v.Metadata.Waits() || len(v.Brokers) != 3 {
		t.Errorf("in the end Kafka is %s with metadata %+v and brokers %+v", v.KafkaVersion, v.Metadata, v.Brokers)
	}
}

// killedAt runs up, and kills it when a host has begun with a verb of the toolkit:
// that is held, and goes on when nobody listens any more. The host is looked into beside
// the state, which knows one that leaves no more.
func (w *wanderer) killedAt(t *testing.T, host, verb string) {
	t.Helper()
	w.hold(t, host, verb)
	w.write(t)
	p := w.start(t, "up", "--stack", w.stack)
	eventually(t, "kafka-node "+verb+" on "+host, commandLimit, func() (bool, string) {
		return w.held(t, host), p.stderr.String()
	})
	killTree(t, p)
	_ = p.cmd.Wait()
	w.letGo(t, host, verb)
}

// killedAtStop: an instance is stopped to change its type, and nobody is left to
// start it again but the next up.
func (w *wanderer) killedAtStop(t *testing.T) {
	w.size = "t3.medium"
	w.write(t)
	p := w.start(t, "up", "--stack", w.stack)
	eventually(t, "an instance is stopped", 4*time.Minute, func() (bool, string) {
		var states []string
		for _, host := range w.lab(t).Hosts {
			if strings.HasPrefix(host.Name, w.stack+"-broker-") {
				states = append(states, host.State)
			}
		}
		return strings.Contains(strings.Join(states, " "), "stop"), strings.Join(states, " ")
	})
	killTree(t, p)
	_ = p.cmd.Wait()
}
