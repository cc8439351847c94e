package hypervisor

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"kraftstack/sessionmanager/datachannel"
)

// sessions are AWS's side of Session Manager: the data channel that clients open
// on the machine's loopback, and, in the routers, the endpoints that agents connect
// to. All that a session carries goes through a connection that the host has opened
// to an endpoint, as on AWS.
type sessions struct {
	log    *slog.Logger
	agent  func(instance string) (agentHost, bool)
	secret []byte // signs tokens

	server    *http.Server
	url       string
	listeners map[endpointPort]net.Listener

	mu      sync.Mutex
	waiting map[string]chan net.Conn // by session: for the agent's connection
}

// endpointPort is an address of an interface endpoint, in its VPC's router.
type endpointPort struct {
	Namespace string
	Addr      netip.Addr
}

// SessionsReport is what the API has to know to start sessions.
type SessionsReport struct {
	Stream string   `json:"stream"` // where data channels are opened
	Secret string   `json:"secret"` // tokens are signed with it
	Online []string `json:"online"` // the instances whose agents are connected
}

// ticket is what a session's token says.
type ticket struct {
	Session  string `json:"session"`
	Instance string `json:"instance"`
	Port     int    `json:"port"`
}

const (
	sessionTimeout = 10 * time.Second // for a session to begin
	agentVersion   = "3.3.0.0"
)

func newSessions(log *slog.Logger, agent func(instance string) (agentHost, bool)) *sessions {
	secret := make([]byte, sha256.Size)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	return &sessions{log: log, agent: agent, secret: secret, listeners: map[endpointPort]net.Listener{}, waiting: map[string]chan net.Conn{}}
}

func (t *topology) endpointPorts(router func(vpc string) string) []endpointPort {
	var ports []endpointPort
	for _, endpoint := range t.snapshot.Endpoints {
		for _, node := range endpoint.Nodes {
			ports = append(ports, endpointPort{router(endpoint.VPC), node.Addr})
		}
	}
	return ports
}

// follow opens and closes the endpoints.
func (s *sessions) follow(wanted []endpointPort) error {
	keep := map[endpointPort]bool{}
	var errs []error
	for _, port := range wanted {
		keep[port] = true
		if _, ok := s.listeners[port]; !ok {
			errs = append(errs, s.openEndpoint(port))
		}
	}
	for port, listener := range s.listeners {
		if !keep[port] {
			_ = listener.Close()
			delete(s.listeners, port)
		}
	}
	if len(wanted) > 0 && s.server == nil {
		errs = append(errs, s.openServer())
	}
	return errors.Join(errs...)
}

func (s *sessions) openEndpoint(port endpointPort) error {
	return inNetns(port.Namespace, func() error {
		listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.AddrPortFrom(port.Addr, endpointServed)))
		if err != nil {
			return fmt.Errorf("open the endpoint at %s: %w", port.Addr, err)
		}
		s.listeners[port] = listener
		go s.serveEndpoint(listener)
		return nil
	})
}

// serveEndpoint takes the connections of agents. The first line names the session;
// one without is an agent that says that it is there.
func (s *sessions) serveEndpoint(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // closed
		}
		go func() {
			_ = conn.SetReadDeadline(time.Now().Add(sessionTimeout))
			session, err := sessionLine(conn)
			_ = conn.SetReadDeadline(time.Time{})
			s.mu.Lock()
			taker, ok := s.waiting[session]
			s.mu.Unlock()
			if err != nil || !ok {
				_ = conn.Close()
				return
			}
			taker <- conn // has room for one
		}()
	}
}

// sessionLine reads a short line and nothing behind it.
func sessionLine(conn io.Reader) (string, error) {
	var line []byte
	for one := make([]byte, 1); len(line) < 64; line = append(line, one[0]) {
		if _, err := io.ReadFull(conn, one); err != nil {
			return "", err
		}
		if one[0] == '\n' {
			return string(line), nil
		}
	}
	return "", errors.New("the line is too long")
}

func (s *sessions) openServer() error {
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return fmt.Errorf("open the data channels of Session Manager: %w", err)
	}
	s.url = "ws://" + listener.Addr().String()
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: sessionTimeout}
	server := s.server
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("data channels of Session Manager ended", "error", err)
		}
	}()
	return nil
}

