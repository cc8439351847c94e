package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"kraftstack/internal/cluster"
)

// Targets of rows f and g.
const (
	tlsTarget    = 1.33 // of plaintext's time: TLS costs a quarter of its throughput at most
	userTarget   = 3    // s
	usersTarget  = 30   // s
	manyUsers    = 50
	rulesOfUser  = 10
	tlsRuns      = 3
	userRuns     = 3
	tlsRecords   = 200_000
	tlsWarmUp    = 100_000
	recordSize   = 1000
	securedStack = "bench-secured"
)

// securityRows measures rows f and g on one cluster, whose clients speak in the
// clear at first.
func (b *bench) securityRows(ctx context.Context) (rows []Row, err error) {
	leave, err := b.enterLab(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	s, err := b.raise(ctx, securedStack, plaintext)
	defer func() { err = errors.Join(err, s.raze(ctx)) }()
	if err != nil {
		return nil, err
	}
	encrypted := Row{
		Name: fmt.Sprintf("f  %d records of %d bytes, acks=all", tlsRecords, recordSize), Unit: "s", MaxRatio: tlsTarget,
		PeerName: "the same cluster in plaintext",
	}
	for _, step := range []struct {
		changes map[string]string
		sample  *Sample
	}{{plaintext, &encrypted.Peer}, {nil, &encrypted.Ours}} {
		if err := s.project(s.dir, s.stack, step.changes); err != nil {
			return nil, err
		}
		if _, err := s.kraftstack(ctx, "up"); err != nil {
			return nil, err
		}
		if err := s.produce(ctx, step.sample); err != nil {
			return nil, err
		}
	}
	users, err := s.users(ctx)
	return append([]Row{encrypted}, users...), err
}

// produce measures how long Kafka's own producer on the bastion takes for the
// records, after a warm-up of brokers and page cache. What a JVM takes to start is
// no part of it.
func (s *site) produce(ctx context.Context, into *Sample) error {
	const topic = "sudo /opt/kafka/current/bin/kafka-topics.sh --bootstrap-server %s --command-config /etc/kafka/client.properties " +
		"--create --if-not-exists --topic bench --partitions 6 --replication-factor 3"
	server := s.outputs.BootstrapServers[0]
	if _, err := s.onHost(ctx, "bastion", fmt.Sprintf(topic, server)); err != nil {
		return err
	}
	for i := range tlsRuns + 1 {
		records := tlsRecords
		if i == 0 {
			records = tlsWarmUp
		}
		said, err := s.onHost(ctx, "bastion", fmt.Sprintf("sudo /opt/kafka/current/bin/kafka-producer-perf-test.sh --topic bench --num-records %d "+
			"--record-size %d --throughput -1 --command-config /etc/kafka/client.properties --command-property acks=all", records, recordSize))
		if err != nil {
			return err
		}
		rate, err := producerRate(said)
		if err != nil {
			return err
		}
		if i > 0 {
			into.add(tlsRecords / rate)
		}
	}
	return nil
}

var finalRate = regexp.MustCompile(`(?m)^\d+ records sent, ([0-9.]+) records/sec`)

// producerRate is what the tool says of all records, in its last line.
func producerRate(said string) (float64, error) {
	lines := finalRate.FindAllStringSubmatch(said, -1)
	if len(lines) == 0 {
		return 0, fmt.Errorf("kafka-producer-perf-test.sh told no rate: %s", said)
	}
	return strconv.ParseFloat(lines[len(lines)-1][1], 64)
}

func (s *site) onHost(ctx context.Context, host, command string) (string, error) {
	var stdout, stderr bytes.Buffer
	session := cluster.Session{Host: host, Command: command, Stdout: &stdout, Stderr: &stderr}
	if err := session.Run(ctx, s.tunnel); err != nil {
		return "", fmt.Errorf("on %s of %s: %w: %s", host, s.stack, err, stderr.String())
	}
	return stdout.String(), nil
}

// users measures row g: one user more, and many at once.
func (s *site) users(ctx context.Context) ([]Row, error) {
	one := Row{Name: fmt.Sprintf("g  one user with %d rules more", rulesOfUser), Unit: "s", MaxOurs: userTarget}
	many := Row{Name: fmt.Sprintf("g  %d users with %d rules more", manyUsers, manyUsers*rulesOfUser), Unit: "s", MaxOurs: usersTarget}
	for n := 1; n <= userRuns; n++ {
		if err := s.addUsers(ctx, n, 1, &one.Ours); err != nil {
			return nil, err
		}
	}
	return []Row{one, many}, s.addUsers(ctx, userRuns+manyUsers, manyUsers, &many.Ours)
}

// addUsers makes the stack have so many users: exactly so many resources are new,
// and nothing else changes.
func (s *site) addUsers(ctx context.Context, all, more int, into *Sample) error {
	var text strings.Builder
	text.WriteString("  kraftstack:users:\n")
	for i := range all {
		fmt.Fprintf(&text, "    - name: user-%d\n      acls:\n", i)
		for rule := range rulesOfUser {
			fmt.Fprintf(&text, "        - {operations: [read], resource: topic:orders-%d-%d}\n", i, rule)
		}
	}
	const place = "  kraftstack:kafka:\n"
	if err := s.project(s.dir, s.stack, map[string]string{place: text.String() + place}); err != nil {
		return err
	}
	return into.timed(func() error {
		changes, err := s.kraftstack(ctx, "up")
		if err == nil && len(changes) != more {
			err = fmt.Errorf("%d users more were %d changes: %+v", more, len(changes), changes)
		}
		return err
	})
}
