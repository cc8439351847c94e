package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Stacks that a bench makes, one after another.
const (
	ourStack  = "bench-ours"
	peerStack = "bench-ansible"
)

// Targets of rows a and b.
const (
	firstTarget   = 0.5
	againTarget   = 0.25
	againSeconds  = 3
	daemonTarget  = 150  // MB
	wholeLabLimit = 4096 // MB
	againRuns     = 3    // runs with nothing to change of ours for each round; one is short
)

// result gathers what the rounds measured.
type result struct {
	first, again Row
	daemon, lab  Row
}

func newResult() *result {
	const playbook = "an Ansible playbook"
	return &result{
		first: Row{Name: "a  hosts booted to first record", Unit: "s", MaxRatio: firstTarget, PeerName: playbook},
		again: Row{
			Name: "b  run with nothing to change", Unit: "s", MaxRatio: againTarget, MaxOurs: againSeconds,
			PeerName: playbook + ", second run",
		},
		daemon: Row{Name: "memory of the lab's daemon", Unit: "MB", MaxOurs: daemonTarget},
		lab:    Row{Name: "memory of the whole lab", Unit: "MB", MaxOurs: wholeLabLimit},
	}
}

// hosts measures rows a and b, and the lab's memory on the way. The sides take
// turns, each round on new hosts; no round has hosts of both.
func (b *bench) hosts(ctx context.Context) (rows []Row, err error) {
	ansible, err := b.ensureAnsible(ctx)
	if err != nil {
		return nil, err
	}
	leave, err := b.enterLab(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	r := newResult()
	var longest time.Duration
	for i := range b.runs {
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < longest*5/4 {
			b.sayf("no time for round %d of %d: the last took %.0f s", i+1, b.runs, longest.Seconds())
			break
		}
		began := time.Now()
		b.sayf("round %d of %d: kraftstack", i+1, b.runs)
		if err := b.ourRound(ctx, r); err != nil {
			return nil, err
		}
		b.sayf("round %d of %d: the playbook", i+1, b.runs)
		if err := b.peerRound(ctx, r, ansible); err != nil {
			return nil, err
		}
		longest = max(longest, time.Since(began))
	}
	if b.wants("a") {
		rows = append(rows, r.first)
	}
	if b.wants("b") {
		rows = append(rows, r.again)
	}
	return append(rows, r.daemon, r.lab), nil
}

func (b *bench) ourRound(ctx context.Context, r *result) (err error) {
	s, err := b.raise(ctx, ourStack, nil)
	defer func() { err = errors.Join(err, s.raze(ctx)) }()
	if err != nil {
		return err
	}
	err = r.first.Ours.timed(func() error {
		if _, err := s.kraftstack(ctx, "up"); err != nil {
			return err
		}
		return s.firstRecord(ctx)
	})
	if err != nil {
		return err
	}
	for range againRuns {
		err := r.again.Ours.timed(func() error {
			changes, err := s.kraftstack(ctx, "up")
			if err == nil && len(changes) > 0 {
				err = fmt.Errorf("the second `kraftstack up` had %d changes, the first: %+v", len(changes), changes[0])
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	daemon, all, hosts, err := memory(ctx)
	if err != nil {
		return err
	}
	r.lab.Name = fmt.Sprintf("memory of the whole lab, %d hosts", hosts)
	r.daemon.Ours.add(megabytes(daemon))
	r.lab.Ours.add(megabytes(all))
	return nil
}

// plaintext makes the peer's stack one whose clients have no names: so is what
// the playbook installs, and what encryption costs is in our side alone.
var plaintext = map[string]string{"  kraftstack:kafka:\n": "  kraftstack:security: {clients: plaintext}\n  kraftstack:kafka:\n"}

func (b *bench) peerRound(ctx context.Context, r *result, ansible string) (err error) {
	s, err := b.raise(ctx, peerStack, plaintext)
	defer func() { err = errors.Join(err, s.raze(ctx)) }()
	if err != nil {
		return err
	}
	book, err := newPlaybook(s, ansible)
	if err != nil {
		return err
	}
	err = r.first.Peer.timed(func() error {
		if _, err := book.run(ctx); err != nil {
			return err
		}
		return s.firstRecord(ctx)
	})
	if err != nil {
		return err
	}
	for range againRuns - 1 {
		err := r.again.Peer.timed(func() error {
			changed, err := book.run(ctx)
			if err == nil && changed {
				err = errors.New("the playbook's second run changed something")
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
