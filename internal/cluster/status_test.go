package cluster

import (
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/crypto/ssh"

	"kraftstack/internal/fail"
	"kraftstack/tests/golden"
)

func TestStatusOfAHealthyCluster(t *testing.T) {
	k := startKafka(t).scripted()
	view, err := Status(within(t, 10*time.Second), k.out, StatusOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(view, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "healthy.json", string(text)+"\n")
}

func TestStatusProblems(t *testing.T) {
	tests := []struct {
		name     string
		spoil    func(k *kafka)
		problems []string
	}{
		{"a broker is gone", func(k *kafka) {
			_ = k.RemoveNode(1003)
			k.brokers = k.brokers[:2]
			k.topics = []kmsg.MetadataResponseTopic{topicOf("orders", []int32{1001, 1002})}
			k.quorum.CurrentVoters[2].LastCaughtUpTimestamp -= 6000
		}, []string{"voter broker-1003 is behind the leader", "broker-1003 does not answer clients: the bastion cannot connect to it: connection refused", "1 partition under-replicated"}},
		{"a broker was killed and is still registered", func(k *kafka) { _ = k.RemoveNode(1001) },
			[]string{"broker-1001 does not answer clients: the bastion cannot connect to it: connection refused"}},
		{"a broker runs and is fenced", func(k *kafka) { k.brokers = k.brokers[1:] },
			[]string{"broker-1001 answers, and is not registered or is fenced: the cluster does without it"}},
		{"below min.insync.replicas and offline", func(k *kafka) {
			k.topics = []kmsg.MetadataResponseTopic{topicOf("orders", []int32{1001}), topicOf("logs", nil)}
		}, []string{"1 partition without a leader", "2 partitions below min.insync.replicas: acks=all writes to them fail", "2 partitions under-replicated"}},
		{"no leader of the quorum", func(k *kafka) { k.quorum.LeaderID = -1 }, []string{"the quorum has no leader"}},
		{"a voter is missing", func(k *kafka) {
			k.quorum.Observers, k.quorum.CurrentVoters = k.quorum.CurrentVoters[2:], k.quorum.CurrentVoters[:2]
		}, []string{"broker-1003 is no voter of the quorum"}},
		{"a voter that nobody asked for", func(k *kafka) {
			stranger := k.quorum.CurrentVoters[1]
			stranger.ReplicaID = 9
			k.quorum.CurrentVoters = append(k.quorum.CurrentVoters, stranger)
		}, []string{"voter 9 is in the quorum and no controller of the stack"}},
		{"a voter that never fetched", func(k *kafka) {
			k.quorum.CurrentVoters[1].LastCaughtUpTimestamp, k.quorum.CurrentVoters[1].LogEndOffset = -1, -1
		}, []string{"voter broker-1002 is behind the leader"}},
		{"a broker in the wrong zone", func(k *kafka) { k.brokers[0].Rack = k.brokers[1].Rack },
			[]string{`broker-1001 reports rack "us-east-1b", the stack put it in zone "us-east-1a"`}},
		{"a broker that the stack does not know", func(k *kafka) {
			stranger := k.brokers[0]
			stranger.NodeID = 1009
			k.brokers = append(k.brokers, stranger)
		}, []string{"broker 1009 (127.0.0.1) is in the cluster and not in the stack"}},
		{"another cluster", func(k *kafka) {
			k.ControlKey(3, func(req kmsg.Request) (kmsg.Response, error, bool) {
				resp := req.ResponseKind().(*kmsg.MetadataResponse)
				other := "another"
				resp.ClusterID, resp.Brokers = &other, k.brokers
				return resp, nil, true
			})
		}, []string{"the cluster's id is another, the stack's is 4L6g3nShT-eMCtK--X86sw: these hosts run another cluster"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := startKafka(t)
			tt.spoil(k)
			k.scripted()
			view, err := Status(within(t, 10*time.Second), k.out, StatusOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.problems, view.Problems); diff != "" || view.Healthy {
				t.Errorf("healthy %v, problems (-want +got):\n%s", view.Healthy, diff)
			}
		})
	}
}

func TestStatusWithAllBrokersDown(t *testing.T) {
	k := startKafka(t)
	k.Close()
	view, err := Status(within(t, 10*time.Second), k.out, StatusOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"no host could tell the state of the quorum", "broker-1001 does not answer clients: the bastion cannot connect to it: connection refused",
		"broker-1002 does not answer clients: the bastion cannot connect to it: connection refused", "broker-1003 does not answer clients: the bastion cannot connect to it: connection refused",
		"no broker could tell the state of the partitions"}
	if diff := cmp.Diff(want, view.Problems); diff != "" || view.Quorum != nil || view.Partitions != nil {
		t.Errorf("quorum %v, partitions %v, problems (-want +got):\n%s", view.Quorum, view.Partitions, diff)
	}
}

func TestStatusIsBoundedWhenHostsAreSilent(t *testing.T) {
	k := startKafka(t).scripted()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	k.bastion.knows("broker-1001.dev.kafka.internal:9092", silent.Addr().String())
	k.bastion.knows("broker-1002.dev.kafka.internal:9092", silent.Addr().String())
	began := time.Now()
	view, err := Status(t.Context(), k.out, StatusOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > StatusTimeout {
		t.Errorf("took %s", took)
	}
	if view.Quorum == nil || view.Quorum.Leader != 1001 || view.Brokers[0].Alive || view.Brokers[1].Alive || !view.Brokers[2].Alive {
		t.Errorf("%+v", view)
	}
}

// An authority that the stack did not make is not trusted, and a password that
// the cluster does not know lets nobody in.
func TestStatusTrustsNobodyElse(t *testing.T) {
	k := startKafka(t).scripted()
	unheard := func(what string, out Outputs) {
		view, err := Status(within(t, 10*time.Second), out, StatusOptions{})
		if err != nil || view.Quorum != nil || view.Brokers[0].Alive {
			t.Errorf("%s: %v, %+v", what, err, view)
		}
	}
	foreign, wrong := k.out, k.out
	foreign.Access.CA, _ = certificate(t, "127.0.0.1")
	wrong.Access.Login = "wrong"
	unheard("a foreign authority", foreign)
	unheard("a wrong password", wrong)
}

// answering gives every host of the stack an SSH server on which kafka-node
// check prints what answers has for it; a node without an answer has no toolkit.
// It returns the stack's key.
func (k *kafka) answering(t *testing.T, answers map[string]string) ssh.Signer {
	t.Helper()
	private, signer := keyPair(t)
	serve := func(name, command string) *sshHost {
		return startSSH(t, signer.PublicKey(), func(line string, _ io.Reader, stdout, stderr io.Writer) uint32 {
			if line != command {
				return 127
			}
			if answers[name] == "" {
				_, _ = io.WriteString(stderr, "warning\nkafka-node: not installed\n")
				return 1
			}
			_, _ = io.WriteString(stdout, answers[name])
			return 3
		})
	}
	for i := range k.out.Nodes {
		n := &k.out.Nodes[i]
		host := serve(n.Name, checkCommand)
		k.bastion.knows(n.Host+":22", host.Address)
		n.HostKey = authorized(host.Key)
	}
	bastion := serve("bastion", checkCommand+" --bastion")
	bastion.hosts = k.bastion.hosts
	k.out.PrivateKey = private
	k.out.Bastion = SSHHost{Address: bastion.Address, User: "ubuntu", HostKey: authorized(bastion.Key)}
	return signer
}

func TestStatusHosts(t *testing.T) {
	k := startKafka(t).scripted()
	answers := map[string]string{}
	k.answering(t, answers)
	const rest = `,"toolkit":"t","version":"4.3.0","drift":[]}`
	answers["broker-1001"] = `{"ok":true,"generation":{"wanted":"aa","running":"aa"},"service":"active"` + rest

	status := func() View {
		view, err := Status(within(t, 10*time.Second), k.out, StatusOptions{Hosts: true})
		if err != nil {
			t.Fatal(err)
		}
		return view
	}
	answers["broker-1002"] = `{"ok":false,"generation":{"wanted":"bb","running":"aa"},"service":"active"` + rest
	want := []string{`broker-1002 runs generation "aa" and should run "bb": it was not rolled yet`, "broker-1003 cannot be checked: kafka-node: not installed"}
	if diff := cmp.Diff(want, status().Problems); diff != "" {
		t.Error(diff)
	}
	answers["broker-1002"] = `{"ok":false,"generation":{"wanted":"aa","running":"aa"},"service":"failed","toolkit":"t","drift":[{"kind":"file","what":"/etc/kafka/a","why":"it was changed"},{"kind":"service","what":"kafka.service","why":"it is failed"}]}`
	answers["broker-1003"] = `{"ok":false,"generation":{"wanted":"","running":""},"service":"active"` + rest
	want = []string{"broker-1002: kafka.service is failed", "broker-1002 is not as the stack wrote it: /etc/kafka/a: it was changed",
		`broker-1003 runs generation "" and should run "": it was not rolled yet`}
	if diff := cmp.Diff(want, status().Problems); diff != "" {
		t.Error(diff)
	}
}

func TestStatusWithoutABastion(t *testing.T) {
	k := startKafka(t)
	k.out.Bastion.HostKey = k.out.Nodes[0].HostKey
	if _, err := Status(within(t, 5*time.Second), k.out, StatusOptions{}); fail.Of(err) != fail.Unreachable {
		t.Errorf("%v", err)
	}
}

func TestSmoke(t *testing.T) {
	k := startKafka(t)
	for run := range 2 {
		result, err := Smoke(within(t, 20*time.Second), k.out)
		if err != nil {
			t.Fatal(err)
		}
		if result.Created != (run == 0) || result.Offset != int64(run) || result.ReplicationFactor != 3 || result.ProduceMillis <= 0 || result.ConsumeMillis <= 0 {
			t.Errorf("run %d: %+v", run, result)
		}
	}
}

func TestSmokeNamesTheStep(t *testing.T) {
	k := startKafka(t)
	k.ControlKey(0, func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		return nil, io.ErrUnexpectedEOF, true
	})
	_, err := Smoke(within(t, 3*time.Second), k.out)
	if _, step := fail.Place(err); step != "produce" || fail.Exit(err) != 6 || !strings.Contains(fail.Hint(err), "kraftstack status --stack dev") {
		t.Errorf("step %s, exit %d, %v", step, fail.Exit(err), err)
	}
}

func TestSmokeReadsBackExactlyItsRecord(t *testing.T) {
	k := startKafka(t)
	k.ControlKey(0, func(req kmsg.Request) (kmsg.Response, error, bool) {
		// A broker that acknowledges and forgets: an offset that holds nothing.
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, asked := range req.(*kmsg.ProduceRequest).Topics {
			topic := kmsg.NewProduceResponseTopic()
			topic.Topic, topic.TopicID = asked.Topic, asked.TopicID
			topic.Partitions = append(topic.Partitions, kmsg.NewProduceResponseTopicPartition())
			resp.Topics = append(resp.Topics, topic)
		}
		return resp, nil, true
	})
	_, err := Smoke(within(t, 3*time.Second), k.out)
	if _, step := fail.Place(err); step != "consume" || fail.Exit(err) != 6 {
		t.Errorf("step %s, exit %d, %v", step, fail.Exit(err), err)
	}
}
