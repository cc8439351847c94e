package scripts

import (
	"path/filepath"
	"strings"
	"testing"
)

// What the image's Kafka was proven to be counts once: after that somebody may have
// been on the host.
func TestInstallTrustsASealOnce(t *testing.T) {
	h, d := newHost(t), serve(t)
	d.install(h).good(t)
	jar := "opt/kafka/" + root + "/libs/kafka.jar"
	h.write(jar, "changed", 0o644)
	h.write("var/lib/kraftstack/proven", "4.3.0 "+d.sum+"\n", 0o644)
	if got := d.install(h); !strings.Contains(got.stdout, "Kafka 4.3.0 is here") || h.exists("var/lib/kraftstack/proven") {
		t.Errorf("the first install says %s", got.stdout)
	}
	if got := d.install(h); !strings.Contains(got.stdout, "files were changed: installing it anew") || len(h.read(jar)) != 1<<20 {
		t.Errorf("the second install says %s", got.stdout)
	}
	h.write(jar, "changed", 0o644)
	h.write("var/lib/kraftstack/proven", "4.3.0 "+strings.Repeat("a", 128)+"\n", 0o644)
	if got := d.install(h); !strings.Contains(got.stdout, "installing it anew") {
		t.Errorf("another archive's proof was taken: %s", got.stdout)
	}
}

// On a host of an image that was sealed there is no need to wait for cloud-init's
// last stages, but for those that write its files there is.
func TestASealedHostWaitsForItsFiles(t *testing.T) {
	h := newHost(t)
	const old = `{"v1": {"init": {"errors": [], "finished": 12.5, "start": 12.1}, "stage": "modules-config"}}`
	const now = `{"v1": {"init": {"errors": [], "finished": 12.5, "recoverable_errors": {}, "start": 12.1}}}`
	for _, c := range []struct {
		name, status, want string
		sealed             bool
	}{
		{"done", old, "yes", true},
		{"done, as newer ones say it", now, "yes", true},
		{"not sealed", old, "no", false},
		{"not begun", `{"v1": {"init": {"errors": [], "finished": null, "start": null}}}`, "no", true},
		{"failed", `{"v1": {"init": {"errors": ["('bootcmd', ProcessExecutionError)"], "finished": 12.5}}}`, "no", true},
		{"another stage", `{"v1": {"init": {"errors": [], "finished": null}, "init-local": {"errors": [], "finished": 9.1}}}`, "no", true},
	} {
		h.write("run/cloud-init/status.json", c.status, 0o644)
		h.inside("rm", "-f", "/var/lib/kraftstack/sealed")
		if c.sealed {
			h.write("var/lib/kraftstack/sealed", "", 0o644)
		}
		functionsAnd(t, "if files_are_written; then echo yes; else echo no; fi", filepath.Join(h.dir, "opt/lines"))
		out, err := h.namespaced("bash", "/opt/lines").Output()
		h.must(err)
		if got := strings.TrimSpace(string(out)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A file is right only where it is the wanted text and nothing more.
func TestFilesThatDifferAreWritten(t *testing.T) {
	h := newHost(t)
	for content, want := range map[string]string{
		"a\nb\n": "kept", "a\nb": "written", "a\nb\n\n": "written", "a\nb\n\x00": "written", "": "written", "a\n\x00b\n": "written",
	} {
		h.write("etc/f", content, 0o644)
		functionsAnd(t, "write_if_changed /etc/f 0644 root:root <<<$'a\\nb' && echo written || echo kept", filepath.Join(h.dir, "opt/lines"))
		out, err := h.namespaced("bash", "/opt/lines").Output()
		h.must(err)
		if got := strings.TrimSpace(string(out)); got != want || h.read("etc/f") != "a\nb\n" {
			t.Errorf("%q: %s, want %s; then %q", content, got, want, h.read("etc/f"))
		}
	}
}
