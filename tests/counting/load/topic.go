package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"kraftstack/tests/counting/check"
)

// admin runs one question to the cluster, over connections of its own.
func (r *Run) admin(ask func(*kadm.Client) error) error {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.ClientID("counting-admin"), kgo.MetadataMinAge(metadataAge)}, r.cfg.Client...)...)
	if err != nil {
		return fmt.Errorf("set up the admin client: %w", err)
	}
	defer client.Close()
	return ask(kadm.NewClient(client))
}

// createTopic makes the topic with the cluster's own settings, min.insync.replicas
// among them.
func (r *Run) createTopic(ctx context.Context) error {
	return r.admin(func(admin *kadm.Client) error {
		_, err := admin.CreateTopic(ctx, r.cfg.Partitions, r.cfg.Replicas, nil, r.cfg.Topic)
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", r.cfg.Topic, err)
		}
		ends, err := admin.ListEndOffsets(ctx, r.cfg.Topic)
		if err != nil {
			return fmt.Errorf("look at topic %s: %w", r.cfg.Topic, err)
		}
		foreign := false
		ends.Each(func(o kadm.ListedOffset) { foreign = foreign || o.Offset > 0 })
		if foreign {
			return fmt.Errorf("topic %s has records already: each run needs a topic of its own", r.cfg.Topic)
		}
		return nil
	})
}

func (r *Run) identity(ctx context.Context) (id check.Identity, err error) {
	err = r.admin(func(admin *kadm.Client) error {
		metadata, err := admin.Metadata(ctx, r.cfg.Topic)
		if err != nil {
			return fmt.Errorf("ask for the cluster's metadata: %w", err)
		}
		starts, err := admin.ListStartOffsets(ctx, r.cfg.Topic)
		if err != nil {
			return fmt.Errorf("ask for the topic's first offsets: %w", err)
		}
		id = check.Identity{Cluster: metadata.Cluster, Topic: metadata.Topics[r.cfg.Topic].ID.String(), Starts: map[int32]int64{}}
		starts.Each(func(o kadm.ListedOffset) { id.Starts[o.Partition] = o.Offset })
		return nil
	})
	return id, err
}

// partition is where a partition's copies are.
type partition struct {
	replicas, inSync []int32
}

// settled waits until every replica is in sync, or Settle is over, and returns
// the replicas and the end offsets.
func (r *Run) settled(ctx context.Context) (map[int32]partition, map[int32]int64, error) {
	deadline := time.Now().Add(r.cfg.Settle)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		partitions, ends, err := r.layout(ctx)
		missing := slices.ContainsFunc(slices.Collect(maps.Values(partitions)), func(p partition) bool {
			return len(p.inSync) < len(p.replicas)
		})
		if (err == nil && !missing) || time.Now().After(deadline) {
			return partitions, ends, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("wait for the replicas: %w", ctx.Err())
		}
	}
}

func (r *Run) layout(ctx context.Context) (partitions map[int32]partition, ends map[int32]int64, err error) {
	partitions, ends = map[int32]partition{}, map[int32]int64{}
	err = r.admin(func(admin *kadm.Client) error {
		metadata, err := admin.Metadata(ctx, r.cfg.Topic)
		if err != nil {
			return fmt.Errorf("ask for the topic's replicas: %w", err)
		}
		for _, p := range metadata.Topics[r.cfg.Topic].Partitions.Sorted() {
			partitions[p.Partition] = partition{p.Replicas, p.ISR}
		}
		listed, err := admin.ListEndOffsets(ctx, r.cfg.Topic)
		if err != nil {
			return fmt.Errorf("ask for the topic's last offsets: %w", err)
		}
		listed.Each(func(o kadm.ListedOffset) {
			if err == nil && o.Err != nil {
				err = fmt.Errorf("ask for the last offset of partition %d: %w", o.Partition, o.Err)
			}
			ends[o.Partition] = o.Offset
		})
		return err
	})
	return partitions, ends, err
}
