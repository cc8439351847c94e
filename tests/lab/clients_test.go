package lab_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kraftstack/lab/paths"
)

// clientsOfFourMakers: Kafka's own tools, librdkafka, kafka-python and franz-go
// log in with what client-config wrote, as it is, do what the rules allow and
// are refused the rest.
func clientsOfFourMakers(t *testing.T, s story, stack string) {
	libraries := s.pythonClients(t, stack)
	for user := range groups {
		for _, format := range []string{"properties", "librdkafka", "franz"} {
			s.installClient(t, stack, user, format)
		}
	}
	for user, group := range groups {
		for client, config := range map[string]string{
			"librdkafka.py":  "/tmp/clients/librdkafka/" + user + ".librdkafka.conf",
			"kafkapython.py": "/tmp/clients/franz/" + user + ".json",
		} {
			t.Run(user+" by "+client, func(t *testing.T) {
				call := libraries + client + " " + config
				if out := s.ssh(t, stack, "bastion", call+" shop.orders "+group+" 50"); strings.TrimSpace(out) != "moved 50" {
					t.Errorf("it says %q", out)
				}
				out := s.ssh(t, stack, "bastion", call+" secrets "+group+" 1 2>&1 || true")
				if !strings.Contains(out, "refused: ") || !strings.Contains(strings.ToLower(strings.ReplaceAll(out, "_", "")), "topicauthorizationfailed") {
					t.Errorf("with a forbidden topic it says %q", out)
				}
			})
		}
		t.Run(user+" by Kafka's tools", func(t *testing.T) { toolsOfUser(t, s, stack, user) })
		t.Run(user+" by franz-go", func(t *testing.T) {
			if err := s.franzLogsIn(t, stack, s.franz(t, stack, user)); err != nil {
				t.Error(err)
			}
		})
	}
}

// groups are the users, and what they read as.
var groups = map[string]string{"shop": "shop-clients", "reader": "reader", certified: "audit"}

func toolsOfUser(t *testing.T, s story, stack, user string) {
	port := 9092
	if user == certified {
		port = 9094
	}
	call := fmt.Sprintf("/opt/kafka/current/bin/kafka-console-producer.sh --bootstrap-server broker-1002.%s.kafka.internal:%d", stack, port) +
		" --command-config /tmp/clients/properties/" + user + ".properties --command-property max.block.ms=15000 --topic "
	s.ssh(t, stack, "bastion", "seq 1 10 | "+call+"shop.orders")
	if user != "shop" {
		return // one refusal is enough: the tool takes its time over it
	}
	if out := s.ssh(t, stack, "bastion", "seq 1 10 | "+call+"secrets 2>&1 || true"); !strings.Contains(out, "TopicAuthorizationException") {
		t.Errorf("with a forbidden topic the producer says %q", out)
	}
}

// installClient writes a user's configuration for the bastion and puts it there.
func (s story) installClient(t *testing.T, stack, user, format string) {
	t.Helper()
	dir, there := t.TempDir(), "/tmp/clients/"+format
	s.must(t, "client-config", "--stack", stack, "--user", user, "--format", format, "--out", dir, "--at", there)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	contents := map[string][]byte{}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", file.Name(), info.Mode())
		}
		if contents[file.Name()], err = os.ReadFile(filepath.Join(dir, file.Name())); err != nil {
			t.Fatal(err)
		}
	}
	s.send(t, stack, "bastion", there, contents)
}

// send puts files into a folder of a host.
func (s story) send(t *testing.T, stack, host, dir string, files map[string][]byte) {
	t.Helper()
	var packed bytes.Buffer
	writer := tar.NewWriter(&packed)
	for name, content := range files {
		if err := writer.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(s.binary, "ssh", host, "--stack", stack, "--", "mkdir -p "+dir+" && tar -x -C "+dir)
	c.Dir, c.Stdin = s.dir, &packed
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("send files to %s: %v\n%s", host, err, out)
	}
}

// pythonClients brings the clients in Python to the bastion, and returns the start
// of their command lines.
func (s story) pythonClients(t *testing.T, stack string) string {
	t.Helper()
	files := s.wheels(t, "clients")
	const pattern = "testdata/clients/*.py"
	programs, err := filepath.Glob(pattern)
	if err != nil || len(programs) < 2 {
		t.Fatalf("%s: %v, %v", pattern, programs, err)
	}
	for _, path := range programs {
		if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return s.sendPython(t, stack, "bastion", "/tmp/clients/python", files)
}

// wheels fetches the Python packages that a folder of testdata pins, for the
// hosts' Python 3.11.
func (s story) wheels(t *testing.T, name string) map[string][]byte {
	t.Helper()
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "wheels", name)
	pip := func(args ...string) {
		t.Helper()
		c := exec.Command(s.python(t), append([]string{"-m", "pip", "--quiet", "--disable-pip-version-check"}, args...)...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("fetch the packages of testdata/%s: %v\n%s", name, err, out)
		}
	}
	pinned := "testdata/" + name + "/requirements.txt"
	pip("download", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--python-version", "3.11",
		"--platform", "manylinux_2_34_x86_64", "--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_17_x86_64",
		"--dest", dir, "--requirement", pinned)
	// What its makers publish as source alone is pure Python.
	if source := "testdata/" + name + "/source.txt"; exists(source) {
		pip("wheel", "--no-deps", "--require-hashes", "--wheel-dir", dir, "--requirement", source)
	}
	found, err := filepath.Glob(dir + "/*.whl")
	if err != nil || len(found) < 2 {
		t.Fatalf("%s: %v, %v", dir, found, err)
	}
	files := map[string][]byte{}
	for _, path := range found {
		if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// sendPython unpacks packages on a host and returns the start of a command line
// of Python's that has them.
func (s story) sendPython(t *testing.T, stack, host, dir string, files map[string][]byte) string {
	t.Helper()
	s.send(t, stack, host, dir, files)
	s.ssh(t, stack, host, "cd "+dir+" && for wheel in *.whl; do python3 -m zipfile -e $wheel libraries; done")
	return "cd " + dir + " && PYTHONPATH=libraries python3 "
}
