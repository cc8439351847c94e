package scripts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// host is a place where the real verbs run with their real paths: a mount
// namespace of its own whose /etc, /opt, /run, /var/lib, /var/log and /tmp are folders of
// the test. Only systemd, and what answers for the machine, are stand-ins, as no second one can run there; the lab's
// stories run the toolkit under a real one.
type host struct {
	t   *testing.T
	dir string
}

// enter lays the host's folders over the machine's and runs the toolkit.
const enter = `set -e
export HOST_TEST=/run/host-test
mkdir -p "$0/run/host-test"
mount --bind "$0" "$0/run/host-test"
for at in etc opt var/cache var/lib var/log; do mount --bind "$0/$at" "/$at"; done
if [ -e "$0/disk" ]; then mkdir -p /var/lib/kafka; mount --bind "$0/disk" /var/lib/kafka; fi
mount --rbind "$0/run" /run
mount --bind /run/host-test/tmp /tmp
export PATH="/run/host-test/bin:$PATH"
exec "$@"
`

// systemctl notes its calls and knows one unit, which runs or does not.
const systemctl = `#!/bin/bash
here=$HOST_TEST
echo "$*" >>"$here/calls"
case $* in
  *is-active*) [ -e "$here/active" ] ;;
  start*|restart*) touch "$here/active" ;;
  *ActiveState*) if [ -e "$here/active" ]; then echo active; else echo inactive; fi ;;
  *LoadState*) echo loaded ;;
  *FragmentPath*) echo /etc/systemd/system/kafka.service ;;
  *UnitFileState*) echo enabled ;;
  *NRestarts*) echo 0 ;;
esac
`

// sshd and ss tell of a host as it should be, and of what a test adds.
const (
	sshd = `#!/bin/bash
printf '%s\n' 'passwordauthentication no' 'kbdinteractiveauthentication no' 'permitrootlogin no' 'permitemptypasswords no' \
  'authenticationmethods publickey' 'hostkey /etc/ssh/ssh_host_ed25519_key' 'allowagentforwarding no' 'x11forwarding no'
`
	ss = `#!/bin/bash
cat <<'TABLE' - "$HOST_TEST/sockets" 2>/dev/null
tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=90,fd=3))
tcp LISTEN 0 50 *:9092 *:* users:(("java",pid=91,fd=140))
tcp LISTEN 0 4096 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=92,fd=14))
udp UNCONN 0 0 10.0.0.4%ens5:68 0.0.0.0:* users:(("systemd-network",pid=93,fd=22))
udp UNCONN 0 0 [::1]:323 [::]:* users:(("chronyd",pid=94,fd=6))
TABLE
`
)

func newHost(t *testing.T) *host {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	h := &host{t, t.TempDir()}
	for _, dir := range []string{"opt", "run", "tmp", "var/cache/kafka", "var/lib", "var/log", "bin"} {
		h.must(os.MkdirAll(h.path(dir), 0o755))
	}
	h.must(os.Chmod(h.path("tmp"), 0o777|os.ModeSticky))
	// Those above are private, and the user kafka has to get through.
	for dir := h.dir; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		h.must(os.Chmod(dir, 0o755))
	}
	h.command("cp", "-a", "/etc", h.path("etc"))
	h.write("opt/kafka-node", Bundle(), 0o755)
	h.write("bin/systemctl", systemctl, 0o755)
	h.write("bin/sshd", sshd, 0o755)
	h.write("bin/ss", ss, 0o755)
	return h
}

// prepared is a host as kafka-node prepare leaves it, with an empty data disk.
func prepared(t *testing.T) *host {
	t.Helper()
	h := newHost(t)
	h.must(os.MkdirAll(h.path("disk"), 0o755))
	h.inside("bash", "-c", "getent passwd kafka >/dev/null || { groupadd -r kafka && useradd -r -g kafka -M kafka; }; install -d -o kafka -g kafka -m 0750 /var/lib/kafka/data /var/log/kafka; install -d -g kafka -m 0750 /etc/kafka/tls")
	return h
}

