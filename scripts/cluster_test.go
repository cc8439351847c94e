package scripts

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// canned stands for the connection to a cluster: it answers each message with what
// the test says. What is on the wire is tested against real brokers, by the stories.
const canned = `
import json
class Cluster:
    def __init__(self, settings):
        self.answers = json.load(open(settings["answers"]))
    def ask(self, message, **request):
        return self.answers[str(message[0])]
`

type object = map[string]any

// state is a cluster as brokers and voters tell of it.
type state struct {
	brokers    map[int]string // id to host:port
	fenced     []int
	partitions []partition
	voters     map[int]int // id to how many ms it is behind
	observers  map[int]int // likewise, of those that follow
	leader     int
}

type partition struct {
	name             string
	least            int // min.insync.replicas
	replicas, inSync []int
}

// answers by the key of the message: 3 Metadata, 32 DescribeConfigs,
// 55 DescribeQuorum, 60 DescribeCluster, 80 AddRaftVoter, 81 RemoveRaftVoter.
func (s state) answers() object {
	var brokers, described, topics, configs []object
	for id, address := range s.brokers {
		host, port, _ := net.SplitHostPort(address)
		number := 0
		_, _ = fmt.Sscan(port, &number)
		fenced := false
		for _, f := range s.fenced {
			fenced = fenced || f == id
		}
		brokers = append(brokers, object{"id": id, "host": host, "port": number})
		described = append(described, object{"id": id, "fenced": fenced})
	}
	for _, p := range s.partitions {
		topics = append(topics, object{"name": p.name, "partitions": []object{{"index": 0, "replicas": p.replicas, "in_sync": p.inSync}}})
		configs = append(configs, object{"name": p.name, "configs": []object{{"value": fmt.Sprint(p.least)}}})
	}
	replicas := func(of map[int]int) []object {
		list := []object{}
		for id, behind := range of {
			list = append(list, object{"id": id, "directory": id, "caught_up": 1000000 - behind, "fetched": 1000000})
		}
		return list
	}
	return object{
		"3":  object{"brokers": brokers, "topics": topics},
		"32": object{"results": configs},
		"55": object{"topics": []object{{"partitions": []object{
			{"leader": s.leader, "voters": replicas(s.voters), "observers": replicas(s.observers)}}}}},
		"60": object{"brokers": described}, "80": object{}, "81": object{},
	}
}

