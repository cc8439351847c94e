//go:build long

package lab_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kraftstack/render"
)

// plantedPassword is what the story's stack file gives a user, with all that a
// program may want to escape.
const plantedPassword = `planted "Quoted" \back\ & 7fk39wz2m5 'q'`

// failedPassword is what it gives in an up that fails.
const failedPassword = "another-one-that-never-worked-49"

// TestSweep makes a stack with secrets that are known here, breaks it, and looks
// for them everywhere: in the state, in what the engine and the driver tell, in
// logs, in the lists of processes all along, in temporary files, and on every
// disk. They may be in the files that allowed lists, and nowhere else.
func TestSweep(t *testing.T) {
	s := shared
	const stack = "sweep"
	certificate, key := givenAuthority(t)
	s.sweptFile(t, stack, "")
	s.must(t, "preview", "--stack", stack) // the stack has to be there to encrypt for
	s.sweptFile(t, stack, "  kraftstack:security:\n    clients: both\n    ca:\n      certificate: |\n"+indented(certificate, 8)+
		"  kraftstack:users:\n    - name: given\n    - name: generated\n    - {name: certified, authentication: mtls}\n")
	s.setSecret(t, stack, "users[0].password", plantedPassword)
	s.setSecret(t, stack, "security.ca.privateKey", key)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })

	temporary, told := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("KRAFTSTACK_RECORDS_DIR", filepath.Join(told, "records"))
	watch := watchProcesses(t)
	say := func(name string, args ...string) int {
		r := s.run(t, args...)
		if err := os.WriteFile(filepath.Join(told, name), []byte(r.stdout+r.stderr), 0o600); err != nil {
			t.Fatal(err)
		}
		return r.code
	}
	artifacts := []string{"--stack", stack, "--artifacts", filepath.Join(told, "artifacts")}
	say("preview", append([]string{"preview"}, artifacts...)...)
	say("preview.json", "preview", "--stack", stack, "--json")
	if code := say("up", append([]string{"up"}, artifacts...)...); code != 0 {
		t.Errorf("up ended with %d", code)
	}
	say("audit", "audit", "--stack", stack)
	say("status", "status", "--stack", stack, "--hosts")
	n := s.secretsOf(t, stack)
	s.addKey(t, n, "the given authority's key", key)
	// A failure in the middle of a step that is given a password.
	s.setSecret(t, stack, "users[0].password", failedPassword)
	s.ssh(t, stack, "broker-1001", "sudo systemctl stop kafka")
	if code := say("failure", append([]string{"up"}, artifacts...)...); code != 8 {
		t.Errorf("an up whose broker is down ended with %d", code)
	}
	s.ssh(t, stack, "broker-1001", "sudo systemctl start kafka")
	n.add(t, "the password that a step failed with", []byte(failedPassword))

	t.Run("what is told", func(t *testing.T) { expectNone(t, n.below(t, told)) })
	t.Run("processes", func(t *testing.T) { watch.expectNone(t, n) })
	t.Run("temporary files", func(t *testing.T) {
		if entries, _ := os.ReadDir(temporary); len(entries) > 0 {
			expectNone(t, n.below(t, temporary))
		}
	})
	t.Run("state", func(t *testing.T) {
		for _, secret := range n.in(s.export(t, stack)) {
			t.Errorf("the exported state has %s", secret)
		}
		expectNone(t, n.below(t, filepath.Join(storiesLab, "state")))
		expectNone(t, n.below(t, s.dir))
	})
	t.Run("hosts", func(t *testing.T) { s.sweepHosts(t, stack, n) })
	t.Run("the lab's own files", func(t *testing.T) { s.sweepLab(t, n) })
	t.Run("a leak is found", func(t *testing.T) { s.leakIsFound(t, stack, n) })
}

// sweptFile writes the stack file of one broker.
func (s story) sweptFile(t *testing.T, stack, more string) {
	t.Helper()
	s.stackFile(t, stack, "  kraftstack:brokers:\n    count: 3\n", "  kraftstack:brokers:\n    count: 1\n",
		"    mode: combined\n    count: 3\n", "    mode: combined\n    count: 1\n",
		"    zones: [us-east-1a, us-east-1b, us-east-1c]\n", "    zones: [us-east-1a]\n",
		"    heap: 384m\n", "    heap: 384m\n"+more)
}

func expectNone(t *testing.T, leaks []leak) {
	t.Helper()
	for _, l := range leaks {
		t.Errorf("%s has %s", l.path, l.secret)
	}
}

