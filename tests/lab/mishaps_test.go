package lab_test

import (
	"testing"
	"time"
)

// mishap is a fault as it is brought about.
type mishap struct {
	before func()           // up starts; nil: nothing
	due    func() bool      // while up runs; nil: after the drawn time, and be it when up has ended
	bring  func(p *process) // nil: it comes by itself
	after  func()           // up has ended; nil: nothing
}

// mishap is the fault of a card.
func (w *wanderer) mishap(t *testing.T, card drawn) mishap {
	t.Helper()
	host := card.host
	switch card.fault {
	case driverKilled:
		var began time.Time
		return mishap{
			before: func() { began = time.Now() },
			due:    func() bool { return time.Since(began) >= card.after },
			bring:  func(p *process) { killTree(t, p) },
		}
	case killedAtIt:
		return w.killAtIt(t, card.change)
	case sshLost:
		return mishap{
			before: func() { w.plantCut(t, host) },
			due:    func() bool { return false },
			after:  func() { w.inside(t, host, "test -s /run/story-cut") },
		}
	case secondDies:
		return mishap{due: func() bool {
			_, err := w.try(t, host, "test -e /var/lib/kraftstack/unproven")
			return err == nil
		}, bring: func(*process) { w.killKafka(t, card.second) }}
	case kafkaKilled:
		return mishap{bring: func(*process) { w.killKafka(t, host) }}
	case hostCrashed:
		return mishap{bring: func(*process) { w.crash(t, host) }}
	case bastionCrashed:
		return mishap{bring: func(*process) { w.crash(t, "bastion") }}
	case leaderKilled:
		return mishap{bring: func(*process) { w.killKafka(t, w.quorumLeader(t)) }}
	case logsCorrupt:
		return mishap{bring: func(*process) {
			w.corrupt(t, host)
			w.soon(t, host, "systemctl start --no-block kafka.service")
		}}
	case diskFull:
		return mishap{bring: func(*process) { w.fillDisk(t, host) }}
	}
	t.Fatalf("no mishap is %q", card.fault)
	return mishap{}
}

// killAtIt: the driver dies while a host changes the members, which goes on when nobody
// listens any more.
func (w *wanderer) killAtIt(t *testing.T, c change) mishap {
	t.Helper()
	host, verb := w.membersChange(c)
	return mishap{
		before: func() { w.hold(t, host, verb) },
		due:    func() bool { return w.held(t, host) },
		bring: func(p *process) {
			killTree(t, p)
			w.kills++
			w.letGo(t, host, verb)
		},
		after: func() { w.letGo(t, host, verb) }, // also where it never began
	}
}

// befall runs up with a mishap, and returns how it ended. What the mishap waits for has
// to come.
func (w *wanderer) befall(t *testing.T, card drawn, m mishap) result {
	t.Helper()
	if m.before != nil {
		m.before()
	}
	p := w.start(t, "up", "--stack", w.stack)
	ended := make(chan result, 1)
	go func() { ended <- p.wait(t) }()
	late, tick := time.After(card.after), time.NewTicker(500*time.Millisecond)
	defer tick.Stop()
	var r result
	for over, brought := false, m.bring == nil; !over || !brought; {
		due := false
		select {
		case r = <-ended:
			over = true
			if !brought && m.due != nil {
				t.Errorf("up ended with %d before the mishap was due:\n%s", r.code, r.stderr)
				brought = true
			}
		case <-late:
			due = m.due == nil
		case <-tick.C:
			due = m.due != nil && !brought && m.due()
		}
		if due && !brought {
			m.bring(p)
			brought = true
		}
	}
	if m.after != nil {
		m.after()
	}
	return r
}
