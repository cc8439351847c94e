package cluster

import (
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kraftstack/scripts"
)

// Each node is told, and who could not be is named.
func TestTellAgents(t *testing.T) {
	k := startKafka(t).scripted()
	private, signer := keyPair(t)
	var mu sync.Mutex
	var told []string
	serve := func(name string) *sshHost {
		return startSSH(t, signer.PublicKey(), func(line string, stdin io.Reader, _, stderr io.Writer) uint32 {
			if name == "broker-1002" {
				_, _ = io.WriteString(stderr, "there is no amazon-ssm-agent\n")
				return 3
			}
			text, err := io.ReadAll(stdin)
			if err != nil || string(text) != scripts.Agent() || line != "sudo -n bash -s -- ssmmessages.eu-west-1.amazonaws.com 10.7.0.0/16" {
				t.Errorf("%s is told %q with %d bytes, %v", name, line, len(text), err)
			}
			mu.Lock()
			defer mu.Unlock()
			told = append(told, name)
			return 0
		})
	}
	for i := range k.out.Nodes {
		n := &k.out.Nodes[i]
		host := serve(n.Name)
		k.bastion.knows(n.Host+":22", host.Address)
		n.HostKey = authorized(host.Key)
	}
	bastion := serve("bastion")
	bastion.hosts = k.bastion.hosts
	k.out.PrivateKey, k.out.Region = private, "eu-west-1"
	k.out.Bastion = SSHHost{Address: bastion.Address, User: "ubuntu", HostKey: authorized(bastion.Key)}

	untold := TellAgents(within(t, 10*time.Second), k.out, "10.7.0.0/16")
	want := []string{"the agent on broker-1002 could not be told of Session Manager: there is no amazon-ssm-agent"}
	if diff := cmp.Diff(want, untold); diff != "" {
		t.Errorf("untold (-want +got):\n%s", diff)
	}
	slices.Sort(told)
	if got := strings.Join(told, " "); got != "broker-1001 broker-1003" {
		t.Errorf("told: %s", got)
	}
}
