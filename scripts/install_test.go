package scripts

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const root = "kafka_2.13-4.3.0"

// downloads serves an archive and its checksum file, and counts the requests.
type downloads struct {
	*httptest.Server
	archive  []byte
	sum      string
	checksum string // content of URL.sha512
	// signature is the content of URL.asc; empty: there is none.
	signature string
	asked     atomic.Int64
	// hurt, where set, answers a request for the archive instead.
	hurt func(w http.ResponseWriter, n int64)
}

func serve(t *testing.T) *downloads {
	t.Helper()
	d := &downloads{}
	d.archive, d.sum = archive(t, map[string]string{
		root + "/bin/kafka-server-start.sh": "#!/bin/bash\n",
		root + "/libs/kafka.jar":            strings.Repeat("x", 1<<20),
	})
	d.checksum = d.sum + "  " + root + ".tgz\n"
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := d.asked.Add(1)
		switch {
		case strings.HasSuffix(r.URL.Path, ".sha512"):
			fmt.Fprint(w, d.checksum)
		case strings.HasSuffix(r.URL.Path, ".asc"):
			if d.signature == "" {
				w.WriteHeader(http.StatusNotFound)
			}
			fmt.Fprint(w, d.signature)
		case d.hurt != nil:
			d.hurt(w, n)
		default:
			_, _ = w.Write(d.archive)
		}
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *downloads) url() string { return d.URL + "/" + root + ".tgz" }

func (d *downloads) install(h *host, more ...string) result {
	h.t.Helper()
	return h.run("", append([]string{"install", "--version=4.3.0", "--url=" + d.url(), "--retry-seconds=1"}, more...)...)
}

func TestInstallUnpacksOnceAndLeavesNothingElse(t *testing.T) {
	h, d := newHost(t), serve(t)
	d.install(h, "--sha512="+strings.ToUpper(d.sum)).good(t)
	if got := h.read("opt/kafka/" + root + "/.kraftstack-complete"); got != d.sum+"\n" {
		t.Errorf("the marker holds %q", got)
	}
	info, err := os.Stat(h.path("opt/kafka/" + root + "/bin/kafka-server-start.sh"))
	h.must(err)
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 || info.Mode().Perm() != 0o755 {
		t.Errorf("unpacked files belong to %d with mode %o", owner, info.Mode().Perm())
	}
	h.noJunk()
	asked := d.asked.Load()
	d.install(h, "--sha512="+d.sum).good(t)
	d.install(h).good(t)
	if d.asked.Load() != asked {
		t.Error("an installed version was asked for again")
	}
	d.install(h, "--sha512="+strings.Repeat("a", 128)).failed(t, "is installed from an archive with SHA-512 "+d.sum)
}

func TestInstallReadsBothFormsOfAPublishedChecksum(t *testing.T) {
	for name, form := range map[string]func(sum string) string{
		"plain": func(sum string) string { return sum + "  " + root + ".tgz\n" },
		"gpg": func(sum string) string {
			text, upper := root+".tgz:", strings.ToUpper(sum)
			for i := 0; i < 128; i += 8 {
				if i == 64 {
					text += "\n              "
				}
				text += " " + upper[i:i+8]
			}
			return text + "\n"
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, d := newHost(t), serve(t)
			d.checksum = form(d.sum)
			d.install(h).good(t)
			d.checksum = "<html>not found</html>"
			h.must(os.RemoveAll(h.path("opt/kafka/" + root)))
			d.install(h).failed(t, ".sha512 holds no SHA-512")
		})
	}
}

func TestInstallActivatesOnABastion(t *testing.T) {
	h, d := newHost(t), serve(t)
	d.install(h, "--activate").good(t)
	link, err := os.Readlink(h.path("opt/kafka/current"))
	if err != nil || link != root {
		t.Errorf("current points to %q, %v", link, err)
	}
	if profile := h.read("etc/profile.d/kafka.sh"); !strings.Contains(profile, "/opt/kafka/current/bin") {
		t.Errorf("the PATH is left as it was:\n%s", profile)
	}
	h.noJunk()
}

func TestInstallRefusesTheWrongArchive(t *testing.T) {
	h, d := newHost(t), serve(t)
	wrong := strings.Repeat("0", 128)
	d.install(h, "--sha512="+wrong).failed(t, d.url(), "expected "+wrong, "got "+d.sum)
	if h.exists("opt/kafka/" + root) {
		t.Error("an archive with the wrong checksum was unpacked")
	}
	d.archive, d.sum = archive(t, map[string]string{"apache-pulsar/README": "x"})
	d.install(h, "--sha512="+d.sum).failed(t, "holds no "+root+"/bin/kafka-server-start.sh", "apache-pulsar")
	h.noJunk()
}

func TestInstallSaysWhyNothingCameDown(t *testing.T) {
	h, d := newHost(t), serve(t)
	d.hurt = func(w http.ResponseWriter, _ int64) { w.WriteHeader(http.StatusNotFound) }
	d.install(h).failed(t, d.url(), "404", "correct the address")
	if asked := d.asked.Load(); asked != 2 {
		t.Errorf("a server that says no was asked %d times", asked-1)
	}
	d.hurt = func(w http.ResponseWriter, _ int64) { w.WriteHeader(http.StatusServiceUnavailable) }
	d.install(h).failed(t, d.url(), "503", "check that the server runs")

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	gone := "http://" + listener.Addr().String() + "/kafka.tgz"
	h.must(listener.Close())
	h.run("", "install", "--version=4.3.0", "--url="+gone, "--retry-seconds=1").
		failed(t, gone, "onnect", "check that the server runs")
	h.noJunk()
}

