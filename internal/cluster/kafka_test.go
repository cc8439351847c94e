package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// kafka is a cluster of three brokers that speaks the real protocol on
// loopback, behind a bastion. What kfake does not know (the quorum) or does not
// let be set (racks), the test answers itself.
type kafka struct {
	*kfake.Cluster
	out      Outputs
	bastion  *sshHost
	quorum   *kmsg.DescribeQuorumResponseTopicPartition
	brokers  []kmsg.MetadataResponseBroker
	topics   []kmsg.MetadataResponseTopic
	minISRIs string
}

// startKafka starts a healthy cluster. kfake's own first broker, which it makes
// the controller for good, stays in the background.
func startKafka(t *testing.T) *kafka {
	t.Helper()
	out, bastion, node := stack(t, nothing)
	names := []string{"127.0.0.1"}
	for id := 1001; id <= 1003; id++ {
		names = append(names, fmt.Sprintf("broker-%d.dev.kafka.internal", id))
	}
	ca, config := certificate(t, names...)
	out.Access = Access{Clients: "scram", CA: ca, User: "admin", Login: "hunter2"}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID(out.ClusterID),
		kfake.TLS(config), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "admin", "hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	k := &kafka{Cluster: cluster, bastion: bastion, minISRIs: "2"}
	out.Nodes = nil
	for i, zone := range []string{"us-east-1a", "us-east-1b", "us-east-1c"} {
		id := 1001 + i
		_, port, err := cluster.AddNode(int32(id), 0)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("broker-%d", id)
		host := name + ".dev.kafka.internal"
		address := net.JoinHostPort("127.0.0.1", fmt.Sprint(port))
		bastion.knows(host+":9092", address)
		bastion.knows(host+":22", node.Address)
		out.BootstrapServers = append(out.BootstrapServers, host+":9092")
		out.Nodes = append(out.Nodes, NodeOutput{ID: id, Name: name, Host: host, Zone: zone, Instance: "i-" + name,
			HostKey: authorized(node.Key), Roles: []string{RoleBroker, RoleController}})
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port, b.Rack = int32(id), "127.0.0.1", int32(port), &zone
		k.brokers = append(k.brokers, b)
	}
	k.out = out
	k.topics = []kmsg.MetadataResponseTopic{topicOf("orders", []int32{1001, 1002, 1003}), topicOf("logs", []int32{1001, 1002, 1003})}
	k.quorum = healthyQuorum()
	return k
}

// scripted makes the cluster describe itself as the test says.
func (k *kafka) scripted() *kafka {
	k.ControlKey(18, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.ApiVersionsResponse)
		kversion.V4_3_0().EachMaxKeyVersion(func(key, version int16) {
			api := kmsg.NewApiVersionsResponseApiKey()
			api.ApiKey, api.MaxVersion = key, version
			resp.ApiKeys = append(resp.ApiKeys, api)
		})
		return resp, nil, true
	})
	k.ControlKey(3, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		resp.ClusterID, resp.Brokers, resp.Topics = &k.out.ClusterID, k.brokers, k.topics
		return resp, nil, true
	})
	k.ControlKey(32, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
		for _, asked := range req.(*kmsg.DescribeConfigsRequest).Resources {
			one := kmsg.NewDescribeConfigsResponseResource()
			one.ResourceType, one.ResourceName = asked.ResourceType, asked.ResourceName
			config := kmsg.NewDescribeConfigsResponseResourceConfig()
			config.Name, config.Value = minISRKey, &k.minISRIs
			one.Configs = append(one.Configs, config)
			resp.Resources = append(resp.Resources, one)
		}
		return resp, nil, true
	})
	k.ControlKey(55, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeQuorumResponse)
		topic := kmsg.NewDescribeQuorumResponseTopic()
		topic.Topic = req.(*kmsg.DescribeQuorumRequest).Topics[0].Topic
		topic.Partitions = append(topic.Partitions, *k.quorum)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	return k
}

// topicOf has one partition with three replicas, led by the first in sync.
func topicOf(name string, isr []int32) kmsg.MetadataResponseTopic {
	topic := kmsg.NewMetadataResponseTopic()
	topic.Topic = &name
	p := kmsg.NewMetadataResponseTopicPartition()
	p.Replicas, p.ISR, p.Leader = []int32{1001, 1002, 1003}, isr, -1
	if len(isr) > 0 {
		p.Leader = isr[0]
	}
	topic.Partitions = append(topic.Partitions, p)
	return topic
}

func healthyQuorum() *kmsg.DescribeQuorumResponseTopicPartition {
	const now = 1_700_000_000_000
	q := kmsg.NewDescribeQuorumResponseTopicPartition()
	q.LeaderID, q.LeaderEpoch, q.HighWatermark = 1001, 7, 990
	for i := range int32(3) {
		r := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
		r.ReplicaID, r.LogEndOffset = 1001+i, 1000-int64(i)
		r.LastFetchTimestamp, r.LastCaughtUpTimestamp = now-int64(i)*100, now-int64(i)*400
		r.ReplicaDirectoryID = [16]byte{byte(i + 1), 0xff}
		q.CurrentVoters = append(q.CurrentVoters, r)
	}
	return &q
}

// certificate is one for a server with these names, which is its own authority.
func certificate(t *testing.T, names ...string) (ca string, config *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return ca, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}
