package datachannel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// pipe is one end of a websocket that loses messages by chance.
type pipe struct {
	in, out chan []byte
	gone    chan struct{}
	once    *sync.Once
	loses   float64

	mu   sync.Mutex
	dice *rand.Rand
}

func pipes(loses float64) (a, b *pipe) {
	one, other, gone, once := make(chan []byte, 10000), make(chan []byte, 10000), make(chan struct{}), &sync.Once{}
	a = &pipe{in: one, out: other, gone: gone, once: once, loses: loses, dice: rand.New(rand.NewPCG(1, 2))}
	b = &pipe{in: other, out: one, gone: gone, once: once, loses: loses, dice: rand.New(rand.NewPCG(3, 4))}
	return a, b
}

func (p *pipe) Read(ctx context.Context) ([]byte, error) {
	select {
	case text := <-p.in:
		return text, nil
	default:
	}
	select {
	case text := <-p.in:
		return text, nil
	case <-p.gone:
		return nil, io.EOF
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipe) Write(ctx context.Context, message []byte) error {
	if ctx.Err() != nil {
		return ctx.Err() // as a websocket does
	}
	p.mu.Lock()
	lost := p.dice.Float64() < p.loses
	p.mu.Unlock()
	if lost {
		return nil
	}
	select {
	case p.out <- bytes.Clone(message):
		return nil
	case <-p.gone:
		return io.ErrClosedPipe
	}
}

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.gone) })
	return nil
}

// connected is both ends of a session after their hand shake.
func connected(t *testing.T, loses float64) (client, agent *Conn) {
	t.Helper()
	a, b := pipes(loses)
	clientStream, agentStream := New(a, Input), New(b, Output)
	offered := make(chan error, 1)
	go func() { offered <- agentStream.Offer(t.Context(), "3.3.0.0", "22") }()
	if err := clientStream.Shake(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-offered; err != nil {
		t.Fatal(err)
	}
	client = NewConn(clientStream, "i-0123456789abcdef0:22", nil)
	agent = NewConn(agentStream, "client", func(s *Stream) error { return s.SendClosed("") })
	t.Cleanup(func() { _, _ = client.Close(), agent.Close() })
	return client, agent
}

// TestEverythingArrives: all bytes, once and in order, both ways, though messages
// and acknowledgements are lost.
func TestEverythingArrives(t *testing.T) {
	for name, c := range map[string]struct {
		size  int
		loses float64
	}{"without loss": {3 << 20, 0}, "with loss": {100 << 10, 0.05}} {
		t.Run(name, func(t *testing.T) {
			client, agent := connected(t, c.loses)
			var sides sync.WaitGroup
			for _, way := range []struct{ from, to *Conn }{{client, agent}, {agent, client}} {
				text := make([]byte, c.size)
				for i := range text {
					text[i] = byte(rand.Uint32())
				}
				sides.Go(func() {
					if _, err := way.from.Write(text); err != nil {
						t.Errorf("write: %v", err)
					}
				})
				sides.Go(func() {
					got := make([]byte, c.size)
					if _, err := io.ReadFull(way.to, got); err != nil {
						t.Errorf("read: %v", err)
					}
					if sha256.Sum256(got) != sha256.Sum256(text) {
						t.Error("other bytes came than were sent")
					}
				})
			}
			sides.Wait()
		})
	}
}

// TestASlowReaderLosesNothing: what comes while nobody reads waits, or is sent
// again.
func TestASlowReaderLosesNothing(t *testing.T) {
	client, agent := connected(t, 0)
	const size = (queueLength + 1500) * ChunkSize
	written := make(chan error, 1)
	go func() {
		_, err := agent.Write(bytes.Repeat([]byte{7}, size))
		written <- err
	}()
	full := func() bool {
		client.stream.mu.Lock()
		defer client.stream.mu.Unlock()
		return len(client.stream.ready) == queueLength
	}
	deadline, tick := time.After(30*time.Second), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !full() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the queue never filled")
		}
	}
	n, err := io.Copy(io.Discard, io.LimitReader(client, size))
	if err != nil || n != size {
		t.Errorf("%d bytes of %d came, %v", n, size, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

func TestTheEndComesAfterTheData(t *testing.T) {
	client, agent := connected(t, 0)
	if _, err := agent.Write([]byte("last words")); err != nil {
		t.Fatal(err)
	}
	if err := agent.stream.SendClosed(""); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(client)
	if err != nil || string(got) != "last words" {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestAReasonIsTold(t *testing.T) {
	client, agent := connected(t, 0)
	if err := agent.stream.SendClosed("Your session timed out due to inactivity."); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "timed out due to inactivity") {
		t.Errorf("the end is %v", err)
	}
}

// TestWritingAfterTheEnd: the reason is the session's, and no context that a
// caller might take for its own.
func TestWritingAfterTheEnd(t *testing.T) {
	client, agent := connected(t, 0)
	if err := agent.stream.SendClosed(""); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("the end is %v", err)
	}
	if _, err := client.Write([]byte("late")); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("writing gives %v", err)
	}
}

func TestAClosedPortIsTold(t *testing.T) {
	client, agent := connected(t, 0)
	if err := agent.stream.Send(t.Context(), Payload{Flag, []byte{0, 0, 0, byte(FlagCannotDialIt)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, ErrPortClosed) {
		t.Errorf("the error is %v", err)
	}
}

// TestAnotherHandshakeIsRefused: both sides are told why.
func TestAnotherHandshakeIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ action, why string }{
		"encryption": {`{"ActionType":"KMSEncryption","ActionParameters":{"KMSKeyId":"k"}}`, "asks for KMSEncryption"},
		"a shell":    {`{"ActionType":"SessionType","ActionParameters":{"SessionType":"Standard_Stream"}}`, `type "Standard_Stream"`},
	} {
		a, b := pipes(0)
		client, agent := New(a, Input), New(b, Output)
		request := `{"AgentVersion":"3.3.0.0","RequestedClientActions":[` + c.action + `]}`
		if err := agent.Send(t.Context(), Payload{HandshakeRequest, []byte(request)}); err != nil {
			t.Fatal(err)
		}
		if err := client.Shake(t.Context()); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: the client says %v", name, err)
		}
		answer, err := agent.Receive(t.Context())
		if err != nil || answer.Type != HandshakeResponse || !strings.Contains(string(answer.Data), `"ActionStatus":2`) {
			t.Errorf("%s: the agent got %v, %v", name, answer, err)
		}
		_, _ = client.Close(), agent.Close()
	}
}
