package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/term"

	"kraftstack/internal/fail"
)

// Session is a shell, or a command, on a host of the stack, with this
// process's own input and output. It is pure Go: the stack's key stays in
// memory, where the system's ssh would want it in a file.
type Session struct {
	Host    string // a node's name, id, DNS name or instance, or "bastion"
	Command string // run by the remote user's shell; "" opens a login shell
	TTY     bool   // ask for a terminal even for a command
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
}

// errConnectionLost is of a command that may go on without its connection.
var errConnectionLost = errors.New("the connection ended before the command did")

// Run opens the session and waits for its end. A command that ends with
// another status than 0 gives a *fail.StatusError with that status; one that a
// signal ended gives 255, as ssh has it. Other errors are *fail.Error:
// fail.Config for an unknown host, fail.Unreachable as for Dial.
func (s Session) Run(ctx context.Context, t *Tunnel) error {
	client := t.bastion
	if s.Host != bastionName || client == nil {
		node, ok := t.outputs.Node(s.Host)
		if !ok {
			return &fail.Error{Cause: fail.Config, Op: fmt.Sprintf("find host %q in stack %s", s.Host, t.outputs.Stack),
				Next: "choose one of: " + strings.Join(t.outputs.names(), ", ")}
		}
		var err error
		if client, err = t.Host(ctx, node); err != nil {
			return err
		}
		defer func() { _ = client.Close() }()
	}
	session, err := client.NewSession()
	if err != nil {
		return s.broken(t, err)
	}
	defer func() { _ = session.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = session.Close() })
	defer stop()
	session.Stdin, session.Stdout, session.Stderr = s.Stdin, s.Stdout, s.Stderr
	if s.Command == "" || s.TTY {
		restore, err := terminal(session, s.Stdin)
		if err != nil {
			return s.broken(t, err)
		}
		defer restore()
	}
	err = s.start(session)
	if err == nil {
		err = session.Wait()
	}
	if ctx.Err() != nil {
		return &fail.Error{Cause: fail.Cancelled, Op: "run the session", Host: s.Host, Err: context.Canceled}
	}
	return s.ended(t, err)
}

func (s Session) start(session *ssh.Session) error {
	if s.Command == "" {
		return session.Shell()
	}
	return session.Start(s.Command)
}

// ended translates what the remote side said at the end.
func (s Session) ended(t *Tunnel, err error) error {
	var exit *ssh.ExitError
	var missing *ssh.ExitMissingError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit) && exit.Signal() == "":
		return &fail.StatusError{Code: exit.ExitStatus()}
	case errors.As(err, &exit):
		return &fail.StatusError{Code: 255}
	case errors.As(err, &missing):
		return s.broken(t, errConnectionLost)
	}
	return s.broken(t, err)
}

func (s Session) broken(t *Tunnel, err error) error {
	return &fail.Error{Cause: fail.Unreachable, Op: "run the session", Host: s.Host, Step: "ssh", Err: err,
		Next: "kraftstack status --stack " + t.outputs.Stack + " --hosts shows which hosts answer"}
}

// terminal gives the session a terminal like the one that stdin is: raw mode
// here, a pty of the same size there. Where stdin is no terminal it does
// nothing, as ssh does. restore is safe to call in every case.
func terminal(session *ssh.Session, stdin io.Reader) (restore func(), err error) {
	file, ok := stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return func() {}, nil
	}
	width, height, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return nil, fmt.Errorf("ask for the terminal's size: %w", err)
	}
	name := os.Getenv("TERM")
	if name == "" {
		name = "xterm-256color"
	}
	if err := session.RequestPty(name, height, width, ssh.TerminalModes{}); err != nil {
		return nil, fmt.Errorf("ask for a terminal: %w", err)
	}
	state, err := term.MakeRaw(int(file.Fd()))
	if err != nil {
		return nil, fmt.Errorf("put the terminal into raw mode: %w", err)
	}
	unwatch := watchSize(file, session)
	return func() {
		unwatch()
		_ = term.Restore(int(file.Fd()), state)
	}, nil
}