func TestInstallTriesACutDownloadAgain(t *testing.T) {
	h, d := newHost(t), serve(t)
	d.hurt = func(w http.ResponseWriter, n int64) {
		w.Header().Set("Content-Length", fmt.Sprint(len(d.archive)))
		if n > 2 {
			_, _ = w.Write(d.archive)
			return
		}
		_, _ = w.Write(d.archive[:100])
	}
	h.run("", "install", "--version=4.3.0", "--url="+d.url(), "--sha512="+d.sum, "--retry-seconds=20").good(t)
	if asked := d.asked.Load(); asked != 3 {
		t.Errorf("asked %d times, want 3", asked)
	}
	h.noJunk()
}

func TestInstallGoesOnAfterItWasKilled(t *testing.T) {
	h, d := newHost(t), serve(t)
	begun, hang := make(chan struct{}), make(chan struct{})
	d.hurt = func(w http.ResponseWriter, n int64) {
		w.Header().Set("Content-Length", fmt.Sprint(len(d.archive)))
		_, _ = w.Write(d.archive[:len(d.archive)/2])
		w.(http.Flusher).Flush()
		close(begun)
		<-hang
	}
	cmd := h.start("", "install", "--version=4.3.0", "--url="+d.url(), "--sha512="+d.sum)
	select {
	case <-begun:
	case <-t.Context().Done():
	case <-time.After(20 * time.Second):
		close(hang)
		h.kill(cmd)
		t.Fatalf("no download was begun: %s", cmd.Stderr)
	}
	h.kill(cmd)
	close(hang)
	if h.exists("opt/kafka/" + root) {
		t.Error("half a download was unpacked")
	}
	d.hurt = nil
	d.install(h, "--sha512="+d.sum).good(t)
	h.noJunk()
}

// Where apt looks is the stack's to say, and the image's again where it says
// nothing.
func TestInstallLeadsAptToTheMirror(t *testing.T) {
	h, d := newHost(t), serve(t)
	targets := func() string {
		out, err := h.namespaced("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)").Output()
		h.must(err)
		return string(out)
	}
	before := targets()
	d.install(h, "--apt-sources=deb http://mirror.example/a noble main|deb [arch=amd64] http://mirror.example/b noble-security main").good(t)
	for line := range strings.Lines(targets()) {
		if !strings.HasPrefix(line, "http://mirror.example/a noble") && !strings.HasPrefix(line, "http://mirror.example/b noble-security") {
			t.Errorf("apt also looks at %s", line)
		}
	}
	h.write("etc/apt/kraftstack.list", "", 0o644)
	if found := h.drift("--bastion"); !slices.Contains(found, "file /etc/apt/kraftstack.list: its content was changed") {
		t.Errorf("found %q", found)
	}
	d.install(h).good(t)
	if after := targets(); after != before || h.exists("etc/apt/kraftstack.list") {
		t.Errorf("without a mirror apt looks at\n%s\nand before it looked at\n%s", after, before)
	}
	if found := h.drift("--bastion"); slices.ContainsFunc(found, func(one string) bool { return strings.Contains(one, "apt") }) {
		t.Errorf("what is gone is missed: %q", found)
	}
	if got := d.install(h, "--apt-sources=http://mirror.example"); got.code != 2 {
		t.Errorf("a line of another form ended with %d", got.code)
	}
}

// Whatever updates a host takes, none of them restarts Kafka, changes its Java or
// reboots.
func TestInstallKeepsUpdatesAwayFromKafka(t *testing.T) {
	h, d := newHost(t), serve(t)
	h.write("bin/unattended-upgrade", "#!/bin/sh\n", 0o755)
	const needrestart, apt = "etc/needrestart/conf.d/60-kraftstack.conf", "etc/apt/apt.conf.d/60kraftstack-updates"
	for how, daily := range map[string]string{"image": "", "security": `"1"`, "none": `"0"`} {
		d.install(h, "--updates="+how).good(t)
		if !strings.Contains(h.read(needrestart), `qr(^kafka\.service$)} = 0;`) {
			t.Errorf("%s: needrestart may restart Kafka:\n%s", how, h.read(needrestart))
		}
		// apt itself tells what it makes of the file.
		out, err := h.namespaced("apt-config", "dump").Output()
		h.must(err)
		for _, want := range []string{`Unattended-Upgrade::Automatic-Reboot "false";`, `Unattended-Upgrade::Package-Blacklist:: "openjdk-";`} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: apt has no %s", how, want)
			}
		}
		if daily != "" && !strings.Contains(string(out), "APT::Periodic::Unattended-Upgrade "+daily+";") {
			t.Errorf("%s: apt does not go by it:\n%s", how, out)
		}
	}
	if got := h.run("", "install", "--version=4.3.0", "--url="+d.url(), "--updates=all"); got.code != 2 {
		t.Errorf("an unknown kind of updates ended with %d", got.code)
	}
}
