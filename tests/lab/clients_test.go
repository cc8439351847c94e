package lab_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"kraftstack/internal/automation"
	"kraftstack/internal/cluster"
	"kraftstack/lab/paths"
)

// clientsOfFourMakers: Kafka's own tools, librdkafka, kafka-python and franz-go
// log in with what client-config wrote, as it is, do what the rules allow and
// are refused the rest.
func clientsOfFourMakers(t *testing.T, s story, stack string) {
	libraries := s.pythonClients(t, stack)
	for _, user := range []string{"shop", "reader"} {
		for _, format := range []string{"properties", "librdkafka", "franz"} {
			s.installClient(t, stack, user, format)
		}
	}
	group := map[string]string{"shop": "shop-clients", "reader": "reader"}
	for _, user := range []string{"shop", "reader"} {
		for client, config := range map[string]string{
			"librdkafka.py":  "/tmp/clients/librdkafka/" + user + ".librdkafka.conf",
			"kafkapython.py": "/tmp/clients/franz/" + user + ".json",
		} {
			t.Run(user+" by "+client, func(t *testing.T) {
				call := libraries + client + " " + config
				if out := s.ssh(t, stack, "bastion", call+" shop.orders "+group[user]+" 50"); strings.TrimSpace(out) != "moved 50" {
					t.Errorf("it says %q", out)
				}
				out := s.ssh(t, stack, "bastion", call+" secrets "+group[user]+" 1 2>&1 || true")
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

func toolsOfUser(t *testing.T, s story, stack, user string) {
	call := "/opt/kafka/current/bin/kafka-console-producer.sh --bootstrap-server broker-1002." + stack +
		".kafka.internal:9092 --command-config /tmp/clients/properties/" + user + ".properties --command-property max.block.ms=15000 --topic "
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
	s.send(t, stack, there, contents)
}

// send puts files into a folder of the bastion.
func (s story) send(t *testing.T, stack, dir string, files map[string][]byte) {
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
	c := exec.Command(s.binary, "ssh", "bastion", "--stack", stack, "--", "mkdir -p "+dir+" && tar -x -C "+dir)
	c.Dir, c.Stdin = s.dir, &packed
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("send files to the bastion: %v\n%s", err, out)
	}
}

// pythonClients brings the clients in Python to the bastion, for its Python
// 3.11, and returns the start of their command lines.
func (s story) pythonClients(t *testing.T, stack string) string {
	t.Helper()
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	const here = "testdata/clients"
	wheels := filepath.Join(cache, "kafka-clients")
	c := exec.Command(s.python(t), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
		"--only-binary", ":all:", "--python-version", "3.11", "--platform", "manylinux_2_28_x86_64", "--dest", wheels, "--requirement", here+"/requirements.txt")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("fetch the clients: %v\n%s", err, out)
	}
	files := map[string][]byte{}
	for _, pattern := range []string{wheels + "/*.whl", here + "/*.py"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) < 2 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		for _, path := range found {
			if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.send(t, stack, "/tmp/clients/python", files)
	s.ssh(t, stack, "bastion", "cd /tmp/clients/python && for wheel in *.whl; do python3 -m zipfile -e $wheel libraries; done")
	return "cd /tmp/clients/python && PYTHONPATH=libraries python3 "
}

// franzSettings is the JSON form of client-config.
type franzSettings struct {
	SeedBrokers []string
	TLS         struct{ CAFile, CertFile, KeyFile string }
	SASL        *struct{ Mechanism, User, Password string }
}

// franz is a user's configuration for franz-go.
func (s story) franz(t *testing.T, stack, user string) franzSettings {
	t.Helper()
	dir := t.TempDir()
	path := strings.TrimSpace(s.must(t, "client-config", "--stack", stack, "--user", user, "--format", "franz", "--out", dir))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var settings franzSettings
	if err := json.Unmarshal(text, &settings); err != nil {
		t.Fatal(err)
	}
	return settings
}

// franzLogsIn writes a record as that user, and is refused another topic.
func (s story) franzLogsIn(t *testing.T, stack string, settings franzSettings) error {
	t.Helper()
	trusted := x509.NewCertPool()
	if ca, err := os.ReadFile(settings.TLS.CAFile); err != nil || !trusted.AppendCertsFromPEM(ca) {
		t.Fatalf("read the authority: %v", err)
	}
	for _, variable := range s.environment(t) { // the lab's state
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	out, err := automation.Outputs(t.Context(), s.dir, stack)
	if err != nil {
		t.Fatal(err)
	}
	tunnel, err := cluster.Dial(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	defer tunnel.Close()
	login := scram.Auth{User: settings.SASL.User, Pass: settings.SASL.Password}
	client, err := kgo.NewClient(kgo.SeedBrokers(settings.SeedBrokers...), kgo.SASL(login.AsSha512Mechanism()),
		kgo.RecordDeliveryTimeout(10*time.Second), kgo.RequiredAcks(kgo.AllISRAcks()),
		// The one thing that is not the client's own: the way into the lab's network.
		kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := tunnel.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			host, _, _ := net.SplitHostPort(address)
			return tls.Client(conn, &tls.Config{RootCAs: trusted, ServerName: host, MinVersion: tls.VersionTLS12}), nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: "shop.orders", Value: []byte("franz")}).FirstErr(); err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: "secrets", Value: []byte("franz")}).FirstErr(); err == nil {
		t.Errorf("%s may write to a topic that no rule names", settings.SASL.User)
	}
	return nil
}
