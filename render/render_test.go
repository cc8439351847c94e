package render

import (
	"strings"
	"testing"

	"kraftstack/config"
	"kraftstack/tests/golden"
)

// stack is a good stack over three zones, with what the test adds to it.
func stack(t *testing.T, more map[string]string) config.Stack {
	t.Helper()
	values := map[string]string{"aws:region": "us-east-1", "kraftstack:access": `{"adminCidrs":["203.0.113.0/24"]}`}
	for key, value := range more {
		values["kraftstack:"+key] = value
	}
	s, err := config.Load("lab", values)
	if err != nil {
		t.Fatal(err)
	}
	return s.WithZones([]string{"us-east-1a", "us-east-1b", "us-east-1c"})
}

func TestServerProperties(t *testing.T) {
	// Only what differs from the default is of interest.
	secured := func(clients string) string {
		s := stack(t, map[string]string{"brokers": `{"count":1}`, "security": `{"clients":"` + clients + `"}`})
		var lines []string
		for line := range strings.Lines(ServerProperties(s, s.Nodes()[0])) {
			for _, part := range []string{"listener", "super.users", "authorizer"} {
				if strings.Contains(line, part) {
					lines = append(lines, line)
					break
				}
			}
		}
		return strings.Join(lines, "")
	}
	combined := stack(t, map[string]string{
		"kafka": `{"config":{"num.partitions":3,"log.retention.hours":48,"x.pattern":"\\d+","compression.type":"zstd"}}`,
	})
	dedicated := stack(t, map[string]string{"controllers": `{"mode":"dedicated"}`})
	single := stack(t, map[string]string{"brokers": `{"count":1}`})
	five := stack(t, map[string]string{"brokers": `{"count":5}`})
	for name, text := range map[string]string{
		"combined.properties":             ServerProperties(combined, combined.Nodes()[1]),
		"clients-both.properties":         secured("both"),
		"clients-mtls.properties":         secured("mtls"),
		"clients-plaintext.properties":    secured("plaintext"),
		"dedicated-controller.properties": ServerProperties(dedicated, dedicated.Nodes()[2]),
		"dedicated-broker.properties":     ServerProperties(dedicated, dedicated.Nodes()[3]),
		"single.properties":               ServerProperties(single, single.Nodes()[0]),
		"broker-beside-quorum.properties": ServerProperties(five, five.Nodes()[4]),
	} {
		t.Run(name, func(t *testing.T) { golden.Compare(t, name, text) })
	}
}

// No property is there twice, and none without a value.
func TestPropertiesOnce(t *testing.T) {
	s := stack(t, map[string]string{"kafka": `{"config":{"num.partitions":3,"default.replication.factor":2,"z":"1"}}`})
	for _, n := range s.Nodes() {
		seen := map[string]bool{}
		for line := range strings.Lines(effective(ServerProperties(s, n))) {
			name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
			if !ok || value == "" || seen[name] {
				t.Errorf("%s: line %q is empty or there twice", n.Name, line)
			}
			seen[name] = true
		}
		for name := range s.Kafka.Config {
			if !seen[name] {
				t.Errorf("%s lacks %s of the stack file", n.Name, name)
			}
		}
	}
}

func TestDocument(t *testing.T) {
	s := stack(t, map[string]string{"kafka": `{"heap":"384m"}`})
	text, err := Document(s, s.Nodes()[0])
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "document", text)
	if !strings.Contains(text, "=== /etc/kafka/generation 0644 root:root\n"+Generation(s, s.Nodes()[0])+"\n") {
		t.Error("the document does not hold its own generation")
	}
}

func TestDocumentRefuses(t *testing.T) {
	s := stack(t, nil)
	node := s.Nodes()[2]
	s.Network.Zones = s.Network.Zones[:2]
	if _, err := Document(s, node); err == nil || !strings.Contains(err.Error(), "broker-1003") {
		t.Errorf("a node without a zone's name: got %v", err)
	}
	for _, text := range []string{"a\n=== /etc/passwd 0644 root:root\n", "no line break"} {
		if err := (file{path: "/x", text: text}).check(); err == nil {
			t.Errorf("%q: want an error", text)
		}
	}
}

