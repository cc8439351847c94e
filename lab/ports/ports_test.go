package ports

import (
	"net"
	"testing"
)

func port(t *testing.T, l *net.TCPListener) int {
	t.Helper()
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("it listens on %s", l.Addr())
	}
	return at.Port
}

func TestListen(t *testing.T) {
	first, err := Listen(0, "a lab")
	if err != nil {
		t.Fatal(err)
	}
	at := port(t, first)
	if at < lowest || at >= lowest+count {
		t.Errorf("%d is a port of outgoing connections", at)
	}
	second, err := Listen(at, "a lab")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if port(t, second) == at {
		t.Errorf("two listen on %d", at)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Listen(at, "another lab")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if port(t, again) != at {
		t.Errorf("it came back on %d, and was on %d before", port(t, again), at)
	}
}
