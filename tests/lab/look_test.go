package lab_test

import (
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"kraftstack/internal/cluster"
	"kraftstack/internal/report"
	"kraftstack/lab/daemon"
)

// view is `kraftstack status --json`; an unhealthy cluster fails the test.
func (s story) view(t *testing.T, stack string) cluster.View {
	t.Helper()
	var v cluster.View
	s.mustJSON(t, &v, "status", "--stack", stack)
	if !v.Healthy {
		t.Fatalf("stack %s is not healthy: %v", stack, v.Problems)
	}
	return v
}

// up runs up and returns what it did.
func (s story) up(t *testing.T, stack string) report.Report {
	t.Helper()
	var r report.Report
	s.mustJSON(t, &r, "up", "--stack", stack)
	return r
}

// preview runs preview and returns what up would do.
func (s story) preview(t *testing.T, stack string) report.Report {
	t.Helper()
	var r report.Report
	s.mustJSON(t, &r, "preview", "--stack", stack)
	return r
}

// nothing fails the test if a run changed anything.
func nothing(t *testing.T, what string, r report.Report) {
	t.Helper()
	for _, change := range r.Changes {
		t.Errorf("%s: %s %s %s %v", what, change.Op, change.Component, change.Step, change.Keys)
	}
	if r.Unchanged == 0 {
		t.Errorf("%s: not one resource was looked at", what)
	}
}

func (s story) lab(t *testing.T) daemon.Status {
	t.Helper()
	var status daemon.Status
	s.mustJSON(t, &status, "lab", "status")
	return status
}

// instances maps the names of a stack's hosts to their instances.
func (s story) instances(t *testing.T, stack string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, host := range s.lab(t).Hosts {
		if name, ok := strings.CutPrefix(host.Name, stack+"-"); ok {
			found[name] = host.Instance
		}
	}
	return found
}

// process tells one run of Kafka on a host from another.
type kafkaProcess struct{ PID, Started, Generation string }

func (s story) kafka(t *testing.T, stack, host string) kafkaProcess {
	t.Helper()
	out := s.ssh(t, stack, host, "systemctl show kafka -p MainPID -p ExecMainStartTimestampMonotonic --value; cat /run/kafka/generation")
	lines := strings.Fields(out)
	if len(lines) != 3 {
		t.Fatalf("%s: unexpected answer about Kafka's process: %q", host, out)
	}
	return kafkaProcess{PID: lines[0], Started: lines[1], Generation: lines[2]}
}

// processes are those of all three brokers.
func (s story) processes(t *testing.T, stack string) map[string]kafkaProcess {
	t.Helper()
	found := map[string]kafkaProcess{}
	for _, host := range three {
		found[host] = s.kafka(t, stack, host)
	}
	return found
}

// withSilent does something while a broker answers nobody and the cluster has
// noticed. Stopped by a signal, it is still what systemd calls active.
func (s story) withSilent(t *testing.T, stack, host string, do func()) {
	t.Helper()
	signal := func(name string) {
		s.ssh(t, stack, host, "sudo systemctl kill --kill-whom=main --signal="+name+" kafka.service")
	}
	signal("STOP")
	defer signal("CONT")
	eventually(t, host+" is seen to be gone", 90*time.Second, func() (bool, string) {
		r := s.run(t, "status", "--stack", stack)
		return r.code == 6 && strings.Contains(r.stdout, "under-replicated") && !strings.Contains(r.stdout, " 0 under-replicated"), r.stdout
	})
	do()
}

// commands counts the toolkit's runs on a host, from sudo's own log.
func (s story) commands(t *testing.T, stack, host string) string {
	t.Helper()
	return strings.TrimSpace(s.ssh(t, stack, host, "sudo journalctl -q -t sudo --no-pager | grep -c 'COMMAND=.*kafka-node' || true"))
}

var (
	three = []string{"broker-1001", "broker-1002", "broker-1003"}
	zones = []string{"us-east-1a", "us-east-1b", "us-east-1c"}
)

// environment is what `kraftstack lab env --json` gives a shell.
func (s story) environment(t *testing.T) []string {
	t.Helper()
	var variables map[string]string
	s.mustJSON(t, &variables, "lab", "env")
	var env []string
	for name, value := range variables {
		env = append(env, name+"="+value)
	}
	return env
}

// aws calls the lab's API behind kraftstack's back, with the command that
// administrators use: a client that shares no code with this project.
func (s story) aws(t *testing.T, python string) string {
	t.Helper()
	status := s.lab(t)
	script := fmt.Sprintf("import boto3\nec2=boto3.client('ec2',endpoint_url=%q,region_name='us-east-1',aws_access_key_id='x',aws_secret_access_key='x')\n%s", status.Cloud.URL, python)
	out, err := exec.Command(s.python(t), "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", python, err, out)
	}
	return strings.TrimSpace(string(out))
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
