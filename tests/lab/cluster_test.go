package lab_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kraftstack/internal/cluster"
	"kraftstack/internal/report"
	"kraftstack/tests/forge"
	"kraftstack/tests/stream"
)

// TestCluster follows one stack of three combined nodes from nothing to
// nothing. The parts build on each other, in this order.
func TestCluster(t *testing.T) {
	s := shared
	const stack = "story"
	s.stackFile(t, stack)
	if !t.Run("is born", func(t *testing.T) { clusterIsBorn(t, s, stack) }) {
		t.Fatal("there is no cluster to tell of")
	}
	t.Run("second up does nothing", func(t *testing.T) { secondUpDoesNothing(t, s, stack) })
	t.Run("pulumi itself sees no change", func(t *testing.T) { pulumiSeesNoChange(t, s, stack) })
	t.Run("console tools move records", func(t *testing.T) { toolsMoveRecords(t, s, stack) })
	t.Run("only allowed ports answer", func(t *testing.T) { onlyAllowedPortsAnswer(t, s, stack) })
	t.Run("kafka is sandboxed", func(t *testing.T) { sandboxed(t, s, stack) })
	t.Run("sshd is locked down", func(t *testing.T) { lockedDown(t, s, stack) })
	t.Run("one property changed, as it was reviewed", func(t *testing.T) { onePropertyChanged(t, s, stack) })
	t.Run("the gate refuses", func(t *testing.T) { rollRefused(t, s, stack) })
	t.Run("an instance terminated", func(t *testing.T) { instanceTerminated(t, s, stack) })
	t.Run("daemon killed", func(t *testing.T) { daemonKilled(t, s, stack) })
	t.Run("cloud killed", func(t *testing.T) { cloudKilled(t, s, stack) })
	t.Run("destroy leaves nothing", func(t *testing.T) { destroyLeavesNothing(t, s, stack) })
}

// TestClients tells who is let in, and who is not.
func TestClients(t *testing.T) {
	s := shared
	const stack = "story"
	s.bothFile(t, stack, firstAuthority, "")
	if !t.Run("is born", func(t *testing.T) { clusterIsBorn(t, s, stack) }) {
		t.Fatal("there is no cluster to tell of")
	}
	t.Run("console tools move records", func(t *testing.T) { toolsMoveRecords(t, s, stack) })
	t.Run("users", func(t *testing.T) { users(t, s, stack) })
	t.Run("restarted brokers know who logs in", func(t *testing.T) { restartedBrokersKnow(t, s, stack) })
	t.Run("security", func(t *testing.T) { security(t, s, stack) })
	t.Run("destroy leaves nothing", func(t *testing.T) { destroyLeavesNothing(t, s, stack) })
}

func clusterIsBorn(t *testing.T, s story, stack string) {
	if r := s.up(t, stack); len(r.Changes) == 0 {
		t.Fatal("up made nothing")
	}
	v := s.view(t, stack)
	var voters []int32
	for _, voter := range v.Quorum.Voters {
		voters = append(voters, voter.ID)
		if !voter.CaughtUp {
			t.Errorf("voter %d is %d records behind", voter.ID, voter.Lag)
		}
	}
	ids := []int32{1001, 1002, 1003}
	if diff := cmp.Diff(ids, voters); diff != "" {
		t.Errorf("voters (-want +got):\n%s", diff)
	}
	if !slices.Contains(ids, v.Quorum.Leader) {
		t.Errorf("the leader is %d", v.Quorum.Leader)
	}
	if len(v.Brokers) != 3 {
		t.Fatalf("there are %d brokers", len(v.Brokers))
	}
	for i, broker := range v.Brokers {
		if broker.Rack != zones[i] || broker.Zone != zones[i] || !broker.Alive {
			t.Errorf("broker %d: rack %s, zone %s, alive %v; want rack and zone %s", broker.ID, broker.Rack, broker.Zone, broker.Alive, zones[i])
		}
	}
	if v.Partitions.UnderReplicated+v.Partitions.UnderMinISR+v.Partitions.Offline != 0 {
		t.Errorf("partitions: %+v", *v.Partitions)
	}
	var smoke cluster.SmokeResult
	s.mustJSON(t, &smoke, "smoke", "--stack", stack)
	if smoke.ReplicationFactor != 3 {
		t.Errorf("the smoke record has %d replicas", smoke.ReplicationFactor)
	}
}

