package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kraftstack/tests/counting/check"
)

const (
	replicaTimeout = 20 * time.Second // for a follower to show what its leader has
	fetchBytes     = 4 << 20
)

// copies reads each replica from the broker that holds it: brokers answer
// consumers for partitions that they follow, too (KIP-392). A replica that
// cannot be read is missing in the result.
func (r *Run) copies(ctx context.Context, partitions map[int32]partition, ends map[int32]int64) (found []check.Replica, err error) {
	var topic kadm.TopicID
	err = r.admin(func(admin *kadm.Client) error {
		metadata, err := admin.Metadata(ctx, r.cfg.Topic)
		topic = metadata.Topics[r.cfg.Topic].ID
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask for the topic's id: %w", err)
	}
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.ClientID("counting-replicas")}, r.cfg.Client...)...)
	if err != nil {
		return nil, fmt.Errorf("set up the reader of replicas: %w", err)
	}
	defer client.Close()
	for number := range r.cfg.Partitions {
		for _, broker := range partitions[number].replicas {
			c := replica{client: client, broker: broker, topic: topic, name: r.cfg.Topic, partition: number}
			end, sum, err := c.read(ctx, ends[number])
			if err != nil {
				continue
			}
			found = append(found, check.Replica{
				Partition: number, Broker: broker, End: end, Sum: sum, InSync: slices.Contains(partitions[number].inSync, broker),
			})
		}
	}
	return found, nil
}

// replica is one copy of a partition.
type replica struct {
	client    *kgo.Client
	broker    int32
	topic     kadm.TopicID
	name      string
	partition int32
}

// read sums up every record before the end offset. A follower learns a moment
// later than its leader how far a consumer may read.
func (c replica) read(ctx context.Context, end int64) (offset int64, sum uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, replicaTimeout)
	defer cancel()
	hash := fnv.New64a()
	for offset < end && ctx.Err() == nil {
		records, err := c.fetch(ctx, offset)
		if err != nil {
			return 0, 0, err
		}
		for _, record := range records {
			var head [24]byte
			binary.BigEndian.PutUint64(head[:], uint64(record.Offset))
			binary.BigEndian.PutUint64(head[8:], uint64(record.Timestamp.UnixMilli()))
			binary.BigEndian.PutUint64(head[16:], uint64(len(record.Key)+len(record.Value)))
			// A hash never fails to be written to.
			_, _ = hash.Write(slices.Concat(head[:], record.Key, record.Value))
			offset = record.Offset + 1
		}
	}
	return offset, hash.Sum64(), nil
}

func (c replica) fetch(ctx context.Context, offset int64) ([]*kgo.Record, error) {
	request := kmsg.NewPtrFetchRequest()
	request.MaxWaitMillis, request.MinBytes, request.MaxBytes = 200, 1, fetchBytes
	request.SessionEpoch = -1 // no session: one question, one answer
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.Partition, partition.FetchOffset, partition.PartitionMaxBytes = c.partition, offset, fetchBytes
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = c.name, c.topic
	topic.Partitions = append(topic.Partitions, partition)
	request.Topics = append(request.Topics, topic)
	answer, err := c.client.Broker(int(c.broker)).RetriableRequest(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("fetch partition %d from broker %d: %w", c.partition, c.broker, err)
	}
	response, ok := answer.(*kmsg.FetchResponse)
	if !ok || len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return nil, errors.New("the broker's answer is not for the partition that was asked for")
	}
	fetched, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: c.name, Partition: c.partition, Offset: offset},
		&response.Topics[0].Partitions[0], kgo.DefaultDecompressor(), nil)
	return fetched.Records, fetched.Err
}
