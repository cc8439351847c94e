package cluster

import (
	"net"
	"os"
	"sync"
	"time"
)

// deadlineConn gives deadlines to a connection that has none: a channel of an
// SSH connection. The Kafka client bounds every request by a deadline, and
// without one a broker that is silent would hold it forever. A deadline that
// passes closes the connection, and who waits gets os.ErrDeadlineExceeded; the
// Kafka client discards a connection after that anyway.
type deadlineConn struct {
	net.Conn

	mu      sync.Mutex
	read    *time.Timer
	write   *time.Timer
	expired bool
}

var _ net.Conn = (*deadlineConn)(nil)

func newDeadlineConn(conn net.Conn) *deadlineConn { return &deadlineConn{Conn: conn} }

func (c *deadlineConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.reason(err)
}

func (c *deadlineConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.reason(err)
}

func (c *deadlineConn) Close() error {
	c.mu.Lock()
	stop(c.read)
	stop(c.write)
	c.mu.Unlock()
	return c.Conn.Close()
}

func (c *deadlineConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read, c.write = c.arm(c.read, t), c.arm(c.write, t)
	return nil
}

func (c *deadlineConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = c.arm(c.read, t)
	return nil
}

func (c *deadlineConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write = c.arm(c.write, t)
	return nil
}

// arm replaces a timer; the zero time means no deadline.
func (c *deadlineConn) arm(old *time.Timer, at time.Time) *time.Timer {
	stop(old)
	if at.IsZero() {
		return nil
	}
	return time.AfterFunc(time.Until(at), func() {
		c.mu.Lock()
		c.expired = true
		c.mu.Unlock()
		_ = c.Conn.Close()
	})
}

// reason turns the error of a connection that a deadline closed into that of
// the deadline.
func (c *deadlineConn) reason(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.expired {
		return os.ErrDeadlineExceeded
	}
	return err
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
