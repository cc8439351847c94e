package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"kraftstack/internal/fail"
	"kraftstack/sessionmanager/datachannel"
)

const (
	probeTimeout = 3 * time.Second // for one host to say that it is there
	askTimeout   = 4 * time.Second // for one host to answer one question
	probesAtOnce = 32
	brokerPort   = "9092"
)

// peer is a Kafka host that answered.
type peer struct {
	id      int32
	broker  *kgo.Broker
	version string // "4.3", "" if its protocol does not tell
	// metadata is what it says of the feature metadata.version; nil for nothing.
	metadata *Metadata
}

// panel is the set of hosts that answered, and the client that speaks to them.
// Questions go to one named host after another, never to one that the client
// picks: with half of a cluster down, its retries would eat the time.
type panel struct {
	client *kgo.Client
	peers  []peer           // by id
	silent map[int32]string // why the others, by id, did not answer
}

// probe asks all the brokers at once whether they speak Kafka.
func (t *Tunnel) probe(ctx context.Context, nodes []NodeOutput) (*panel, error) {
	if len(nodes) == 0 {
		return nil, &fail.Error{Cause: fail.Internal, Op: "read the stack's outputs: they name no Kafka hosts",
			Next: "kraftstack up --stack " + t.outputs.Stack}
	}
	addresses := make([]string, len(nodes))
	for i, n := range nodes {
		addresses[i] = t.outputs.address(n)
	}
	client, err := t.Client(kgo.SeedBrokers(addresses...))
	if err != nil {
		return nil, err
	}
	seeds := client.SeedBrokers() // in the order of the addresses
	if len(seeds) != len(nodes) {
		client.Close()
		return nil, &fail.Error{Cause: fail.Internal, Op: fmt.Sprintf("set up the Kafka client: %d of %d hosts taken", len(seeds), len(nodes))}
	}
	var mu sync.Mutex
	found := map[int]peer{}
	p := &panel{client: client, silent: map[int32]string{}}
	var group errgroup.Group
	group.SetLimit(probesAtOnce)
	for i, n := range nodes {
		group.Go(func() error {
			answer, err := ping(ctx, seeds[i])
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				p.silent[int32(n.ID)] = silence(err)
				return nil
			}
			found[i] = peer{id: int32(n.ID), broker: seeds[i], version: guessVersion(answer), metadata: metadataLevels(answer)}
			return nil
		})
	}
	_ = group.Wait() // no probe returns an error: silence is an answer
	for i := range nodes {
		if one, ok := found[i]; ok {
			p.peers = append(p.peers, one)
		}
	}
	return p, nil
}

// ping asks a host which requests it knows: the cheapest proof that Kafka
// runs there.
func ping(ctx context.Context, host *kgo.Broker) (*kmsg.ApiVersionsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	// A broker refuses a client that does not give its name and version
	// (KIP-511).
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "kraftstack", "1"
	resp, err := req.RequestWith(ctx, host)
	if err != nil {
		return nil, err
	}
	return resp, kerr.ErrorForCode(resp.ErrorCode)
}

// silence says in a few words why a broker did not answer.
func silence(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %s", probeTimeout)
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return "it refuses the administrator's login"
	}
	if refused, ok := errors.AsType[*ssh.OpenChannelError](err); ok {
		return "the bastion cannot connect to it: " + refused.Message
	}
	if errors.Is(err, datachannel.ErrPortClosed) {
		return "nothing listens on its port for clients"
	}
	return err.Error()
}

// metadataLevels are a broker's own, and the cluster's as it knows it.
func metadataLevels(resp *kmsg.ApiVersionsResponse) *Metadata {
	const feature = "metadata.version"
	var m Metadata
	for _, f := range resp.SupportedFeatures {
		if f.Name == feature {
			m.Supported = int(f.MaxVersion)
		}
	}
	for _, f := range resp.FinalizedFeatures {
		if f.Name == feature {
			m.Finalized = int(f.MaxVersionLevel)
		}
	}
	if m.Finalized == 0 {
		return nil
	}
	return &m
}

// leastMetadata is what all peers support, and the newest that one knows to be
// finalized.
func leastMetadata(peers []peer) *Metadata {
	var all *Metadata
	for _, one := range peers {
		switch {
		case one.metadata == nil:
		case all == nil:
			all = &Metadata{Finalized: one.metadata.Finalized, Supported: one.metadata.Supported}
		default:
			all.Finalized = max(all.Finalized, one.metadata.Finalized)
			all.Supported = min(all.Supported, one.metadata.Supported)
		}
	}
	return all
}

// guessVersion is the release whose requests these are; "" if the protocol does
// not tell.
func guessVersion(resp *kmsg.ApiVersionsResponse) string {
	guess := kversion.FromApiVersionsResponse(resp).VersionGuess()
	if strings.ContainsRune(guess, ' ') { // "between …", "at least …", "unknown custom version"
		return ""
	}
	return strings.TrimPrefix(guess, "v")
}

// answers says whether the node with this id answered.
func (p *panel) answers(id int32) bool {
	for _, one := range p.peers {
		if one.id == id {
			return true
		}
	}
	return false
}

func (p *panel) close() { p.client.Close() }

var errNobody = errors.New("no host answers")

// ask puts a question to one host after another until one has an answer that
// is accepted.
func ask[Resp kmsg.Response](ctx context.Context, p *panel, req kmsg.Request, accept func(Resp) error) (Resp, error) {
	var none Resp
	err := errNobody
	for _, one := range p.peers {
		if ctx.Err() != nil {
			return none, ctx.Err()
		}
		var resp kmsg.Response
		resp, err = request(ctx, one.broker, req)
		if err != nil {
			continue
		}
		typed, ok := resp.(Resp)
		if !ok {
			return none, fmt.Errorf("unexpected answer %T", resp)
		}
		if err = accept(typed); err == nil {
			return typed, nil
		}
	}
	return none, err
}

func request(ctx context.Context, host *kgo.Broker, req kmsg.Request) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return host.Request(ctx, req)
}

// address is where a broker listens for clients: the stack's bootstrap servers
// know, or else it is where all do.
func (o Outputs) address(n NodeOutput) string {
	for _, server := range o.BootstrapServers {
		if host, _, err := net.SplitHostPort(server); err == nil && host == n.Host {
			return server
		}
	}
	return net.JoinHostPort(n.Host, brokerPort)
}

// with lists the nodes that have a role.
func (o Outputs) with(role string) []NodeOutput {
	var nodes []NodeOutput
	for _, n := range o.Nodes {
		if n.Is(role) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}
