package datachannel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Socket is the websocket under a stream: whole messages in binary.
type Socket interface {
	Read(ctx context.Context) ([]byte, error)
	Write(ctx context.Context, message []byte) error
	Close() error
}

const (
	// ChunkSize is the most bytes of data in one message (StreamDataPayloadSize
	// of AWS's plugin and agent).
	ChunkSize = 1024
	// window is how many messages may wait to be acknowledged. AWS's own buffer
	// takes ten times as many.
	window = 1000
	// queueLength is how many payloads wait for their reader. What comes after
	// them is not acknowledged, so the other side sends it again.
	queueLength = 2000

	resendEvery  = 200 * time.Millisecond
	resendAfter  = time.Second
	resendAtOnce = 100
	// silence is how long a message may go without its acknowledgement before
	// the session counts as dead (ResendMaxAttempt of AWS's plugin: 5 minutes;
	// people wait here).
	silence = time.Minute
)

// Stream carries payloads both ways, whole and in order. It is safe for use from
// several goroutines.
type Stream struct {
	socket Socket
	sends  string          // the type of its messages: Input or Output
	ctx    context.Context //nolint:containedctx // the stream's life, which ends with Close
	end    context.CancelCauseFunc
	more   chan struct{} // holds at most one note that there is something to receive

	mu       sync.Mutex
	next     int64 // the number of the next message to send
	waiting  map[int64]*sent
	room     chan struct{} // holds an item for each message that waits
	expected int64         // the number of the next message to take
	ready    []Payload     // taken, and waiting for their reader
	early    map[int64]Payload
}

// sent is a message that was not acknowledged yet.
type sent struct {
	text        []byte
	first, last time.Time
}

// New begins a stream over a socket, which it owns. sends is Input for a client
// and Output for an agent.
func New(socket Socket, sends string) *Stream {
	ctx, end := context.WithCancelCause(context.Background())
	s := &Stream{
		socket: socket, sends: sends, ctx: ctx, end: end, more: make(chan struct{}, 1),
		waiting: map[int64]*sent{}, room: make(chan struct{}, window), early: map[int64]Payload{},
	}
	go s.read()
	go s.resend()
	return s
}

// Send sends one payload of at most ChunkSize bytes of data. It waits while too
// many before it were not acknowledged, until ctx ends.
func (s *Stream) Send(ctx context.Context, payload Payload) error {
	select {
	case s.room <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.ctx.Done():
		return context.Cause(s.ctx) //nolint:contextcheck // why the stream ended, not the call
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	m := Message{Type: s.sends, Created: now, Sequence: s.next, ID: NewUUID(), Payload: payload}
	text := m.Marshal()
	s.waiting[s.next] = &sent{text: text, first: now, last: now}
	s.next++
	// Under the lock, so that messages leave in the order of their numbers.
	return s.write(text)
}

// Receive is the next payload. The error is io.EOF when the other side has ended
// the session in good order.
func (s *Stream) Receive(ctx context.Context) (Payload, error) {
	for {
		if payload, ok := s.pop(); ok {
			return payload, nil
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			return Payload{}, ctx.Err()
		case <-s.ctx.Done():
			if payload, ok := s.pop(); ok { // what came before the end counts
				return payload, nil
			}
			return Payload{}, context.Cause(s.ctx) //nolint:contextcheck // as in Send
		}
	}
}

func (s *Stream) pop() (Payload, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ready) == 0 {
		return Payload{}, false
	}
	payload := s.ready[0]
	s.ready = s.ready[1:]
	s.advance()
	return payload, true
}

// Close ends the stream at once.
func (s *Stream) Close() error {
	s.end(io.ErrClosedPipe)
	return s.socket.Close()
}

// SendClosed tells the client that the session is over, and why where reason is
// not "". AWS's side of the channel does so.
func (s *Stream) SendClosed(reason string) error {
	text, err := json.Marshal(closed{Output: reason, MessageType: channelClosed, SchemaVersion: schemaVersion})
	if err != nil {
		return err
	}
	return s.write(Message{Type: channelClosed, Created: time.Now(), ID: NewUUID(), Payload: Payload{Data: text}}.Marshal())
}

// write says why the stream ended where it has: that its context is over is no
// reason of its own, and a caller would take it for that of its own context.
func (s *Stream) write(message []byte) error {
	err := s.socket.Write(s.ctx, message)
	if err == nil || s.ctx.Err() == nil {
		return err
	}
	if cause := context.Cause(s.ctx); !errors.Is(cause, io.EOF) {
		return cause
	}
	return io.ErrClosedPipe
}

type closed struct {
	MessageType   string `json:"MessageType"`
	SchemaVersion int    `json:"SchemaVersion"`
	Output        string `json:"Output"`
}

// acknowledgement says which message has come.
type acknowledgement struct {
	Type       string `json:"AcknowledgedMessageType"`
	ID         string `json:"AcknowledgedMessageId"`
	Sequence   int64  `json:"AcknowledgedMessageSequenceNumber"`
	Sequential bool   `json:"IsSequentialMessage"`
}

func (s *Stream) read() {
	for {
		text, err := s.socket.Read(s.ctx)
		if err == nil {
			err = s.take(text)
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

func (s *Stream) take(text []byte) error {
	m, err := Unmarshal(text)
	if err != nil {
		return err
	}
	switch m.Type {
	case acknowledge:
		var ack acknowledgement
		if err := json.Unmarshal(m.Payload.Data, &ack); err != nil {
			return fmt.Errorf("read an acknowledgement: %w", err)
		}
		s.acknowledged(ack.Sequence)
	case channelClosed:
		var why closed
		if err := json.Unmarshal(m.Payload.Data, &why); err != nil {
			return fmt.Errorf("read why the session ended: %w", err)
		}
		if why.Output != "" {
			return errors.New("the session was ended: " + why.Output)
		}
		return io.EOF
	case Input, Output:
		if m.Type != s.sends && s.accept(m) {
			return s.confirm(m)
		}
	}
	// start_publication and pause_publication are hints that a websocket's own
	// flow control makes needless; what else may come is not for a port.
	return nil
}

func (s *Stream) acknowledged(sequence int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.waiting[sequence]; ok {
		delete(s.waiting, sequence)
		<-s.room
	}
}

// accept takes a message in order, and keeps one that came early. It says
// whether the message may be acknowledged.
func (s *Stream) accept(m Message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Sequence < s.expected {
		return true // its acknowledgement was lost
	}
	if len(s.ready)+len(s.early) >= queueLength {
		return false
	}
	s.early[m.Sequence] = m.Payload
	s.advance()
	return true
}

// advance makes ready what is next in order. The caller holds the lock.
func (s *Stream) advance() {
	for {
		payload, ok := s.early[s.expected]
		if !ok {
			break
		}
		delete(s.early, s.expected)
		s.ready = append(s.ready, payload)
		s.expected++
	}
	if len(s.ready) > 0 {
		select {
		case s.more <- struct{}{}:
		default:
		}
	}
}