func secondUpDoesNothing(t *testing.T, s story, stack string) {
	before, runs := map[string]kafkaProcess{}, map[string]string{}
	for _, host := range three {
		before[host], runs[host] = s.kafka(t, stack, host), s.commands(t, stack, host)
		if runs[host] == "0" {
			t.Fatalf("%s: sudo's log shows no run of the toolkit; this story could not fail", host)
		}
	}
	nothing(t, "second up", s.up(t, stack))
	nothing(t, "preview", s.preview(t, stack))
	for _, host := range three {
		if diff := cmp.Diff(before[host], s.kafka(t, stack, host)); diff != "" {
			t.Errorf("%s: Kafka is another process: %s", host, diff)
		}
		if after := s.commands(t, stack, host); after != runs[host] {
			t.Errorf("%s: %s toolkit runs became %s", host, runs[host], after)
		}
	}
}

func pulumiSeesNoChange(t *testing.T, s story, stack string) {
	env := s.environment(t)
	c := exec.Command(lookPath(t, "pulumi", env), "preview", "--stack", stack, "--expect-no-changes", "--non-interactive",
		"--cwd", repository(), "--config-file", filepath.Join(s.dir, "Pulumi."+stack+".yaml"))
	c.Env = append(c.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("pulumi preview through main.go: %v\n%s", err, out)
	}
}

func toolsMoveRecords(t *testing.T, s story, stack string) {
	bootstrap := fmt.Sprintf("broker-1002.%s.kafka.internal:9092", stack)
	bin := "/opt/kafka/current/bin/"
	as := " --command-config /etc/kafka/client.properties --bootstrap-server " + bootstrap
	s.ssh(t, stack, "bastion", "sudo "+bin+"kafka-topics.sh"+as+" --create --topic orders --partitions 3 --replication-factor 3")
	described := s.ssh(t, stack, "bastion", "sudo "+bin+"kafka-topics.sh"+as+" --describe --topic orders")
	if strings.Count(described, "Isr: ") != 3 || !strings.Contains(described, "ReplicationFactor: 3") {
		t.Errorf("the topic is not as asked for:\n%s", described)
	}
	s.ssh(t, stack, "bastion", "seq 1 500 | sudo "+bin+"kafka-console-producer.sh"+as+" --topic orders --command-property acks=all")
	readOrders(t, s, stack)
}

// readOrders reads the 500 records back, each once.
func readOrders(t *testing.T, s story, stack string) {
	t.Helper()
	out := s.ssh(t, stack, "bastion", fmt.Sprintf("sudo /opt/kafka/current/bin/kafka-console-consumer.sh "+
		"--command-config /etc/kafka/client.properties --bootstrap-server broker-1001.%s.kafka.internal:9092 --topic orders --from-beginning --max-messages 500 --timeout-ms 30000 | sort -n | uniq | wc -l", stack))
	if got := strings.TrimSpace(out); got != "500" {
		t.Errorf("500 different records went in, %s came out", got)
	}
}

func onlyAllowedPortsAnswer(t *testing.T, s story, stack string) {
	// A listener of our own on every other port, so that silence is the
	// firewall's doing and not an empty port's.
	s.ssh(t, stack, "broker-1002", "sudo systemd-run --quiet --collect --unit=story-listener "+
		"python3 -c 'import socket,time\nl=[socket.create_server((\"\",p)) for p in (80,7777,8080)]\ntime.sleep(600)'")
	probe := func(from string, port int) string {
		target := fmt.Sprintf("broker-1002.%s.kafka.internal", stack)
		return strings.TrimSpace(s.ssh(t, stack, from, fmt.Sprintf(
			"timeout 2 bash -c '</dev/tcp/%s/%d' 2>/dev/null && echo open || echo shut", target, port)))
	}
	want := map[string]map[int]string{
		"broker-1001": {22: "shut", 80: "shut", 7777: "shut", 8080: "shut", 9091: "open", 9092: "shut", 9093: "open"},
		"bastion":     {22: "open", 80: "shut", 7777: "shut", 8080: "shut", 9091: "shut", 9092: "open", 9093: "shut"},
		"broker-1002": {80: "open", 7777: "open", 8080: "open"},
	}
	for from, ports := range want {
		for port, state := range ports {
			if got := probe(from, port); got != state {
				t.Errorf("from %s, port %d of broker-1002 is %s, want %s", from, port, got, state)
			}
		}
	}
	s.ssh(t, stack, "broker-1002", "sudo systemctl stop story-listener")
}

func onePropertyChanged(t *testing.T, s story, stack string) {
	before := map[string]kafkaProcess{}
	for _, host := range three {
		before[host] = s.kafka(t, stack, host)
	}
	s.stackFile(t, stack, "    heap: 384m\n", "    heap: 384m\n    config:\n      queued.max.requests: 404\n")
	changed := reviewedThenDone(t, s, stack)
	if diff := cmp.Diff(three, changed.Restarts); diff != "" {
		t.Errorf("restarts (-want +got):\n%s", diff)
	}
	for _, change := range changed.Changes {
		if change.Op != "update" || !slices.Contains([]string{"configure", "roll", "roll-leader"}, change.Step) {
			t.Errorf("up also did: %s %s %s", change.Op, change.Component, change.Step)
		}
	}
	for _, host := range three {
		if s.kafka(t, stack, host) == before[host] {
			t.Errorf("%s was not restarted", host)
		}
	}
	nothing(t, "the up after it", s.up(t, stack))
	s.view(t, stack)
}

