package scripts

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// drift is what check finds on a host, as "kind what: why".
func (h *host) drift(more ...string) []string {
	h.t.Helper()
	got := h.run("", append([]string{"check"}, more...)...)
	var report struct {
		OK    bool
		Drift []struct{ Kind, What, Why string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil {
		h.t.Fatalf("check printed no JSON, %v: %s%s", err, got.stdout, got.stderr)
	}
	if differs := len(report.Drift) > 0; report.OK == differs || (got.code == 3) != differs {
		h.t.Errorf("check ended with %d and says ok %v of %d findings", got.code, report.OK, len(report.Drift))
	}
	var found []string
	for _, d := range report.Drift {
		found = append(found, fmt.Sprintf("%s %s: %s", d.Kind, d.What, d.Why))
	}
	return found
}

// running is a configured host whose Kafka was started.
func running(t *testing.T) *host {
	t.Helper()
	h := configurable(t)
	h.configure(document, "--new").good(t)
	h.inside("/opt/kafka-node", "activate")
	if found := h.drift(); len(found) > 0 {
		t.Fatalf("a host that nobody has touched differs: %v", found)
	}
	return h
}

func TestCheckFindsWhatWasChangedByHand(t *testing.T) {
	h := running(t)
	compare := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, h.drift()); diff != "" {
			t.Errorf("what is found (-want +got):\n%s", diff)
		}
	}
	kafka := "opt/kafka/" + root
	h.write("etc/kafka/jvm.env", "KAFKA_VERSION=4.3.0\nKAFKA_OPTS=-Dx\n", 0o644)
	h.must(os.Chmod(h.path("etc/kafka/server.properties"), 0o644))
	h.must(os.Chmod(h.path("etc/kafka"), 0o777))
	h.write("etc/systemd/system/kafka.service.d/override.conf", "[Service]\nUser=root\n", 0o644)
	h.write("sockets", `tcp LISTEN 0 5 [::]:7777 [::]:* users:(("nc",pid=77,fd=3))`+"\n", 0o644)
	h.write("bin/sshd", strings.Replace(sshd, "passwordauthentication no", "passwordauthentication yes", 1), 0o755)
	h.write(kafka+"/libs/evil.jar", "x", 0o644)
	h.write("run/kafka/generation", "altered\n", 0o644)
	compare(
		"file /etc/kafka/server.properties: it is 0644 root:kafka, not 0640 root:kafka",
		"file /etc/kafka/jvm.env: its content was changed",
		"sshd passwordauthentication: it is yes, not no",
		"mode /etc/kafka: it is 0777 root:root, not 0755 root:root",
		"unit /etc/systemd/system/kafka.service.d/override.conf: it changes kafka.service, and is not of the stack",
		"generation kafka.service: it runs generation altered, and 00000000000000aa is wanted",
		"listener tcp [::]:7777: nc (process 77) listens there",
		"version /"+kafka+": files were added or removed",
	)
	for _, gone := range []string{"etc/kafka/server.properties", "sockets", kafka + "/libs/evil.jar", "etc/systemd/system/kafka.service.d/override.conf", "active"} {
		h.must(os.Remove(h.path(gone)))
	}
	h.must(os.Chmod(h.path("etc/kafka"), 0o755))
	h.write("bin/sshd", sshd, 0o755)
	h.write(kafka+"/bin/kafka-storage.sh", "x", 0o755)
	compare(
		"file /etc/kafka/server.properties: it is missing",
		"file /etc/kafka/jvm.env: its content was changed",
		"service kafka.service: it is inactive",
		// Without server.properties no port is known to be Kafka's.
		"listener tcp *:9092: java (process 91) listens there",
		"version /"+kafka+": files were changed",
	)
}

// A bastion has no Kafka to look for.
func TestCheckOfABastion(t *testing.T) {
	h, d := newHost(t), serve(t)
	d.install(h, "--activate").good(t)
	if found, want := h.drift("--bastion"), []string{"listener tcp *:9092: java (process 91) listens there"}; !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
	h.must(os.Remove(h.path("etc/profile.d/kafka.sh")))
	if found := h.drift("--bastion"); !slices.Contains(found, "file /etc/profile.d/kafka.sh: it is missing") {
		t.Errorf("found %q", found)
	}
}

// What starts on a host that was changed is no generation of the stack's, and
// what was changed goes away: so the next roll restarts it.
func TestAChangedHostRunsNoGeneration(t *testing.T) {
	h := running(t)
	h.write("etc/systemd/system/kafka.service.d/override.conf", "[Service]\nUser=root\n", 0o644)
	h.inside("/opt/kafka-node", "activate")
	if got := h.read("run/kafka/generation"); got != "altered\n" {
		t.Errorf("it runs as generation %q", got)
	}
	h.configure(document).good(t)
	if h.exists("etc/systemd/system/kafka.service.d/override.conf") {
		t.Error("the override is still there")
	}
	h.inside("/opt/kafka-node", "activate")
	if found := h.drift(); len(found) > 0 {
		t.Errorf("after configure it still differs: %q", found)
	}
}

// A version whose files were changed is fetched again, and what runs from it is
// not trusted any more.
func TestInstallMendsAChangedVersion(t *testing.T) {
	h, d := newHost(t), serve(t)
	d.install(h, "--activate").good(t)
	h.write("opt/kafka/"+root+"/libs/evil.jar", "x", 0o644)
	h.write("run/kafka/generation", "00000000000000aa\n", 0o644)
	d.install(h).good(t)
	if h.exists("opt/kafka/" + root + "/libs/evil.jar") {
		t.Error("the strange file is still there")
	}
	if h.exists("run/kafka/generation") {
		t.Error("the running process still counts as one of the wanted generation")
	}
	h.noJunk()
}
