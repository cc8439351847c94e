package datachannel

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/coder/websocket"
)

const (
	pingEvery   = 30 * time.Second
	pingTimeout = 15 * time.Second // silence after which the connection counts as dead
	// readLimit in bytes is for one message: far more than a chunk of data with
	// its header.
	readLimit = 1 << 20
)

// WebSocket is an open websocket as the socket of a stream. It is closed when
// the other side is silent for too long.
func WebSocket(conn *websocket.Conn) Socket {
	conn.SetReadLimit(readLimit)
	ctx, cancel := context.WithCancel(context.Background())
	s := &webSocket{conn: conn, cancel: cancel}
	go s.keepalive(ctx)
	return s
}

type webSocket struct {
	conn   *websocket.Conn
	cancel context.CancelFunc
}

func (s *webSocket) Read(ctx context.Context) ([]byte, error) {
	_, text, err := s.conn.Read(ctx)
	if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
		return nil, io.EOF
	}
	return text, err
}

func (s *webSocket) Write(ctx context.Context, message []byte) error {
	return s.conn.Write(ctx, websocket.MessageBinary, message)
}

// Close says good-bye, and does not wait for the answer.
func (s *webSocket) Close() error {
	s.cancel()
	go func() { _ = s.conn.Close(websocket.StatusNormalClosure, "") }()
	return nil
}

func (s *webSocket) keepalive(ctx context.Context) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		pinged, done := context.WithTimeout(ctx, pingTimeout)
		err := s.conn.Ping(pinged)
		done()
		if err != nil && !errors.Is(err, context.Canceled) {
			_ = s.conn.CloseNow()
			return
		}
	}
}