func (s *sessions) close() error {
	err := s.follow(nil)
	if s.server != nil {
		err = errors.Join(err, s.server.Close())
		s.server = nil
	}
	return err
}

// ServeHTTP carries one session from its data channel's opening to its end.
func (s *sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	session, ok := strings.CutPrefix(r.URL.Path, "/v1/data-channel/")
	if !ok || r.URL.Query().Get("role") != "publish_subscribe" {
		http.NotFound(w, r)
		return
	}
	socket, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	if err := s.carry(socket, session); err != nil { //nolint:contextcheck // a hijacked connection's request has none that lasts
		s.log.Info("session ended", "session", session, "error", err)
		_ = socket.CloseNow()
	}
}

func (s *sessions) carry(socket *websocket.Conn, session string) error {
	ctx, cancel := context.WithTimeout(context.Background(), sessionTimeout)
	defer cancel()
	wanted, err := s.admit(ctx, socket, session)
	if err != nil {
		return err
	}
	host, ok := s.agent(wanted.Instance)
	if !ok {
		return errors.New("the agent is not connected")
	}
	stream := datachannel.New(datachannel.WebSocket(socket), datachannel.Output)
	defer func() { _ = stream.Close() }()
	if err := stream.Offer(ctx, agentVersion, strconv.Itoa(wanted.Port)); err != nil {
		return err
	}
	local, err := dialInside(ctx, host.Namespace, netip.IPv4Unspecified(), netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(wanted.Port)))
	if err != nil {
		flag := binary.BigEndian.AppendUint32(nil, datachannel.FlagCannotDialIt)
		return errors.Join(err, stream.Send(ctx, datachannel.Payload{Type: datachannel.Flag, Data: flag}), stream.SendClosed(""))
	}
	through, err := s.through(ctx, host, session, local)
	if err != nil {
		_ = local.Close()
		return errors.Join(err, stream.SendClosed(err.Error()))
	}
	conn := datachannel.NewConn(stream, wanted.Instance, func(stream *datachannel.Stream) error { return stream.SendClosed("") })
	relay(conn, through)
	return conn.Close()
}

// admit reads the first message, whose token says what the session is for.
func (s *sessions) admit(ctx context.Context, socket *websocket.Conn, session string) (ticket, error) {
	kind, text, err := socket.Read(ctx)
	if err != nil {
		return ticket{}, err
	}
	var first struct{ MessageSchemaVersion, TokenValue string }
	if err := json.Unmarshal(text, &first); err != nil || kind != websocket.MessageText || first.MessageSchemaVersion != "1.0" {
		return ticket{}, errors.New("the first message does not open a data channel")
	}
	body, signature, _ := strings.Cut(first.TokenValue, ".")
	code := hmac.New(sha256.New, s.secret)
	_, _ = code.Write([]byte(body)) // a hash takes everything
	if !hmac.Equal([]byte(hex.EncodeToString(code.Sum(nil))), []byte(signature)) {
		return ticket{}, errors.New("the token is not one that was given out")
	}
	var given ticket
	plain, err := base64.StdEncoding.DecodeString(body)
	if err == nil {
		err = json.Unmarshal(plain, &given)
	}
	if err != nil || given.Session != session {
		return ticket{}, errors.New("the token is not this session's")
	}
	return given, nil
}

// through has the host's agent connect a local connection to an endpoint, and is
// the endpoint's end of that.
func (s *sessions) through(ctx context.Context, host agentHost, session string, local net.Conn) (net.Conn, error) {
	taker := make(chan net.Conn, 1)
	s.mu.Lock()
	s.waiting[session] = taker
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiting, session)
		s.mu.Unlock()
	}()
	remote, err := host.dial(ctx, host.Sessions)
	if err != nil {
		return nil, err
	}
	if _, err := remote.Write([]byte(session + "\n")); err != nil {
		_ = remote.Close()
		return nil, err
	}
	go func() {
		relay(remote, local)
		_, _ = remote.Close(), local.Close()
	}()
	select {
	case conn := <-taker:
		return conn, nil
	case <-ctx.Done():
		_ = remote.Close()
		return nil, context.Cause(ctx)
	}
}
