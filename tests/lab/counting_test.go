package lab_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// pair is the counting producer and consumer of tests/counting, beside the
// bastion: in its network namespace, which outlives the bastion's own crashes.
type pair struct {
	cmd   *exec.Cmd
	input io.Writer
	lines *bufio.Reader
	name  string
}

// count starts the pair on a topic of its own and returns when it runs. It
// enters the cluster as the bastion's tools do.
func (s story) count(t *testing.T, stack, topic string, flags ...string) *pair {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "counting")
	build := exec.Command("go", "build", "-o", binary, "./tests/counting")
	build.Dir = repository()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the counting pair: %v\n%s", err, out)
	}
	namespace := ""
	for _, host := range s.lab(t).Hosts {
		if host.Name == stack+"-bastion" {
			namespace = host.Namespace
		}
	}
	arguments := append([]string{"--net=" + namespace, binary, "--client", s.clientFile(t, stack),
		"--resolver", "10.0.0.2", "--topic", topic, "--rate", "400", "--min-rate", "100"}, flags...)
	p := &pair{cmd: exec.Command("nsenter", arguments...), name: topic}
	input, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.input, p.lines, p.cmd.Stderr = input, bufio.NewReader(output), os.Stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	p.expect(t, "running")
	return p
}

// clientFile is the bastion's own client.properties with what it refers to.
func (s story) clientFile(t *testing.T, stack string) string {
	t.Helper()
	dir := t.TempDir()
	text := s.ssh(t, stack, "bastion", "sudo cat /etc/kafka/client.properties")
	for _, location := range regexp.MustCompile(`(?m)^ssl\.\w+\.location=(.+)$`).FindAllStringSubmatch(text, -1) {
		copied := filepath.Join(dir, filepath.Base(location[1]))
		write(t, copied, s.ssh(t, stack, "bastion", "sudo cat "+location[1]))
		text = strings.ReplaceAll(text, location[1], copied)
	}
	path := filepath.Join(dir, "client.properties")
	write(t, path, text)
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *pair) say(t *testing.T, line string) {
	t.Helper()
	if _, err := fmt.Fprintln(p.input, line); err != nil {
		t.Fatalf("the counting pair has ended: %v", err)
	}
}

func (p *pair) expect(t *testing.T, want string) {
	t.Helper()
	line, err := p.lines.ReadString('\n')
	if got := strings.TrimSpace(line); err != nil || got != want {
		t.Fatalf("the counting pair says %q (%v), want %q", got, err, want)
	}
}

// during does something to the cluster, and tells the pair of it.
func (p *pair) during(t *testing.T, action string, do func()) {
	t.Helper()
	p.say(t, "begin "+action)
	p.expect(t, "begun "+action)
	do()
	p.say(t, "end "+action)
	p.expect(t, "ended "+action)
}

// counted is the part of the pair's report that stories look at.
type counted struct {
	Sent, Acked, Unknown, Refused, Read int

	Phases []struct {
		Name         string
		Failed       int
		P99Millis    float64
		MaxGapMillis float64
	}
	Checks []string
	Faults []struct {
		Check    string
		Count    int
		Examples []string
	}
}

// holds ends the run: every check must hold, and no produce may have failed.
func (p *pair) holds(t *testing.T) {
	t.Helper()
	p.say(t, "stop")
	var r counted
	if err := json.NewDecoder(p.lines).Decode(&r); err != nil {
		t.Fatalf("the counting pair has no report: %v", err)
	}
	timer := time.AfterFunc(time.Minute, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait() // its exit code repeats the faults
	for _, fault := range r.Faults {
		t.Errorf("%s: %s: %d times, such as %s", p.name, fault.Check, fault.Count, strings.Join(fault.Examples, "; "))
	}
	if r.Unknown+r.Refused > 0 || len(r.Checks) < 12 || r.Read < r.Acked {
		t.Errorf("%s: %d sent, %d acknowledged, %d unknown, %d refused, %d read, %d checks", p.name, r.Sent, r.Acked, r.Unknown, r.Refused, r.Read, len(r.Checks))
	}
	for _, phase := range r.Phases {
		t.Logf("%s: %s: p99 %.0f ms, longest silence of a partition %.0f ms", p.name, phase.Name, phase.P99Millis, phase.MaxGapMillis)
	}
}
