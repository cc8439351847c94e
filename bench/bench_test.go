package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"kraftstack/internal/cluster"
)

func TestJudge(t *testing.T) {
	sample := func(values ...float64) (s Sample) {
		for _, v := range values {
			s.add(v)
		}
		return s
	}
	for name, c := range map[string]struct {
		row  Row
		want string
	}{
		"both limits kept":        {Row{Ours: sample(3, 1, 2), Peer: sample(10, 8), MaxRatio: 0.25, MaxOurs: 3}, "met"},
		"too slow itself":         {Row{Ours: sample(4), Peer: sample(40), MaxRatio: 0.25, MaxOurs: 3}, "missed"},
		"too near to peer":        {Row{Ours: sample(2), Peer: sample(4), MaxRatio: 0.25, MaxOurs: 3}, "missed"},
		"no peer":                 {Row{Ours: sample(100), MaxOurs: 150}, "met"},
		"none of what may not be": {Row{Ours: sample(0, 0), None: true}, "met"},
		"one of what may not be":  {Row{Ours: sample(0, 0, 1), None: true}, "missed"},
		"peer not there":          {Row{Ours: sample(1), MaxRatio: 0.5}, "missed"},
	} {
		t.Run(name, func(t *testing.T) {
			c.row.judge()
			if c.row.Verdict != c.want {
				t.Errorf("%+v, want %s", c.row, c.want)
			}
		})
	}
}

func TestChangedHosts(t *testing.T) {
	nodes := []cluster.NodeOutput{{Name: "broker-1001"}, {Name: "broker-1002"}}
	recap := func(first, second string) string {
		return "TASK [x changed=9]\nPLAY RECAP ****\nbroker-1001 : ok=13 changed=" + first +
			" unreachable=0\nbroker-1002 : ok=13 changed=" + second + " unreachable=0\n"
	}
	for _, c := range []struct {
		text    string
		changed bool
		fails   bool
	}{
		{recap("0", "0"), false, false},
		{recap("0", "2"), true, false},
		{recap("10", "0"), true, false},
		{"PLAY RECAP ****\nbroker-1001 : ok=1 changed=0 unreachable=0\n", false, true},
		{"", false, true},
	} {
		changed, err := changedHosts(c.text, nodes)
		if changed != c.changed || (err != nil) != c.fails {
			t.Errorf("%q gives %v, %v", c.text, changed, err)
		}
	}
}

func TestPlaybookTrustsPinnedKeysOnly(t *testing.T) {
	s := &site{
		bench: &bench{source: ".."}, stack: peerStack, dir: t.TempDir(),
		volumes: map[string]string{"broker-1001": "vol-0abc"},
		outputs: cluster.Outputs{
			Bastion: cluster.SSHHost{Address: "127.0.0.9", User: "ubuntu", HostKey: "ssh-ed25519 AAAAbastion"},
			Nodes: []cluster.NodeOutput{{
				ID: 1001, Name: "broker-1001", Host: "broker-1001.x", PrivateIP: "10.0.0.4", HostKey: "ssh-ed25519 AAAAnode\n",
			}},
			BootstrapServers: []string{"broker-1001.x:9092"},
		},
	}
	if err := s.project(s.dir, s.stack, nil); err != nil {
		t.Fatal(err)
	}
	b := &playbook{site: s, dir: "/keys"}
	if got, want := b.knownHosts(), "bastion ssh-ed25519 AAAAbastion\nbroker-1001 ssh-ed25519 AAAAnode\n"; got != want {
		t.Errorf("known hosts are %q", got)
	}
	config := b.sshConfig()
	for _, want := range []string{"StrictHostKeyChecking yes", "GlobalKnownHostsFile /dev/null", "HostName 10.0.0.4\n  HostKeyAlias broker-1001\n  ProxyJump bastion"} {
		if !strings.Contains(config, want) {
			t.Errorf("ssh's configuration has no %q:\n%s", want, config)
		}
	}
	text, err := b.inventory()
	if err != nil {
		t.Fatal(err)
	}
	var inventory struct {
		Kafka struct {
			Hosts map[string]map[string]any
			Vars  map[string]any
		}
	}
	if err := yaml.Unmarshal([]byte(text), &inventory); err != nil {
		t.Fatal(err)
	}
	if got := inventory.Kafka.Hosts["broker-1001"]["data_device"]; got != "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc" {
		t.Errorf("the data disk is %v", got)
	}
	if got := inventory.Kafka.Vars["quorum_servers"]; got != "broker-1001.x:9093" {
		t.Errorf("the quorum is at %v", got)
	}
}

// A changed stack file of the lab must be noticed, not measured as it is.
func TestProjectRefusesWhatItDoesNotFind(t *testing.T) {
	b := &bench{source: ".."}
	if err := b.project(t.TempDir(), "x", map[string]string{"no such line": ""}); err == nil {
		t.Error("a line that is not there was replaced")
	}
}

func TestRollIsReadFromArtifacts(t *testing.T) {
	dir := t.TempDir()
	err := writeFiles(dir, map[string]string{
		"up.xml": `<testsuite><testcase classname="kraftstack.x.up.broker-1001" name="update configure" time="9.5"/>
<testcase classname="kraftstack.x.up.broker-1001" name="update roll" time="0.250"/>
<testcase classname="kraftstack.x.up.broker-1001" name="update roll-leader" time="8.000"/></testsuite>`,
		"events": `{"diagnosticEvent":{"message":"roll: node 1001 is healthy with generation 0123456789abcdef (gate 0.4 s, stop 2.5 s, start 4.0 s, catch-up 0.5 s)\n"}}
{"resOutputsEvent":{"metadata":{"old":{"outputs":{"stdout":"roll: node 1001 is healthy with generation fedcba9876543210 (gate 9.0 s, stop 9.0 s, start 9.0 s, catch-up 9.0 s)"}}}}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	steps, err := rollSteps(filepath.Join(dir, "up.xml"))
	if diff := cmp.Diff(map[string][]float64{"broker-1001": {0.25, 8}}, steps); diff != "" || err != nil {
		t.Errorf("steps: %v %s", err, diff)
	}
	own, err := ownTimes(filepath.Join(dir, "events"))
	if diff := cmp.Diff(map[string]float64{"1001": 7}, own); diff != "" || err != nil {
		t.Errorf("own times: %v %s", err, diff)
	}
}

func TestMoves(t *testing.T) {
	before := map[replica]int64{{"a", 0, 1}: 100, {"a", 1, 1}: 100, {"a", 2, 2}: 100, {"a", 3, 2}: 100}
	after := map[replica]int64{{"a", 0, 1}: 100, {"a", 1, 3}: 100, {"a", 2, 2}: 100, {"a", 3, 2}: 100}
	if moved, share := moves(before, after); moved != 100 || share != 133 {
		t.Errorf("%d bytes moved, and the share is %d", moved, share)
	}
}