func TestGeneration(t *testing.T) {
	base := stack(t, nil)
	node := base.Nodes()[0]
	first := Generation(base, node)
	if len(first) != 16 || strings.Trim(first, "0123456789abcdef") != "" {
		t.Errorf("generation %q is not 16 hexadecimal digits", first)
	}
	for name, c := range map[string]struct {
		more map[string]string
		same bool
	}{
		"nothing changed":              {nil, true},
		"a host's type and disk":       {map[string]string{"brokers": `{"instanceType":"m7i.xlarge","volume":{"sizeGiB":200}}`}, true},
		"where the archive is":         {map[string]string{"kafka": `{"archiveUrl":"https://archive.example/kafka_2.13-4.3.0.tgz"}`}, true},
		"another broker":               {map[string]string{"brokers": `{"count":4}`}, true},
		"a property":                   {map[string]string{"kafka": `{"config":{"num.partitions":3}}`}, false},
		"the default of a property":    {map[string]string{"kafka": `{"config":{"num.partitions":8}}`}, true},
		"the heap":                     {map[string]string{"kafka": `{"heap":"2g"}`}, false},
		"the version":                  {map[string]string{"kafka": `{"version":"4.2.0"}`}, false},
		"fewer voters to look for":     {map[string]string{"controllers": `{"count":1}`}, false},
		"controllers of their own":     {map[string]string{"controllers": `{"mode":"dedicated"}`}, false},
		"brokers that replicate less":  {map[string]string{"brokers": `{"count":2}`}, false},
		"the order of nothing":         {map[string]string{"network": `{"zones":3}`}, true},
		"the networks of the bastion":  {map[string]string{"access": `{"adminCidrs":["198.51.100.0/24"]}`}, true},
		"a property that is a default": {map[string]string{"kafka": `{"config":{"min.insync.replicas":"2"}}`}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := stack(t, c.more)
			if same := Generation(s, s.Nodes()[0]) == first; same != c.same {
				t.Errorf("the generation stays %t, want %t", same, c.same)
			}
		})
	}
	quorum := func(count string) config.Stack {
		return stack(t, map[string]string{"controllers": `{"mode":"dedicated","count":` + count + `}`})
	}
	three, five, seven := quorum("3"), quorum("5"), quorum("7")
	if a, b := Generation(three, three.Nodes()[3]), Generation(five, five.Nodes()[5]); a != b {
		t.Error("from three controllers to five, a broker restarts")
	}
	if a, b := Generation(three, three.Nodes()[3]), Generation(seven, seven.Nodes()[7]); a == b {
		t.Error("from three controllers to seven, a broker does not learn of enough of them")
	}
	if Generation(base, base.Nodes()[1]) == first {
		t.Error("two nodes have the same generation")
	}
	for i := range 100 {
		if again := Generation(base, node); again != first {
			t.Fatalf("run %d gives %s, the first gave %s", i, again, first)
		}
	}
}

func TestEffective(t *testing.T) {
	if got := effective("# why\n\na=1\n  # also\n b=2\n"); got != "a=1\nb=2\n" {
		t.Errorf("got %q", got)
	}
}

func TestJVMEnv(t *testing.T) {
	golden.Compare(t, "jvm-1g.env", JVMEnv(stack(t, nil)))
	golden.Compare(t, "jvm-6g.env", JVMEnv(stack(t, map[string]string{"kafka": `{"heap":"6g"}`})))
}

func TestAddresses(t *testing.T) {
	s := stack(t, map[string]string{"controllers": `{"mode":"dedicated"}`, "brokers": `{"count":2}`, "network": `{"cidr":"10.0.0.0/16"}`})
	if got, want := Bootstrap(s), "broker-1001.lab.kafka.internal:9092,broker-1002.lab.kafka.internal:9092"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	ids := map[int]string{3: "C", 1: "A", 2: "B", 1001: "X"}
	want := "1@controller-1.lab.kafka.internal:9093:A,2@controller-2.lab.kafka.internal:9093:B,3@controller-3.lab.kafka.internal:9093:C"
	if got := InitialControllers(s, ids); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := NodeClientProperties(s); !strings.Contains(got, "bootstrap.servers=broker-1001.lab.kafka.internal:9091,broker-1002.lab.kafka.internal:9091\n") {
		t.Errorf("got %s", got)
	}
}

// What Kafka takes over while it runs is no reason for a restart, and is told to
// the brokers that run.
func TestLivePropertiesRestartNothing(t *testing.T) {
	before := stack(t, nil)
	after := stack(t, map[string]string{"kafka": `{"config":{"log.retention.ms":1000,"num.io.threads":20}}`})
	restarting := stack(t, map[string]string{"kafka": `{"config":{"num.partitions":9}}`})
	n := before.Nodes()[0]
	if Generation(before, n) != Generation(after, n) {
		t.Error("a live property changes the generation")
	}
	if Generation(before, n) == Generation(restarting, n) {
		t.Error("a property that needs a restart does not change the generation")
	}
	if ServerProperties(before, n) == ServerProperties(after, n) {
		t.Error("the file does not have the live property")
	}
	if LiveProperties(before) != LiveProperties(restarting) {
		t.Error("a property that needs a restart is among the live ones")
	}
	golden.Compare(t, "live.properties", LiveProperties(after))
}
