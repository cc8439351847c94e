package cluster

import (
	"context"
	"encoding/base64"
	"errors"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A voter that has not held all of the leader's records for this long is
// behind. The leader writes a record at least every half second, and a
// follower that follows asks at least as often.
const caughtUpWithin = 5 * time.Second

// describeQuorum asks for the state of the metadata quorum. Brokers pass the
// question on to the leader, controllers answer it if they are the leader.
func describeQuorum(ctx context.Context, p *panel) (*kmsg.DescribeQuorumResponse, error) {
	req := kmsg.NewPtrDescribeQuorumRequest()
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic = "__cluster_metadata"
	topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	req.Topics = append(req.Topics, topic)
	return ask(ctx, p, req, func(resp *kmsg.DescribeQuorumResponse) error {
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
			return err
		}
		if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
			return errors.New("the answer does not describe the metadata log")
		}
		return kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	})
}

// quorum turns Kafka's answer into the view's form.
func quorum(resp *kmsg.DescribeQuorumResponse, out Outputs) *Quorum {
	log := resp.Topics[0].Partitions[0]
	hosts := map[int32]string{}
	for _, n := range resp.Nodes {
		if len(n.Listeners) > 0 {
			hosts[n.NodeID] = n.Listeners[0].Host
		}
	}
	for _, n := range out.Nodes {
		if id := int32(n.ID); hosts[id] == "" {
			hosts[id] = n.Host
		}
	}
	all := append(append([]kmsg.DescribeQuorumResponseTopicPartitionReplicaState{}, log.CurrentVoters...), log.Observers...)
	var end, now int64
	for _, r := range all {
		if r.ReplicaID == log.LeaderID {
			end = r.LogEndOffset
		}
		now = max(now, r.LastCaughtUpTimestamp, r.LastFetchTimestamp)
	}
	replica := func(r kmsg.DescribeQuorumResponseTopicPartitionReplicaState) Replica {
		v := Replica{ID: r.ReplicaID, Host: hosts[r.ReplicaID], Lag: -1, DirectoryID: directoryID(r.ReplicaDirectoryID)}
		if r.LogEndOffset >= 0 {
			v.Lag = max(0, end-r.LogEndOffset)
		}
		v.CaughtUp = r.ReplicaID == log.LeaderID || (r.LastCaughtUpTimestamp >= 0 && now-r.LastCaughtUpTimestamp < caughtUpWithin.Milliseconds())
		return v
	}
	q := &Quorum{Leader: log.LeaderID, Epoch: log.LeaderEpoch, Voters: []Replica{}, Observers: []Replica{}}
	for _, r := range log.CurrentVoters {
		q.Voters = append(q.Voters, replica(r))
	}
	for _, r := range log.Observers {
		q.Observers = append(q.Observers, replica(r))
	}
	byID(q.Voters)
	byID(q.Observers)
	return q
}

func byID(replicas []Replica) {
	sort.Slice(replicas, func(i, j int) bool { return replicas[i].ID < replicas[j].ID })
}

// directoryID writes an id as Kafka does; the zero id is none.
func directoryID(id [16]byte) string {
	if id == [16]byte{} {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(id[:])
}
