package commandprovider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/ssh"
)

// Names under which a command finds what its predecessor printed.
const (
	previousStdout = "PULUMI_COMMAND_STDOUT"
	previousStderr = "PULUMI_COMMAND_STDERR"
)

// A host that answers none of its keep-alives for silence is lost.
const (
	keepAlive = 5 * time.Second
	silence   = 20 * time.Second
)

var errSilent = fmt.Errorf("ssh: the connection is lost: no answer for %s", silence)

// run dials the host, executes text there and puts what it prints into the state.
func (st *commandState) run(ctx context.Context, dial DialFunc, text string) error {
	client, err := st.Connection.dial(ctx, dial)
	if err != nil {
		return err
	}
	defer client.Close()
	// Until the command runs, an interrupt just ends the connection.
	ready := context.AfterFunc(ctx, func() { _ = client.Close() })
	session, err := client.NewSession()
	if err != nil {
		return fmt.Errorf("ssh: session on %s: %w", st.Connection.address(), err)
	}
	defer session.Close()
	if err := st.environment(ctx, session); err != nil {
		return err
	}
	if st.Stdin != nil && *st.Stdin != "" {
		session.Stdin = strings.NewReader(*st.Stdin)
	}
	out := newCapture(ctx, st.Logging)
	session.Stdout, session.Stderr = out.writer(&out.stdout, out.logsStdout), out.writer(&out.stderr, out.logsStderr)
	ready()
	err = supervised(ctx, client, session, text)
	out.flush()
	if err != nil {
		// The real provider's text. What came on stdin is not in it.
		return fmt.Errorf("%w: running %q:\n%s", err, text, out.both.String())
	}
	st.Stdout = strings.TrimSuffix(out.stdout.String(), "\n")
	st.Stderr = strings.TrimSuffix(out.stderr.String(), "\n")
	return nil
}

func (st *commandState) environment(ctx context.Context, session *ssh.Session) error {
	names := make([]string, 0, len(st.Environment))
	for name := range st.Environment {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if err := session.Setenv(name, st.Environment[name]); err != nil {
			return fmt.Errorf("could not set environment variable %q on %s: %w; "+
				"the SSH server must accept it (AcceptEnv)", name, st.Connection.address(), err)
		}
	}
	if st.AddPreviousOutputInEnv != nil && !*st.AddPreviousOutputInEnv {
		return nil
	}
	for _, v := range []struct{ name, value string }{{previousStdout, st.Stdout}, {previousStderr, st.Stderr}} {
		if v.value == "" {
			continue
		}
		if err := session.Setenv(v.name, v.value); err != nil {
			p.GetLogger(ctx).Warningf("Unable to set '%s'. This only works if the SSH server is configured to accept these "+
				"variables via AcceptEnv; addPreviousOutputInEnv: false silences this: %v", v.name, err)
		}
	}
	return nil
}

// supervised runs text until it ends, ctx ends or the host falls silent. In the
// last two cases the remote process is asked to end and the connection closed.
func supervised(ctx context.Context, client *link, session *ssh.Session, text string) error {
	if err := session.Start(text); err != nil {
		return err
	}
	var result error
	done := make(chan struct{})
	go func() {
		result = session.Wait()
		close(done)
	}()
	watch, stop := context.WithCancel(ctx)
	defer stop()
	lost := make(chan struct{})
	go watchLink(watch, client, lost)
	select {
	case <-done:
		return result
	case <-lost:
		_ = client.Close()
		<-done
		return errSilent
	case <-ctx.Done():
		_ = session.Signal(ssh.SIGTERM)
		_ = client.Close()
		<-done
		return fmt.Errorf("interrupted: %w", ctx.Err())
	}
}

// watchLink closes lost when keep-alives are not answered any more.
func watchLink(ctx context.Context, client *link, lost chan<- struct{}) {
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		answer := make(chan error, 1)
		go func() {
			_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
			answer <- err
		}()
		timer := time.NewTimer(silence - keepAlive)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case err := <-answer:
			timer.Stop()
			if err == nil || errors.Is(err, io.EOF) {
				continue
			}
		case <-timer.C:
		}
		close(lost)
		return
	}
}

// capture collects what a command prints and shows whole lines of it in the
// engine's progress while it runs.
type capture struct {
	show                   func(line string)
	logsStdout, logsStderr bool

	mu                   sync.Mutex
	stdout, stderr, both bytes.Buffer
	open                 []*lines
}

func newCapture(ctx context.Context, logging *string) *capture {
	how := logBoth
	if logging != nil {
		how = *logging
	}
	return &capture{
		show:       p.GetLogger(ctx).InfoStatus,
		logsStdout: how == logBoth || how == logStdout,
		logsStderr: how == logBoth || how == logStderr,
	}
}

func (c *capture) writer(to *bytes.Buffer, logged bool) io.Writer {
	w := &lines{owner: c, to: to, logged: logged}
	c.open = append(c.open, w)
	return w
}

// flush shows the last lines that have no end.
func (c *capture) flush() {
	for _, w := range c.open {
		w.show(w.part)
		w.part = ""
	}
}

type lines struct {
	owner  *capture
	to     *bytes.Buffer
	logged bool
	part   string
}

func (w *lines) Write(b []byte) (int, error) {
	w.owner.mu.Lock()
	w.to.Write(b)
	w.owner.both.Write(b)
	w.owner.mu.Unlock()
	if !w.logged {
		return len(b), nil
	}
	w.part += string(b)
	for {
		line, rest, whole := strings.Cut(w.part, "\n")
		if !whole {
			return len(b), nil
		}
		w.show(line)
		w.part = rest
	}
}

func (w *lines) show(line string) {
	if w.logged && strings.TrimSpace(line) != "" {
		w.owner.show(line)
	}
}