// ask puts a question to cluster.py.
func (s state) ask(t *testing.T, question string) (code int, said string) {
	t.Helper()
	dir := t.TempDir()
	read := func(part string) string {
		content, err := toolkit.ReadFile("lib/" + part)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	answers, err := json.Marshal(s.answers())
	if err != nil {
		t.Fatal(err)
	}
	program, file := filepath.Join(dir, "program.py"), filepath.Join(dir, "answers.json")
	for path, text := range map[string]string{
		program: read("kafka.py") + canned + read("quorum.py") + read("cluster.py"), file: string(answers), filepath.Join(dir, "client"): "answers=" + file + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("python3", append([]string{"-I", program, filepath.Join(dir, "client")}, strings.Fields(question)...)...)
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), strings.TrimSpace(string(out))
}

func listening(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func TestTheGate(t *testing.T) {
	alive := listening(t)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := gone.Addr().String()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	all := []int{1, 2, 3}
	healthy := state{
		brokers:    map[int]string{1: alive, 2: alive, 3: alive, 4: alive},
		partitions: []partition{{"orders", 2, all, all}},
		voters:     map[int]int{1: 0, 2: 400, 3: 900}, leader: 1,
	}
	with := func(change func(*state)) state {
		s := healthy
		change(&s)
		return s
	}
	partitions := func(list ...partition) state { return with(func(s *state) { s.partitions = list }) }
	for _, c := range []struct {
		cluster  state
		question string
		code     int
		said     string
	}{
		{healthy, "may-stop-brokers 1", 0, ""},
		{healthy, "may-stop-brokers 4", 0, ""}, // holds nothing
		{healthy, "may-stop-brokers 1 2", 1, "orders-0 (min.insync.replicas 2; in sync without 1, 2: 3)"},
		{partitions(partition{"orders", 2, all, []int{1, 2}}), "may-stop-brokers 1", 1, "in sync without 1: 2)"},
		// Out of sync itself, and yet the first that may come back.
		{partitions(partition{"orders", 2, all, []int{2}}), "may-stop-brokers 1", 1, "in sync without 1: 2)"},
		{partitions(partition{"orders", 2, all, []int{2, 3}}), "may-stop-brokers 1", 0, ""},
		{partitions(partition{"orders", 1, all, []int{1}}), "may-stop-brokers 1", 1, "in sync without 1: none)"},
		// Whatever is done, these cannot be written meanwhile: named, and no reason to wait.
		{partitions(partition{"one", 1, []int{1}, []int{1}}, partition{"two", 2, []int{1, 2}, []int{1, 2}}), "may-stop-brokers 1", 0, "note 2 partitions have no replica to spare"},
		{partitions(partition{"two", 2, []int{1, 2}, []int{1, 2}}), "may-stop-brokers 3", 0, ""},
		// Died a moment ago, and still listed as in sync.
		{with(func(s *state) { s.brokers = map[int]string{1: alive, 2: dead, 3: alive} }), "may-stop-brokers 1", 1, "brokers that do not answer: 2; orders-0"},
		{with(func(s *state) { s.brokers = map[int]string{1: dead, 2: alive, 3: alive} }), "may-stop-brokers 1", 0, ""},

		{healthy, "may-stop-voters 1", 0, ""},
		{healthy, "may-stop-voters 4", 0, ""}, // is none
		{healthy, "may-stop-voters 1 2", 1, "3 alone would be no majority of 3 voters"},
		{with(func(s *state) { s.voters = map[int]int{1: 0, 2: 9000, 3: 100} }), "may-stop-voters 3", 1, "1 other voters have caught up, and a majority is 2; behind: 2"},
		{with(func(s *state) { s.voters = map[int]int{1: 0, 2: 9000, 3: 0, 4: 0, 5: 0} }), "may-stop-voters 3", 0, ""},
		{with(func(s *state) { s.voters = map[int]int{1: 0, 2: 9000, 3: 0, 4: 9000, 5: 0} }), "may-stop-voters 3", 1, "behind: 2, 4"},
		{with(func(s *state) { s.voters = map[int]int{1: 0} }), "may-stop-voters 1", 0, "note the quorum decides nothing while 1 restarts"},
		{with(func(s *state) { s.leader = -1 }), "may-stop-voters 1", 1, "no leader"},

		{healthy, "leads-quorum 1", 0, ""},
		{healthy, "leads-quorum 2", 1, "1 leads it"},
		{healthy, "caught-up 1 2 3", 0, ""},
		{with(func(s *state) { s.observers = map[int]int{4: 0, 5: 9000} }), "caught-up 4", 0, ""},
		{with(func(s *state) { s.observers = map[int]int{4: 0, 5: 9000} }), "caught-up 3 4 5 6", 1, "5 is behind; 6 does not follow the quorum"},
		{healthy, "brokers-unfenced 1 2", 0, ""},
		{with(func(s *state) { s.fenced = []int{2} }), "brokers-unfenced 1 2 7", 1, "2 is fenced; 7 is not registered"},
		{healthy, "partitions-in-sync 1", 0, ""},
		{healthy, "caught-up+brokers-unfenced+partitions-in-sync 1", 0, ""},
		{with(func(s *state) { s.fenced = []int{1} }), "caught-up+brokers-unfenced+partitions-in-sync 1", 1, "1 is fenced"},
		{partitions(partition{"a", 1, all, all}, partition{"b", 1, all, []int{1, 2}}), "partitions-in-sync 3", 1, "1 under-replicated (first: b-0)"},
		{partitions(partition{"b", 1, all, []int{1, 2}}), "partitions-in-sync 1", 0, ""},

		{healthy, "leave 3", 1, "done voter 3 was removed"},
		{healthy, "leave 1001", 0, ""},
		{with(func(s *state) { s.voters = map[int]int{1: 0, 2: 9000, 3: 0} }), "leave 3", 1, "voter 3 cannot leave the quorum"},

		{healthy, "may-refill 3", 0, ""},
		{partitions(partition{"orders", 2, all, []int{3}}), "may-refill 3", 1, "orders-0 has no other replica in sync (of 1, 2)"},
		{partitions(partition{"orders", 2, all, all}, partition{"one", 1, []int{3}, []int{3}}), "may-refill 3", 3, "one-0 had no other replica: its records are lost"},
		{with(func(s *state) {
			s.brokers, s.partitions = map[int]string{1: alive, 2: dead, 3: alive}, []partition{{"orders", 2, all, []int{2, 3}}}
		}), "may-refill 3", 1, "orders-0 has"},
		{with(func(s *state) { s.voters = map[int]int{1: 0, 2: 9000, 3: 9000} }), "may-refill 3", 1, "voter 3 cannot leave the quorum: 1 of the 2 others have caught up, and a majority is 2; behind: 2"},
	} {
		code, said := c.cluster.ask(t, c.question)
		if code != c.code || !strings.Contains(said, c.said) || (c.said == "" && said != "") {
			t.Errorf("%s with %+v\ngot  %d %q\nwant %d %q", c.question, c.cluster, code, said, c.code, c.said)
		}
	}
}

// TestVotersChangeOneAtATime: each call does one thing, or says what it waits for.
func TestVotersChangeOneAtATime(t *testing.T) {
	alive, dead := listening(t), "127.0.0.1:1"
	five := map[int]int{1: 0, 2: 0, 3: 0, 4: 0, 5: 0}
	for _, c := range []struct {
		name              string
		voters, observers map[int]int
		wanted, brokers   []int
		silent            int // does not answer at its address
		complete          bool
		code              int
		said              string
	}{
		{name: "as wanted", voters: map[int]int{1: 0, 2: 0, 3: 0}, wanted: []int{1, 2, 3}, code: 0},
		{name: "one is behind", voters: map[int]int{1: 0, 2: 9000, 3: 0}, wanted: []int{1, 2, 3}, code: 1, said: "2 is behind"},
		{name: "one joins", voters: map[int]int{1: 0, 2: 0, 3: 0}, observers: map[int]int{4: 0, 5: 0}, wanted: []int{1, 2, 3, 4, 5}, code: 1, said: "done voter 4 was added"},
		{name: "the next waits", voters: map[int]int{1: 0, 2: 0, 3: 0, 4: 0}, observers: map[int]int{5: 9000}, wanted: []int{1, 2, 3, 4, 5}, code: 1, said: "5 is behind"},
		{name: "one is no controller yet", voters: map[int]int{1: 0}, observers: map[int]int{2: 0}, wanted: []int{1, 2}, silent: 2, code: 0},
		{name: "it is waited for", voters: map[int]int{1: 0}, observers: map[int]int{2: 0}, wanted: []int{1, 2}, silent: 2, complete: true, code: 1, said: "2 does not answer"},
		{name: "the highest leaves", voters: five, wanted: []int{1, 2, 3}, code: 1, said: "done voter 5 was removed"},
		{name: "the leader leaves last", voters: five, wanted: []int{2, 3, 4}, code: 1, said: "done voter 5 was removed"},
		{name: "joining comes first", voters: map[int]int{1: 0, 2: 0}, observers: map[int]int{3: 0}, wanted: []int{1, 3}, code: 1, said: "done voter 3 was added"},
		{name: "a broker leaves by itself", voters: map[int]int{1: 0, 2: 0, 3: 0, 4: 0, 1001: 0}, wanted: []int{1, 2, 3}, brokers: []int{1001}, code: 1, said: "done voter 4 was removed"},
		{name: "and is waited for by nobody", voters: map[int]int{1: 0, 2: 0, 3: 0, 1001: 0}, wanted: []int{1, 2, 3}, brokers: []int{1001}, code: 0},
		{name: "a dead one leaves", voters: map[int]int{1: 0, 2: 9000, 3: 0}, wanted: []int{1, 3}, code: 1, said: "done voter 2 was removed"},
		{name: "none may leave", voters: map[int]int{1: 0, 2: 0, 3: 9000, 4: 9000, 5: 9000}, wanted: []int{1, 2}, code: 1, said: "voter 5 cannot leave the quorum: 2 of the 4 others"},
		{name: "a lost disk", voters: map[int]int{1: 0, 2: 9000, 3: 0}, observers: map[int]int{2: 0}, wanted: []int{1, 2, 3}, code: 1, said: "done voter 2 was removed from the quorum: its disk was lost"},
		{name: "it comes back", voters: map[int]int{1: 0, 3: 0}, observers: map[int]int{2: 0}, wanted: []int{1, 2, 3}, code: 1, said: "done voter 2 was added"},
		{name: "two lost disks", voters: map[int]int{1: 0, 2: 9000, 3: 9000}, observers: map[int]int{2: 0, 3: 0}, wanted: []int{1, 2, 3}, code: 1, said: "voter 2 cannot leave the quorum: 1 of the 2 others"},
		{name: "all others", voters: map[int]int{1: 0}, wanted: []int{2}, silent: 2, code: 3, said: "none of the wanted voters (2) is in the quorum"},
	} {
		question := "voters"
		if c.complete {
			question = "all-voters"
		}
		for _, id := range c.wanted {
			address := alive
			if id == c.silent {
				address = dead
			}
			question += fmt.Sprintf(" %d@%s", id, address)
		}
		for _, id := range c.brokers {
			question += fmt.Sprintf(" %d", id)
		}
		code, said := state{voters: c.voters, observers: c.observers, leader: 1}.ask(t, question)
		if code != c.code || !strings.Contains(said, c.said) || (c.said == "" && said != "") {
			t.Errorf("%s: got %d %q, want %d %q", c.name, code, said, c.code, c.said)
		}
	}
}

func TestNobodyToAsk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "client.properties")
	if err := os.WriteFile(path, []byte("bootstrap.servers=127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := call(t, `python3 -I /dev/fd/3 `+path+` leads-quorum 1 3< <(cluster_program) || echo "status $?"`)
	if !strings.HasPrefix(said, "no broker takes the administrator's connection: 127.0.0.1:1") || !strings.HasSuffix(said, "status 2\n") {
		t.Errorf("said %q", said)
	}
}
