package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	recordTopic   = "bench"
	recordTimeout = 2 * time.Minute
	replicas      = 3
)

// firstRecord returns when a record is acknowledged by all in-sync replicas of
// a new topic with three of them. It is the same for both sides.
func (s *site) firstRecord(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, recordTimeout, fmt.Errorf("no record was acknowledged within %s", recordTimeout))
	defer cancel()
	client, err := s.tunnel.Client(kgo.RequiredAcks(kgo.AllISRAcks()), kgo.UnknownTopicRetries(-1))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	inSync := "2"
	err = poll(ctx, func() error {
		topic, err := admin.CreateTopic(ctx, 1, replicas, map[string]*string{"min.insync.replicas": &inSync}, recordTopic)
		if err == nil {
			err = topic.Err
		}
		if errors.Is(err, kerr.TopicAlreadyExists) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("make a topic in %s: %w", s.stack, err)
	}
	record := &kgo.Record{Topic: recordTopic, Value: []byte("first")}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		return fmt.Errorf("produce to %s: %w", s.stack, err)
	}
	return nil
}
