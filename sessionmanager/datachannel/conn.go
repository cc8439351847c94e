package datachannel

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Conn is the data of a stream as a connection. It has no deadlines.
type Conn struct {
	stream *Stream
	peer   Address
	onEnd  func(*Stream) error // told before the stream is closed; may be nil

	rest   []byte // of the payload that is being read
	closed sync.Once
	err    error
}

var _ net.Conn = (*Conn)(nil)

// Address names an end of a session.
type Address string

// Network is "session-manager".
func (Address) Network() string { return "session-manager" }

// String is the name.
func (a Address) String() string { return string(a) }

// NewConn is a connection over a stream whose hand shake is done, to the peer of
// that name. onEnd, if any, is called once, before the stream is closed.
func NewConn(stream *Stream, peer string, onEnd func(*Stream) error) *Conn {
	return &Conn{stream: stream, peer: Address(peer), onEnd: onEnd}
}

// ErrPortClosed says that nothing on the host listens on the port.
var ErrPortClosed = errors.New("the host's Session Manager agent cannot connect to the port: nothing listens there")

// Read is for one reader at a time.
func (c *Conn) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		payload, err := c.stream.Receive(context.Background())
		if err != nil {
			return 0, err
		}
		if payload.Type == Data {
			c.rest = payload.Data
		}
		if payload.Type == Flag && len(payload.Data) == 4 {
			switch binary.BigEndian.Uint32(payload.Data) {
			case FlagTerminate:
				return 0, io.EOF
			case FlagCannotDialIt:
				return 0, ErrPortClosed
			}
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Write sends p in chunks.
func (c *Conn) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		chunk := p[done:min(len(p), done+ChunkSize)]
		if err := c.stream.Send(context.Background(), Payload{Type: Data, Data: chunk}); err != nil {
			return done, err
		}
		done += len(chunk)
	}
	return done, nil
}

// Close ends the session.
func (c *Conn) Close() error {
	c.closed.Do(func() {
		if c.onEnd != nil {
			c.err = c.onEnd(c.stream)
		}
		c.err = errors.Join(c.err, c.stream.Close())
	})
	return c.err
}

// LocalAddr names this side by what it sends.
func (c *Conn) LocalAddr() net.Addr { return Address(c.stream.sends) }

// RemoteAddr is the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.peer }

// SetDeadline is not supported.
func (c *Conn) SetDeadline(time.Time) error { return errNoDeadline }

// SetReadDeadline is not supported.
func (c *Conn) SetReadDeadline(time.Time) error { return errNoDeadline }

// SetWriteDeadline is not supported.
func (c *Conn) SetWriteDeadline(time.Time) error { return errNoDeadline }

var errNoDeadline = errors.New("a session's connection has no deadlines")