// export is the stack's state, with secrets in clear if they are asked for.
func (s story) export(t *testing.T, stack string, more ...string) []byte {
	t.Helper()
	env := s.environment(t)
	c := exec.Command(lookPath(t, "pulumi", env), append([]string{"stack", "export", "--stack", stack, "--non-interactive"}, more...)...)
	c.Env, c.Dir = append(c.Environ(), env...), s.dir
	out, err := c.Output()
	if err != nil {
		t.Fatalf("pulumi stack export: %v", err)
	}
	return out
}

var privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----\n?`)

// secretsOf gathers every secret that the stack has by now: the planted one,
// those that were made in the graph, which the state has under encryption, and
// those that were made on hosts.
func (s story) secretsOf(t *testing.T, stack string) *needles {
	t.Helper()
	n := newNeedles()
	n.add(t, "the planted password", []byte(plantedPassword))
	var state struct {
		Deployment struct {
			Resources []struct {
				URN     string         `json:"urn"`
				Type    string         `json:"type"`
				Outputs map[string]any `json:"outputs"`
			} `json:"resources"`
		} `json:"deployment"`
	}
	if err := json.Unmarshal(s.export(t, stack, "--show-secrets"), &state); err != nil {
		t.Fatal(err)
	}
	passwords := 0
	var hosts []string
	var seed string // of the keys that hosts show
	for _, r := range state.Deployment.Resources {
		name := r.URN[strings.LastIndex(r.URN, ":")+1:]
		switch r.Type {
		case "tls:index/privateKey:PrivateKey":
			s.addKey(t, n, "the private key "+name, plain(t, r.Outputs["privateKeyPem"]))
			if name == "access-host-keys" {
				seed = plain(t, r.Outputs["privateKeyOpenssh"])
			}
		case "aws:ec2/instance:Instance":
			hosts = append(hosts, strings.TrimSuffix(name, "-instance"))
		case "pulumi:pulumi:Stack":
			n.add(t, "the administrator's password", []byte(plain(t, r.Outputs["adminLogin"])))
			var users map[string]string
			if err := json.Unmarshal([]byte(plainJSON(t, r.Outputs["userLogins"])), &users); err != nil {
				t.Fatal(err)
			}
			passwords = len(users)
			n.add(t, "a generated password", []byte(users["generated"]))
			s.addKey(t, n, "a user's key", users["certified"])
		}
	}
	for _, host := range hosts {
		private, _, err := render.HostKey(seed, host)
		if err != nil {
			t.Fatal(err)
		}
		s.addKey(t, n, "the private key "+host+"-host-key", private)
	}
	s.addKey(t, n, "the node's key", s.ssh(t, stack, "broker-1001", "sudo cat /etc/kafka/tls/node.key"))
	if len(n.names) < 10 || passwords != 3 {
		t.Fatalf("only these secrets are known: %v", n.names)
	}
	return n
}

func (s story) addKey(t *testing.T, n *needles, name, text string) {
	t.Helper()
	secret, err := keyBytes(privateKey.FindString(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	n.add(t, name, secret)
}

// plainJSON is the JSON of a secret in a state that shows its secrets.
func plainJSON(t *testing.T, value any) string {
	t.Helper()
	secret, _ := value.(map[string]any)
	text, ok := secret["plaintext"].(string)
	if !ok {
		t.Fatalf("%v is no secret of the state", value)
	}
	return text
}

func plain(t *testing.T, value any) (text string) {
	t.Helper()
	if err := json.Unmarshal([]byte(plainJSON(t, value)), &text); err != nil {
		t.Fatal(err)
	}
	return text
}

// processes are all command lines and environments that were seen.
type processes struct {
	mu   sync.Mutex
	seen map[string]bool
}

// watchProcesses looks at every process of this machine, those of the hosts
// among them, again and again until the test ends.
func watchProcesses(t *testing.T) *processes {
	t.Helper()
	p, done := &processes{seen: map[string]bool{}}, make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			p.look()
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	t.Cleanup(func() { close(done); looking.Wait() })
	return p
}

func (p *processes) look() {
	for _, name := range []string{"cmdline", "environ"} {
		paths, _ := filepath.Glob("/proc/[0-9]*/" + name)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil || len(text) == 0 {
				continue // it has ended
			}
			p.mu.Lock()
			p.seen[name+" "+string(text)] = true
			p.mu.Unlock()
		}
	}
}

// expectNone fails for each command line or environment with a secret in it.
func (p *processes) expectNone(t *testing.T, n *needles) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) < 100 {
		t.Errorf("only %d processes were seen", len(p.seen))
	}
	for text := range p.seen {
		for _, secret := range n.in([]byte(text)) {
			t.Errorf("a process has %s: %.200q", secret, strings.ReplaceAll(text, "\x00", " "))
		}
	}
}

func (p *processes) holds(n *needles, secret string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for text := range p.seen {
		if slices.Contains(n.in([]byte(text)), secret) {
			return true
		}
	}
	return false
}
