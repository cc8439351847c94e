package commandprovider

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi-go-provider/infer"
	"golang.org/x/crypto/ssh"
)

// fixture is a host, a bastion before it, and a key that opens both.
type fixture struct {
	private       string
	host, bastion *sshServer
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	private, login := newKey(t)
	return &fixture{private: private, host: newSSHServer(t, login.PublicKey()), bastion: newSSHServer(t, login.PublicKey())}
}

// direct gives arguments that reach the host without the bastion.
func (f *fixture) direct(create string) commandArgs {
	return commandArgs{Connection: connection{endpoint: f.host.to(f.private)}, Create: &create}
}

func create(ctx context.Context, in commandArgs) (commandState, error) {
	resp, err := (&command{}).Create(ctx, infer.CreateRequest[commandArgs]{Name: "c", Inputs: in})
	return resp.Output, err
}

func mustSay(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range texts {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
}

func TestOutputIsKeptWithoutItsLastNewline(t *testing.T) {
	f := newFixture(t)
	st, err := create(t.Context(), f.direct("echo hello"))
	if err != nil {
		t.Fatal(err)
	}
	if st.Stdout != "hello" || st.Stderr != "to stderr" {
		t.Errorf("stdout %q, stderr %q", st.Stdout, st.Stderr)
	}
}

func TestPreviewDialsNothing(t *testing.T) {
	f := newFixture(t)
	in := f.direct("echo hello")
	if _, err := (&command{}).Create(t.Context(), infer.CreateRequest[commandArgs]{Name: "c", Inputs: in, DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := (&command{}).Update(t.Context(), infer.UpdateRequest[commandArgs, commandState]{Inputs: in, DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if f.host.dials != 0 {
		t.Errorf("a preview dialled %d times", f.host.dials)
	}
}

func TestUpdateRunsUpdateOrElseCreate(t *testing.T) {
	f := newFixture(t)
	in := f.direct("echo created")
	run := func() string {
		resp, err := (&command{}).Update(t.Context(), infer.UpdateRequest[commandArgs, commandState]{Inputs: in})
		if err != nil {
			t.Fatal(err)
		}
		return resp.Output.Stdout
	}
	if got := run(); got != "created" {
		t.Errorf("without update: %q", got)
	}
	in.Update = new("echo updated")
	if got := run(); got != "updated" {
		t.Errorf("with update: %q", got)
	}
}

func TestDeleteUsesTheRecordedConnection(t *testing.T) {
	f := newFixture(t)
	in := f.direct("echo x")
	if _, err := (&command{}).Delete(t.Context(), infer.DeleteRequest[commandState]{State: commandState{commandArgs: in}}); err != nil {
		t.Fatal(err)
	}
	if f.host.dials != 0 {
		t.Error("a command without delete dialled")
	}
	in.Delete = new("fail")
	_, err := (&command{}).Delete(t.Context(), infer.DeleteRequest[commandState]{State: commandState{commandArgs: in}})
	mustSay(t, err, "Process exited with status 3", "it broke")
}

func TestFailureShowsCommandAndOutputButNotStdin(t *testing.T) {
	f := newFixture(t)
	in := f.direct("fail")
	in.Stdin = new("TOP SECRET")
	_, err := create(t.Context(), in)
	mustSay(t, err, "Process exited with status 3", `running "fail"`, "it broke")
	if strings.Contains(err.Error(), "TOP SECRET") || strings.Contains(err.Error(), "PRIVATE KEY") {
		t.Errorf("a secret is in %v", err)
	}
}

func TestStdinArrivesWhole(t *testing.T) {
	f := newFixture(t)
	in := f.direct("cat")
	in.Stdin = new(strings.Repeat("x", 1<<20))
	st, err := create(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if st.Stdout != "1048576 bytes" {
		t.Errorf("the host got %s", st.Stdout)
	}
}

func TestEnvironmentThatIsRefusedIsAnError(t *testing.T) {
	f := newFixture(t)
	in := f.direct("env")
	in.Environment = map[string]string{"ALLOWED": "1"}
	st, err := create(t.Context(), in)
	if err != nil || !strings.Contains(st.Stdout, "ALLOWED:1") {
		t.Errorf("environment %q, error %v", st.Stdout, err)
	}
	in.Environment["OTHER"] = "2"
	_, err = create(t.Context(), in)
	mustSay(t, err, `"OTHER"`, "AcceptEnv")
}

func TestOverTheBastion(t *testing.T) {
	f := newFixture(t)
	in := f.direct("echo inside")
	jump := f.bastion.to(f.private)
	in.Connection.Proxy = &jump
	st, err := create(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if st.Stdout != "inside" || len(f.bastion.forwarded) != 1 || f.bastion.forwarded[0] != in.Connection.address() {
		t.Errorf("stdout %q, forwarded %v", st.Stdout, f.bastion.forwarded)
	}
}

func TestConnectionsAreClosed(t *testing.T) {
	f := newFixture(t)
	in := f.direct("echo x")
	jump := f.bastion.to(f.private)
	in.Connection.Proxy = &jump
	if _, err := create(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	f.eventually(t, "no open connection", func() bool {
		f.host.mu.Lock()
		defer f.host.mu.Unlock()
		f.bastion.mu.Lock()
		defer f.bastion.mu.Unlock()
		return f.host.live == 0 && f.bastion.live == 0
	})
}

func TestForeignHostKeyFailsAtOnce(t *testing.T) {
	f := newFixture(t)
	_, other := newKey(t)
	wrong := string(ssh.MarshalAuthorizedKey(other.PublicKey()))
	for _, jump := range []bool{false, true} {
		in := f.direct("echo x")
		dialled := f.host
		if jump {
			proxy := f.bastion.to(f.private)
			proxy.HostKey = &wrong
			in.Connection.Proxy, dialled = &proxy, f.bastion
		} else {
			in.Connection.HostKey = &wrong
		}
		_, err := create(t.Context(), in)
		mustSay(t, err, "host key mismatch", ssh.FingerprintSHA256(other.PublicKey()))
		if dialled.dials != 1 {
			t.Errorf("%d dials, want 1", dialled.dials)
		}
	}
}

func TestWithoutHostKeyNothingIsDialled(t *testing.T) {
	f := newFixture(t)
	in := f.direct("echo x")
	in.Connection.HostKey = nil
	_, err := create(t.Context(), in)
	mustSay(t, err, "pinned key only")
	if f.host.dials != 0 {
		t.Error("it dialled")
	}
}

func TestDialLimit(t *testing.T) {
	f := newFixture(t)
	two := 2
	in := f.direct("echo x")
	in.Connection.DialErrorLimit = &two
	f.host.refuse = 2
	if st, err := create(t.Context(), in); err != nil || st.Stdout != "x" {
		t.Errorf("two refusals: stdout %q, error %v", st.Stdout, err)
	}
	f.host.mu.Lock()
	f.host.refuse = 9
	f.host.mu.Unlock()
	_, err := create(t.Context(), in)
	mustSay(t, err, in.Connection.address(), "after 3 failed attempts")
}

func TestPerDialTimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel, never speaks
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f := newFixture(t)
	zero, one := 0, 1
	in := f.direct("echo x")
	port := float64(l.Addr().(*net.TCPAddr).Port)
	in.Connection.Port, in.Connection.DialErrorLimit, in.Connection.PerDialTimeout = &port, &zero, &one
	began := time.Now()
	_, err = create(t.Context(), in)
	mustSay(t, err, "after 1 failed attempts")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestInterruptEndsARunningCommand(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-f.host.running
		cancel()
	}()
	_, err := create(ctx, f.direct("sleep"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	f.eventually(t, "the signal", func() bool {
		f.host.mu.Lock()
		defer f.host.mu.Unlock()
		return len(f.host.signals) == 1 && f.host.signals[0] == "TERM"
	})
}

func TestInterruptEndsDialling(t *testing.T) {
	f := newFixture(t)
	in := f.direct("echo x")
	unlimited := -1
	in.Connection.DialErrorLimit = &unlimited
	f.host.refuse = 1 << 30
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := create(ctx, in)
	mustSay(t, err, "was interrupted")
}

// eventually waits for a named condition, at most five seconds.
func (f *fixture) eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(5 * time.Second); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
