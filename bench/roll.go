package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Targets of row h.
const (
	rollStack      = "bench-roll"
	rollTarget     = 0.5 // of the playbook's time
	rollP99Target  = 5   // times the calm one's
	rollOwnSeconds = 2   // beyond its own stop, start and catch-up, for each broker
	rollRounds     = 2
	// A young cluster is slow, which would flatter the roll.
	rollYouth = 90 * time.Second
	rollCalm  = 90 * time.Second
)

// rolling is what the rounds measured.
type rolling struct {
	whole, beyond, latency, failed Row
}

func newRolling() *rolling {
	return &rolling{
		whole: Row{
			Name: "h  rolling restart of 3 brokers under load", Unit: "s", MaxRatio: rollTarget,
			PeerName: "a playbook: restart, 20 s, under-replicated check",
		},
		beyond:  Row{Name: "h  the slowest broker beyond its own stop, start, catch-up", Unit: "s", MaxOurs: rollOwnSeconds},
		latency: Row{Name: "h  p99 of a produce meanwhile", Unit: "ms", MaxRatio: rollP99Target, PeerName: "the same load without a roll"},
		failed:  Row{Name: "h  produces that failed meanwhile", Unit: "", None: true},
	}
}

// rollRows measures rows h and i: kraftstack and the playbook restart the same brokers in
// turn, while the counting pair writes with acks=all and reads.
func (b *bench) rollRows(ctx context.Context) (rows []Row, err error) {
	ansible, err := b.ensureAnsible(ctx)
	if err != nil {
		return nil, err
	}
	leave, err := b.enterLab(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	s, err := b.raise(ctx, rollStack, nil)
	defer func() { err = errors.Join(err, s.raze(ctx)) }()
	if err != nil {
		return nil, err
	}
	if _, err := s.kraftstack(ctx, "up"); err != nil {
		return nil, err
	}
	book, err := newPlaybook(s, ansible)
	if err != nil {
		return nil, err
	}
	load, err := s.count(ctx, "roll")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, load.quit()) }()
	r := newRolling()
	if err := s.rounds(ctx, r, load, book); err != nil {
		return nil, err
	}
	report, err := load.stop()
	if err != nil {
		return nil, err
	}
	for _, phase := range report.Phases {
		switch {
		case strings.HasPrefix(phase.Name, "kraftstack"):
			r.latency.Ours.add(phase.P99Millis)
			r.failed.Ours.add(float64(phase.Failed))
		case strings.HasPrefix(phase.Name, "undisturbed"):
			r.latency.Peer.add(phase.P99Millis)
		}
	}
	idle, err := s.idleChain(ctx, heapOf(rollRounds-1))
	return []Row{r.whole, r.beyond, r.latency, r.failed, idle}, err
}

// rounds lets the cluster grow up, and then takes turns.
func (s *site) rounds(ctx context.Context, r *rolling, load *counting, book *playbook) error {
	s.sayf("producing for %.0f s before anything counts", rollYouth.Seconds())
	// What a cluster has from a quarter of an hour of age on; both sides start Kafka with it.
	for _, host := range []string{"broker-1001", "broker-1002", "broker-1003"} {
		if _, err := s.onHost(ctx, host, "sudo systemctl start kafka-classes"); err != nil {
			return err
		}
	}
	if err := lasts(ctx, rollYouth); err != nil {
		return err
	}
	for i := range rollRounds {
		s.sayf("round %d of %d: nothing happens", i+1, rollRounds)
		if err := load.during(fmt.Sprint("undisturbed ", i), func() error { return lasts(ctx, rollCalm) }); err != nil {
			return err
		}
		s.sayf("round %d of %d: kraftstack", i+1, rollRounds)
		if err := load.during(fmt.Sprint("kraftstack ", i), func() error { return s.ourRoll(ctx, r, i) }); err != nil {
			return err
		}
		s.sayf("round %d of %d: the playbook", i+1, rollRounds)
		err := load.during(fmt.Sprint("playbook ", i), func() error {
			return r.whole.Peer.timed(func() error {
				_, err := book.play(ctx, "roll.yml")
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lasts is over after so much time of load.
func lasts(ctx context.Context, long time.Duration) error {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// heapOf changes the stack file.
func heapOf(round int) map[string]string {
	return map[string]string{"    heap: 384m\n": fmt.Sprintf("    heap: %dm\n", 380-round)}
}

// ourRoll changes what every broker has to be restarted for. Its time is the
// whole of `kraftstack up`.
func (s *site) ourRoll(ctx context.Context, r *rolling, round int) error {
	if err := s.project(s.dir, s.stack, heapOf(round)); err != nil {
		return err
	}
	folder := filepath.Join(s.work, fmt.Sprint("roll-", round))
	err := r.whole.Ours.timed(func() error {
		_, err := s.kraftstack(ctx, "up", "--artifacts", folder)
		return err
	})
	if err != nil {
		return err
	}
	steps, err := rollSteps(filepath.Join(folder, "up.xml"))
	if err != nil {
		return err
	}
	own, err := ownTimes(filepath.Join(folder, "up.events.jsonl"))
	if err != nil {
		return err
	}
	worst := 0.0
	for _, node := range s.outputs.Nodes {
		laps, told := own[strconv.Itoa(node.ID)]
		if !told || len(steps[node.Name]) != 2 {
			return fmt.Errorf("%s was not restarted: steps %v, told %v", node.Name, steps, own)
		}
		took := steps[node.Name][0] + steps[node.Name][1]
		s.sayf("%s: %.1f s, of them stop, start and catch-up %.1f s", node.Name, took, laps)
		worst = max(worst, took-laps)
	}
	r.beyond.Ours.add(worst)
	return nil
}

// ownTime is what a node's roll says at its end. The gate is no part of it.
var ownTime = regexp.MustCompile(`node (\d+) is healthy with generation [0-9a-f]+ \(gate [0-9.]+ s, stop ([0-9.]+) s, start ([0-9.]+) s, catch-up ([0-9.]+) s\)`)

// ownTimes are the seconds of stop, start and catch-up by node id, from what the
// steps said while they ran. The rest of the engine's events has what they said the
// last time as well.
func ownTimes(path string) (map[string]float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	own := map[string]float64{}
	for line := range bytes.Lines(text) {
		var event struct{ DiagnosticEvent struct{ Message string } }
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		found := ownTime.FindStringSubmatch(event.DiagnosticEvent.Message)
		if found == nil {
			continue
		}
		sum := 0.0
		for _, part := range found[2:] {
			seconds, err := strconv.ParseFloat(part, 64)
			if err != nil {
				return nil, err
			}
			sum += seconds
		}
		own[found[1]] = sum
	}
	return own, nil
}
