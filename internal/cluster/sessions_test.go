package cluster

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"kraftstack/internal/fail"
	"kraftstack/sessionmanager"
)

// throughSessions is a tunnel whose sessions the test plays.
func throughSessions(dial func(instance string, port int) (net.Conn, error)) *Tunnel {
	return &Tunnel{
		outputs: Outputs{Stack: "dev", Nodes: []NodeOutput{
			{ID: 1001, Name: "broker-1001", Host: "broker-1001.dev.kafka.internal", Instance: "i-1"},
			{ID: 1002, Name: "broker-1002", Host: "broker-1002.dev.kafka.internal", Instance: "i-2"},
		}},
		sessions: func(_ context.Context, instance string, port int) (net.Conn, error) { return dial(instance, port) },
		closed:   make(chan struct{}),
	}
}

// TestSessionsLeadToNodes: by each of a node's names, on any port, and nowhere
// else.
func TestSessionsLeadToNodes(t *testing.T) {
	tunnel := throughSessions(func(instance string, port int) (net.Conn, error) {
		if instance != "i-2" || port != 9092 {
			t.Errorf("a session to port %d of %s", port, instance)
		}
		near, _ := net.Pipe()
		return near, nil
	})
	for _, address := range []string{"broker-1002.dev.kafka.internal:9092", "broker-1002:9092", "i-2:9092"} {
		if _, err := tunnel.DialContext(t.Context(), "tcp", address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := tunnel.DialContext(t.Context(), "tcp", "elsewhere.example:9092"); err == nil || !strings.Contains(err.Error(), "hosts of the stack alone") {
		t.Errorf("another host: %v", err)
	}
	if err := tunnel.Close(); err != nil {
		t.Error(err)
	}
}

// torn is a session whose agent has gone when it is closed.
type torn struct{ net.Conn }

func (t torn) Close() error { return errors.Join(t.Conn.Close(), syscall.EPIPE) }

// TestOneHostIsEnough: a stack is out of reach only when all of its hosts are.
func TestOneHostIsEnough(t *testing.T) {
	away := func(instance string, _ int) (net.Conn, error) {
		return nil, &sessionmanager.NotConnectedError{Instance: instance}
	}
	err := throughSessions(away).anyAnswers(t.Context())
	var known *fail.Error
	if !errors.As(err, &known) || known.Cause != fail.Unreachable || !strings.Contains(err.Error(), "i-2 is not connected") || !strings.Contains(known.Next, "refresh --stack dev") {
		t.Errorf("all are away: %v", err)
	}
	err = throughSessions(func(instance string, port int) (net.Conn, error) {
		if instance == "i-1" {
			return away(instance, port)
		}
		near, _ := net.Pipe()
		return torn{near}, nil
	}).anyAnswers(t.Context())
	if err != nil {
		t.Errorf("one is there, for a moment: %v", err)
	}
	asked := 0
	err = throughSessions(func(string, int) (net.Conn, error) {
		asked++
		return nil, errors.New("AccessDeniedException: not authorized to perform ssm:StartSession")
	}).anyAnswers(t.Context())
	if err == nil || asked != 1 || !strings.Contains(err.Error(), "not authorized") {
		t.Errorf("nobody may: %v, asked %d times", err, asked)
	}
}