type result struct {
	code           int
	stdout, stderr string
}

// run calls the toolkit with a standard input.
func (h *host) run(stdin string, args ...string) result {
	h.t.Helper()
	cmd := h.start(stdin, args...)
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatalf("run kafka-node: %v", err)
	}
	return result{cmd.ProcessState.ExitCode(), cmd.Stdout.(*bytes.Buffer).String(), cmd.Stderr.(*bytes.Buffer).String()}
}

func (h *host) start(stdin string, args ...string) *exec.Cmd {
	h.t.Helper()
	cmd := h.namespaced(append([]string{"/opt/kafka-node"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	h.must(cmd.Start())
	return cmd
}

// kill ends a run and all that it started, with no chance to tidy up.
func (h *host) kill(cmd *exec.Cmd) {
	h.t.Helper()
	h.must(syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	_ = cmd.Wait()
}

func (h *host) namespaced(args ...string) *exec.Cmd {
	cmd := exec.Command("unshare", append([]string{"--mount", "--propagation", "private", "bash", "-c", enter, h.dir}, args...)...)
	cmd.Dir = "/" // the host has a /tmp of its own, and this folder may be in the other one
	return cmd
}

// inside runs another command in the host.
func (h *host) inside(args ...string) {
	h.t.Helper()
	if out, err := h.namespaced(args...).CombinedOutput(); err != nil {
		h.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (h *host) command(args ...string) {
	h.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		h.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (h *host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// path is where the machine has a file of the host.
func (h *host) path(path string) string {
	if data, ok := strings.CutPrefix(path, "/var/lib/kafka/"); ok {
		return filepath.Join(h.dir, "disk", data)
	}
	return filepath.Join(h.dir, path)
}

func (h *host) read(path string) string {
	h.t.Helper()
	content, err := os.ReadFile(h.path(path))
	h.must(err)
	return string(content)
}

func (h *host) write(path, content string, mode os.FileMode) {
	h.t.Helper()
	h.must(os.MkdirAll(filepath.Dir(h.path(path)), 0o755))
	h.must(os.WriteFile(h.path(path), []byte(content), mode))
	h.must(os.Chmod(h.path(path), mode))
}

func (h *host) exists(path string) bool {
	_, err := os.Lstat(h.path(path))
	return err == nil
}

// noJunk fails where a run left anything behind that is not its result.
func (h *host) noJunk() {
	h.t.Helper()
	for _, pattern := range []string{"opt/kafka/.[a-z]*", "etc/kafka/.kafka-node*", "etc/systemd/system/.kafka-node*", "var/lib/kraftstack/.kafka-node*", "tmp/tmp.*"} {
		found, err := filepath.Glob(h.path(pattern))
		h.must(err)
		if len(found) > 0 {
			h.t.Errorf("left behind: %v", found)
		}
	}
}

// good checks that a run succeeded.
func (r result) good(t *testing.T) {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("ended with %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// failed checks the status of a failure and that each text is part of what was said.
func (r result) failed(t *testing.T, texts ...string) {
	t.Helper()
	r.endedWith(t, 1, texts...)
}

func (r result) endedWith(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("ended with %d, want %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
	for _, text := range append(texts, "; next: ") {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("standard error has no %q:\n%s", text, r.stderr)
		}
	}
}

// archive is a Kafka archive with the given files in place of Kafka, and its
// SHA-512.
func archive(t *testing.T, files map[string]string) (content []byte, sum string) {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	writer := tar.NewWriter(zipped)
	for name, text := range files {
		header := tar.Header{Name: name, Mode: 0o755, Size: int64(len(text)), Uid: 4242, Gid: 4242, Uname: "builder"}
		if err := writer.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(writer.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	hash := sha512.Sum512(packed.Bytes())
	return packed.Bytes(), hex.EncodeToString(hash[:])
}
