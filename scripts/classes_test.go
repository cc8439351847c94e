package scripts

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// launcher stands for Kafka's: it makes an archive of the list that it is given.
const launcher = `#!/bin/bash
[[ ! -e /run/kafka/no-memory ]] || { echo 'Out of memory'; exit 1; }
[[ " $KAFKA_OPTS " =~ ' -XX:SharedClassListFile='([^ ]+)' -XX:SharedArchiveFile='([^ ]+)' ' ]] || exit 1
cp -- "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
`

// The first start tells its classes, an archive is made of them once Kafka answers, the
// next start takes it, and one after a crash does without.
func TestClassesAreArchived(t *testing.T) {
	h := running(t)
	h.write("opt/kafka/"+root+"/bin/kafka-run-class.sh", launcher, 0o755)
	if got := h.read("run/kafka/classes.env"); got != "KAFKA_OPTS=-XX:DumpLoadedClassList=/run/kafka/classes.lst\n" {
		t.Errorf("without an archive the start has %q", got)
	}
	const plain = "java/lang/Object\n@lambda-proxy kafka/Kafka$ run (Lkafka/Kafka;)Ljava/lang/Runnable; ()V REF_invokeStatic\n"
	h.write("run/kafka/classes.lst", "# a comment\n"+plain+"Evil id: 7 super: 1 source: /tmp/evil.jar\n", 0o640)
	h.run("", "classes", "--timeout=0").failed(t, "does not answer")

	kafka, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	t.Cleanup(func() { _ = kafka.Close() })
	h.write("etc/kafka/server.properties", fmt.Sprintf("listeners=CLIENT://%s\n", kafka.Addr()), 0o640)
	h.write("run/kafka/no-memory", "", 0o644)
	h.run("", "classes").failed(t, "Java makes no archive of 2 classes and lambdas: Out of memory; next: nothing is lost")
	h.must(os.Remove(h.path("run/kafka/no-memory")))
	h.run("", "classes").good(t)
	h.run("", "classes").good(t)
	h.inside("/opt/kafka-node", "activate")
	option, archive, _ := strings.Cut(strings.TrimSpace(h.read("run/kafka/classes.env")), "/")
	if option != "KAFKA_OPTS=-XX:SharedArchiveFile=" {
		t.Fatalf("with an archive the start has %q", option)
	}
	if got := h.read(archive); got != plain {
		t.Errorf("the archive is made of %q, want %q", got, plain)
	}

	h.write("bin/systemctl", strings.Replace(systemctl, "echo 0 ;;", "echo 1 ;;", 1), 0o755)
	h.inside("/opt/kafka-node", "activate")
	if got := h.read("run/kafka/classes.env"); got != "KAFKA_OPTS=\n" {
		t.Errorf("after a crash the start has %q", got)
	}
}
