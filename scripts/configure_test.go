package scripts

import (
	"os"
	"strings"
	"testing"
)

const (
	cluster   = "-rT6wJ0pQQqfapcp5Q7Nyw"
	directory = "e-0mCJpGQzKPWIJldaYuvw"
)

const document = `# kraftstack document 1
=== /etc/kafka/server.properties 0640 root:kafka
node.id=1001
process.roles=broker,controller
listeners=CLIENTS://0.0.0.0:9092
log.dirs=/var/lib/kafka/data
=== /etc/systemd/system/kafka.service 0644 root:root
[Service]
=== /etc/kafka/jvm.env 0644 root:root
KAFKA_VERSION=4.3.0
=== /etc/kafka/generation 0644 root:root
00000000000000aa
`

// storage stands for kafka-storage.sh: it formats as that does, and dies half way
// where it is told to.
const storage = `#!/bin/bash
for a in "$@"; do case $a in
  --cluster-id=*) id=${a#*=} ;;
  --config=*) config=${a#*=} ;;
  --initial-controllers=*) directory=${a##*:} ;;
  @*) admin=$(sed -n '1{/^--add-scram$/!q};2p' "${a#@}") ;;
esac; done
dir=$(sed -n 's/^log.dirs=//p' "$config")
node=$(sed -n 's/^node.id=//p' "$config")
printf 'node.id=%s\ndirectory.id=%s\nversion=1\ncluster.id=%s\n' "$node" "${directory:-random}" "$id" >"$dir/meta.properties"
if [ -e /opt/die ]; then echo 'ERROR out of luck' >&2; exit 1; fi
touch "$dir/bootstrap.checkpoint"
if [ -n "$admin" ]; then echo "$admin" >"$dir/admin"; fi
`

func configurable(t *testing.T) *host {
	t.Helper()
	h := prepared(t)
	h.write("opt/kafka/"+root+"/bin/kafka-storage.sh", storage, 0o755)
	h.inside("bash", "-c", "cd /opt/kafka/"+root+" && sha256sum ./bin/* >.kraftstack-contents && echo sum >.kraftstack-complete")
	return h
}

func (h *host) configure(document string, more ...string) result {
	h.t.Helper()
	return h.run(document, append([]string{"configure", "--node-id=1001", "--cluster-id=" + cluster,
		"--initial-controllers=1001@broker-1001:9093:" + directory, "--directory-id=" + directory, "--volume-id=vol-01", "--instance=i-01"}, more...)...)
}

func TestConfigureMakesANewNodeOnce(t *testing.T) {
	h := configurable(t)
	h.configure(document, "--new").good(t)
	if got := h.read("/var/lib/kafka/data/meta.properties"); !strings.Contains(got, "directory.id="+directory) || !strings.Contains(got, "cluster.id="+cluster) {
		t.Errorf("formatted as\n%s", got)
	}
	info, err := os.Stat(h.path("etc/kafka/server.properties"))
	h.must(err)
	if info.Mode().Perm() != 0o640 {
		t.Errorf("server.properties has mode %o", info.Mode().Perm())
	}
	again := h.configure(document)
	again.good(t)
	if strings.Contains(again.stdout, "wrote") || strings.Contains(h.read("calls"), "restart") {
		t.Errorf("a second run did something:\n%s", again.stdout)
	}
	h.noJunk()
}

func TestConfigureRemovesWhatTheDocumentNoLongerHas(t *testing.T) {
	h := configurable(t)
	extra := document + "=== /etc/kafka/extra.properties 0644 root:root\na=1\n"
	h.configure(extra, "--new").good(t)
	h.configure(document).good(t)
	if h.exists("etc/kafka/extra.properties") {
		t.Error("the file is still there")
	}
}

