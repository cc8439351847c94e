// Package attach serves a Pulumi provider on a TCP port, a new instance of it
// for every connection that an engine opens.
//
// The engine opens a connection for each provider resource, default or
// explicit, configures it once and cancels it once. With an instance of its
// own, a connection keeps its configuration to itself, and the interrupt of one
// engine ends nothing in another.
package attach

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"kraftstack/lab/ports"
)

// maxMessage is the engine's own limit for a message, in bytes.
const maxMessage = 400 * 1024 * 1024

// Provider is what is served: New is called for each connection.
type Provider struct {
	Name    string
	Version string
	New     func() p.Provider
}

// Server serves one provider until Close.
type Server struct {
	listener net.Listener
	port     int
	provider Provider
	log      func(format string, args ...any)

	mu     sync.Mutex
	closed bool
	live   map[*grpc.Server]struct{}
	all    sync.WaitGroup
}

// Listen opens 127.0.0.1:port, or another free one where that is 0, and serves in the background.
// log gets a line for every connection that could not be served; nil drops it.
func Listen(provider Provider, port int, log func(format string, args ...any)) (*Server, error) {
	l, err := listen(provider.Name, port)
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", provider.Name, err)
	}
	if log == nil {
		log = func(string, ...any) {}
	}
	address, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", provider.Name, err)
	}
	s := &Server{listener: l, port: int(address.Port()), provider: provider, log: log, live: map[*grpc.Server]struct{}{}}
	s.all.Add(1)
	go s.accept()
	return s, nil
}

// listen takes no other port than a given one: who has it would be asked in its place.
func listen(name string, port int) (net.Listener, error) {
	if port == 0 {
		return ports.Listen(0, fmt.Sprint(name, os.Getpid()))
	}
	return net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
}

// Port is where the provider listens.
func (s *Server) Port() int { return s.port }

// Close ends all connections and frees the port. Operations in flight are
// cancelled, and Close waits for them.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	live := make([]*grpc.Server, 0, len(s.live))
	for g := range s.live {
		live = append(live, g)
	}
	s.mu.Unlock()
	err := s.listener.Close()
	for _, g := range live {
		g.Stop()
	}
	s.all.Wait()
	if errors.Is(err, net.ErrClosed) { // closed before
		return nil
	}
	return err
}

func (s *Server) accept() {
	defer s.all.Done()
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.log("provider %s: accept: %v", s.provider.Name, err)
			continue
		}
		if err := s.serve(conn); err != nil {
			s.log("provider %s: connection from %s: %v", s.provider.Name, conn.RemoteAddr(), err)
			_ = conn.Close()
		}
	}
}

func (s *Server) serve(conn net.Conn) error {
	rpc, err := p.RawServer(s.provider.Name, s.provider.Version, keepingUnknown(s.provider.New()))(nil)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
	pulumirpc.RegisterResourceProviderServer(server, rpc)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.live[server] = struct{}{}
	s.all.Go(func() {
		one := newOneConn(conn)
		if err := server.Serve(one); err != nil && !errors.Is(err, net.ErrClosed) {
			s.log("provider %s: %v", s.provider.Name, err)
		}
		server.Stop()
		s.mu.Lock()
		delete(s.live, server)
		s.mu.Unlock()
	})
	return nil
}

// oneConn is a listener that gives one connection and ends with it.
type oneConn struct {
	net.Conn
	ended chan struct{}
	once  sync.Once
	first sync.Once
}

func newOneConn(c net.Conn) *oneConn {
	return &oneConn{Conn: c, ended: make(chan struct{})}
}

// Accept gives the connection first, then blocks until it is closed.
func (o *oneConn) Accept() (net.Conn, error) {
	var give bool
	o.first.Do(func() { give = true })
	if give {
		return tracked{o.Conn, o}, nil
	}
	<-o.ended
	return nil, net.ErrClosed
}

// Close of the listener leaves the connection to the server.
func (o *oneConn) Close() error {
	o.once.Do(func() { close(o.ended) })
	return nil
}

func (o *oneConn) Addr() net.Addr { return o.LocalAddr() }

// tracked ends its listener when the connection is closed by either side.
type tracked struct {
	net.Conn
	owner *oneConn
}

func (t tracked) Close() error {
	err := t.Conn.Close()
	_ = t.owner.Close()
	return err
}
