package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Row j: what moves when a fourth broker joins.
const (
	scaleStack      = "bench-scale"
	scaleTarget     = 1.05
	scalePartitions = 24 // times 3 replicas, which 3 and 4 brokers can hold evenly
	scaleBytes      = 10_000_000_000
	scaleTime       = 6 * time.Minute // what is written by then is what is moved
	scaleRecord     = 10_000
	scaleChunk      = 20_000 // records of one call of the producer
	scaleTopic      = "bench"
)

// threeBrokers and largeDisks are lines of the lab's stack file.
const (
	threeBrokers = "    count: 3\n    instanceType: t3.small\n"
	fourBrokers  = "    count: 4\n    instanceType: t3.small\n"
	smallDisks   = "      sizeGiB: 2\n"
	largeDisks   = "      sizeGiB: 24\n"
)

// replica is one copy of a partition.
type replica struct {
	topic     string
	partition int32
	broker    int32
}

// scaleRow measures row j: the bytes of all replicas that are where there was none
// before, beside the new broker's even share, which is the least that can move.
func (b *bench) scaleRow(ctx context.Context) (row Row, err error) {
	leave, err := b.enterLab(ctx)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	s, err := b.raise(ctx, scaleStack, map[string]string{smallDisks: largeDisks})
	defer func() { err = errors.Join(err, s.raze(ctx)) }()
	if err != nil {
		return row, err
	}
	if _, err := s.kraftstack(ctx, "up"); err != nil {
		return row, err
	}
	written, err := s.fill(ctx)
	if err != nil {
		return row, err
	}
	before, err := s.replicas(ctx)
	if err != nil {
		return row, err
	}
	err = s.project(s.dir, s.stack, map[string]string{smallDisks: largeDisks, threeBrokers: fourBrokers})
	if err != nil {
		return row, err
	}
	began := time.Now()
	if _, err := s.kraftstack(ctx, "up"); err != nil {
		return row, err
	}
	s.sayf("the fourth broker has its share after %.0f s", time.Since(began).Seconds())
	after, err := s.replicas(ctx)
	if err != nil {
		return row, err
	}
	row = Row{
		Name: fmt.Sprintf("j  moved by scaling out from 3 to 4 with %.1f GB", float64(written)/1e9), Unit: "MB",
		MaxRatio: scaleTarget, PeerName: "the new broker's share, the least there is",
	}
	moved, share := moves(before, after)
	row.Ours.add(float64(moved) / 1e6)
	row.Peer.add(float64(share) / 1e6)
	return row, nil
}

// moves are the bytes that came to where they were not, and a fourth of all.
func moves(before, after map[replica]int64) (moved, share int64) {
	brokers := map[int32]bool{}
	var all int64
	for r, size := range after {
		brokers[r.broker] = true
		all += size
		if _, there := before[r]; !there {
			moved += size
		}
	}
	return moved, all / int64(max(1, len(brokers)))
}

// fill writes records until there are enough or the time is over, and returns how
// many bytes they have.
func (s *site) fill(ctx context.Context) (written int64, err error) {
	const topic = "sudo /opt/kafka/current/bin/kafka-topics.sh --bootstrap-server %s --command-config /etc/kafka/client.properties " +
		"--create --topic %s --partitions %d --replication-factor 3"
	if _, err := s.onHost(ctx, "bastion", fmt.Sprintf(topic, s.outputs.BootstrapServers[0], scaleTopic, scalePartitions)); err != nil {
		return 0, err
	}
	const produce = "sudo /opt/kafka/current/bin/kafka-producer-perf-test.sh --topic %s --num-records %d --record-size %d " +
		"--throughput -1 --command-config /etc/kafka/client.properties --command-property acks=all"
	began := time.Now()
	for written < scaleBytes && time.Since(began) < scaleTime {
		if _, err := s.onHost(ctx, "bastion", fmt.Sprintf(produce, scaleTopic, scaleChunk, scaleRecord)); err != nil {
			return written, err
		}
		written += scaleChunk * scaleRecord
	}
	s.sayf("%.1f GB were written in %.0f s", float64(written)/1e9, time.Since(began).Seconds())
	return written, nil
}

// replicas are all replicas of the cluster with their bytes, as the brokers
// themselves count them.
func (s *site) replicas(ctx context.Context) (map[replica]int64, error) {
	client, err := s.tunnel.Client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	dirs, err := kadm.NewClient(client).DescribeAllLogDirs(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the brokers of %s for their replicas: %w", s.stack, err)
	}
	found := map[replica]int64{}
	for broker, of := range dirs {
		if err := of.Error(); err != nil {
			return nil, fmt.Errorf("ask broker %d for its replicas: %w", broker, err)
		}
		of.EachPartition(func(p kadm.DescribedLogDirPartition) {
			found[replica{p.Topic, p.Partition, broker}] += p.Size
		})
	}
	return found, nil
}
