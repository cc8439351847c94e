package cluster

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"kraftstack/config"
)

// StatusTimeout bounds a look at the cluster where the caller's context does
// not.
const StatusTimeout = 10 * time.Second

// StatusOptions say what else to look at.
type StatusOptions struct {
	Hosts bool // ask every host for its generation as well: one SSH session each
}

// Status looks at the cluster through the bastion. A cluster that is partly or
// wholly down gives a View as well, with its Problems; an error means that
// there was no way to look: the bastion cannot be reached (fail.Unreachable),
// or the outputs cannot be used.
func Status(ctx context.Context, out Outputs, opts StatusOptions) (View, error) {
	ctx, cancel := context.WithTimeout(ctx, StatusTimeout)
	defer cancel()
	t, err := Dial(ctx, out)
	if err != nil {
		return View{}, err
	}
	defer func() { _ = t.Close() }()

	brokers, err := t.probe(ctx, out.with(RoleBroker))
	if err != nil {
		return View{}, err
	}
	defer brokers.close()

	v := View{Stack: out.Stack, ClusterID: out.ClusterID, KafkaVersion: oldest(brokers.peers), Metadata: leastMetadata(brokers.peers),
		Certificates: certificates(out.Access, time.Now())}
	var meta *kmsg.MetadataResponse
	var group errgroup.Group
	group.Go(func() error {
		v.Quorum = t.lookAtQuorum(ctx, brokers)
		return nil
	})
	group.Go(func() error {
		// What cannot be learned stays null, and judge names it as a problem.
		if answer, err := metadata(ctx, brokers); err == nil {
			meta = answer
			v.Partitions, _ = countPartitions(ctx, brokers, meta)
		}
		return nil
	})
	if out.Access.Clients != config.ClientsPlaintext {
		group.Go(func() error {
			// Like the partitions: null tells that nobody could say.
			if users, err := compareUsers(ctx, brokers, out); err == nil {
				v.Users = &users
			}
			return nil
		})
	}
	var full map[int32]Disk
	group.Go(func() error { full = disks(ctx, brokers); return nil })
	if opts.Hosts {
		group.Go(func() error {
			v.Hosts = t.checkHosts(ctx)
			return nil
		})
	}
	_ = group.Wait()

	if meta != nil && meta.ClusterID != nil {
		v.ClusterID = *meta.ClusterID
	}
	v.Brokers = withDisks(brokerViews(out, meta, brokers), full)
	overfull, warnings := judgeDisks(v.Brokers)
	v.Problems, v.Warnings = append(judge(v, out), overfull...), warnings
	v.Healthy = len(v.Problems) == 0
	return v, ctxCancelled(ctx)
}

// ctxCancelled tells an interrupt from a time-out: the first ends the command,
// the second is part of the picture.
func ctxCancelled(ctx context.Context) error {
	if context.Cause(ctx) == context.Canceled { //nolint:errorlint // a sentinel, not wrapped by context
		return context.Canceled
	}
	return nil
}

// lookAtQuorum asks the brokers. Controllers have no listener for anybody but
// the nodes.
func (t *Tunnel) lookAtQuorum(ctx context.Context, brokers *panel) *Quorum {
	resp, err := describeQuorum(ctx, brokers)
	if err != nil {
		return nil
	}
	return quorum(resp, t.outputs)
}

// brokerViews joins what the stack knows of its brokers with what the cluster
// says of them.
func brokerViews(out Outputs, meta *kmsg.MetadataResponse, answered *panel) []BrokerView {
	views := map[int32]BrokerView{}
	for _, n := range out.with(RoleBroker) {
		id := int32(n.ID)
		views[id] = BrokerView{ID: id, Name: n.Name, Host: n.Host, Zone: n.Zone, Instance: n.Instance, Silence: answered.silent[id]}
	}
	if meta != nil {
		for _, b := range meta.Brokers {
			v, known := views[b.NodeID]
			if !known {
				v = BrokerView{ID: b.NodeID, Host: b.Host}
			}
			if b.Rack != nil {
				v.Rack = *b.Rack
			}
			// A broker that the stack does not know was not asked: the
			// cluster's word is all there is.
			v.Alive = !known || answered.answers(b.NodeID)
			views[b.NodeID] = v
		}
	}
	list := make([]BrokerView, 0, len(views))
	for _, v := range views {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b BrokerView) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// oldest is the lowest version among the peers that tell theirs.
func oldest(peers []peer) string {
	version := ""
	for _, p := range peers {
		if p.version != "" && (version == "" || olderThan(p.version, version)) {
			version = p.version
		}
	}
	return version
}

func olderThan(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	return slices.CompareFunc(x, y, func(p, q string) int {
		m, _ := strconv.Atoi(p)
		n, _ := strconv.Atoi(q)
		return cmp.Compare(m, n)
	}) < 0
}