// reviewedThenDone previews a change onto a pull request and does exactly that.
// What happened is what was reported: event by event, and in the report.
func reviewedThenDone(t *testing.T, s story, stack string) report.Report {
	t.Helper()
	server := forge.GitHub(t)
	t.Setenv("GITHUB_TOKEN", forge.Token)
	dir := t.TempDir()
	plan, before, after := filepath.Join(dir, "plan.json"), filepath.Join(dir, "preview.jsonl"), filepath.Join(dir, "up.jsonl")
	var reported, done report.Report
	s.mustJSON(t, &reported, "preview", "--stack", stack, "--comment", "--comment-on", server.URL+"/acme/kafka/pull/12", "--save-plan", plan, "--events", before)
	for _, want := range []string{"+queued.max.requests=404", strings.Join(three, ", ")} {
		if len(server.Comments) != 1 || !strings.Contains(server.Comments[0].Body, want) {
			t.Errorf("the pull request does not show %q:\n%+v", want, server.Comments)
		}
	}
	s.mustJSON(t, &done, "up", "--stack", stack, "--plan", plan, "--events", after)
	if diff := cmp.Diff(stream.Operations(t, before), stream.Operations(t, after)); diff != "" {
		t.Errorf("the events (-reported +happened):\n%s", diff)
	}
	if diff := cmp.Diff(reported.Changes, done.Changes, cmpopts.IgnoreUnexported(report.Change{})); diff != "" {
		t.Errorf("the changes (-reported +happened):\n%s", diff)
	}
	if diff := cmp.Diff(reported.Restarts, done.Restarts); diff != "" {
		t.Errorf("the restarts (-reported +happened):\n%s", diff)
	}
	return done
}

// rollRefused ends a roll before its first restart, and takes the change
// back: nothing was restarted for it. TestRolling goes on from there instead.
func rollRefused(t *testing.T, s story, stack string) {
	const limit = "  kraftstack:rolling:\n    gateTimeoutSeconds: 5\n"
	before := s.processes(t, stack)
	s.stackFile(t, stack, "    heap: 384m\n", "    heap: 388m\n    config:\n      queued.max.requests: 404\n"+limit)
	s.withSilent(t, stack, "broker-1003", func() {
		s.refused(t, 10, []string{"step: roll", "was not restarted: after 5 s of waiting", "next:"}, "up", "--stack", stack)
	})
	s.stackFile(t, stack, "    heap: 384m\n", "    heap: 384m\n    config:\n      queued.max.requests: 404\n")
	s.up(t, stack)
	if diff := cmp.Diff(before, s.processes(t, stack)); diff != "" {
		t.Errorf("Kafka was restarted: %s", diff)
	}
	nothing(t, "the up after it", s.up(t, stack))
}

func instanceTerminated(t *testing.T, s story, stack string) {
	const victim = "broker-1002"
	instance := s.instances(t, stack)[victim]
	identity := s.ssh(t, stack, victim, "sudo cat /var/lib/kafka/data/meta.properties | grep -v '^#'")
	s.aws(t, fmt.Sprintf("ec2.terminate_instances(InstanceIds=[%q])", instance))
	s.must(t, "refresh", "--stack", stack)
	s.up(t, stack)
	if now := s.instances(t, stack)[victim]; now == instance || now == "" {
		t.Errorf("%s is instance %q, it was %q", victim, now, instance)
	}
	if now := s.ssh(t, stack, victim, "sudo cat /var/lib/kafka/data/meta.properties | grep -v '^#'"); now != identity {
		t.Errorf("%s has another identity:\n%s\nit had:\n%s", victim, now, identity)
	}
	s.view(t, stack)
	readOrders(t, s, stack)
	nothing(t, "the up after it", s.up(t, stack))
}

func destroyLeavesNothing(t *testing.T, s story, stack string) {
	s.must(t, "destroy", "--stack", stack, "--yes")
	eventually(t, "the hosts are gone", 90*time.Second, func() (bool, string) {
		left := s.instances(t, stack)
		return len(left) == 0, fmt.Sprint(sortedNames(left))
	})
	left := s.aws(t, "print([v['VpcId'] for v in ec2.describe_vpcs()['Vpcs'] if not v['IsDefault']],"+
		"ec2.describe_volumes()['Volumes'],ec2.describe_addresses()['Addresses'],ec2.describe_key_pairs()['KeyPairs'])")
	if left != "[] [] [] []" {
		t.Errorf("the cloud still has %s", left)
	}
}