func TestConfigureRefusesWrongDisks(t *testing.T) {
	h := configurable(t)
	h.configure(document, "--lost-disks=1").failed(t, "is empty, and the data of node 1001 was expected", "lostDisks: {", ": 2} below kraftstack:hosts")
	h.write("/var/lib/kafka/data/topic-0/log", "x", 0o644)
	h.configure(document, "--new").failed(t, "no meta.properties")
	h.write("/var/lib/kafka/data/meta.properties", "node.id=1002\ncluster.id="+cluster+"\n", 0o644)
	h.configure(document, "--new").failed(t, "it has node.id 1002, not 1001")
	if strings.Contains(h.read("calls"), "start kafka") {
		t.Error("Kafka was started on a wrong disk")
	}
}

func TestConfigureFormatsAllOrNothing(t *testing.T) {
	h := configurable(t)
	h.write("opt/die", "", 0o644)
	h.configure(document, "--new").failed(t, "out of luck", "could not format")
	if h.exists("/var/lib/kafka/data/meta.properties") {
		t.Error("half a format counts as one")
	}
	h.must(os.Remove(h.path("opt/die")))
	h.configure(document, "--new").good(t)
	if !h.exists("/var/lib/kafka/data/bootstrap.checkpoint") {
		t.Error("the storage is not whole")
	}
}

func TestConfigureRefusesDocumentsItDoesNotUnderstand(t *testing.T) {
	h := configurable(t)
	for name, c := range map[string]struct{ document, want string }{
		"version":   {"# kraftstack document 2\n", "not with '# kraftstack document 1'"},
		"empty":     {"# kraftstack document 1\n", "no file in it"},
		"elsewhere": {document + "=== /etc/passwd 0644 root:root\n", "/etc/passwd, which is not Kafka's"},
		"dots":      {document + "=== /etc/kafka/../passwd 0644 root:root\n", "which is not Kafka's"},
		"mode":      {document + "=== /etc/kafka/x 644 root:root\n", "which is no '=== PATH MODE OWNER:GROUP'"},
		"owner":     {document + "=== /etc/kafka/x 0644 root:nobodyhome\n", "which this host does not know"},
		"twice":     {document + "=== /etc/kafka/generation 0644 root:root\n", "twice"},
		"text":      {"# kraftstack document 1\nx\n", "before its first file"},
		"version-x": {strings.Replace(document, "4.3.0", "4.3.1", 1), "Kafka 4.3.1 is not installed"},
	} {
		h.configure(c.document, "--new").failed(t, c.want)
		if h.exists("etc/kafka/server.properties") {
			t.Errorf("%s: a refused document was written in part", name)
		}
	}
}

func TestRollLeavesANodeAloneThatRunsTheGeneration(t *testing.T) {
	h := configurable(t)
	h.configure(document, "--new").good(t)
	h.inside("/opt/kafka-node", "activate")
	h.run("", "roll", "--generation=00000000000000aa", "--node-id=1001").good(t)
	if strings.Contains(h.read("calls"), "restart") {
		t.Error("it was restarted")
	}
	h.run("", "roll", "--generation=00000000000000bb", "--node-id=1001").
		failed(t, "is configured for generation 00000000000000aa, not 00000000000000bb")
}

func TestRollRefusesAHostThatWasChangedByHand(t *testing.T) {
	h := running(t)
	h.configure(strings.ReplaceAll(document, "00000000000000aa", "00000000000000bb")).good(t)
	h.write("etc/kafka/jvm.env", "KAFKA_VERSION=4.3.0\nKAFKA_OPTS=-Dx\n", 0o644)
	h.write("etc/systemd/system/kafka.service.d/override.conf", "[Service]\nUser=root\n", 0o644)
	h.run("", "roll", "--generation=00000000000000bb", "--node-id=1001").
		endedWith(t, 9, "was changed by hand: /etc/kafka/jvm.env /etc/systemd/system/kafka.service.d/override.conf; next: ", "kraftstack up --repair")
	if strings.Contains(h.read("calls"), "restart") {
		t.Error("it was restarted")
	}
}
