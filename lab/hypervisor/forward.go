package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// dialTimeout is how long a forwarder tries to reach its host: as long as a
// client would see nothing but silence from a firewall.
const dialTimeout = 20 * time.Second

// forwarder listens on one public port on the machine's loopback, and passes
// each connection on from the operator's address in the internet namespace. It
// is the only way from the machine into the lab.
type forwarder struct {
	listener net.Listener
	cancel   context.CancelFunc
}

// followForwards opens and closes forwarders. A port that is taken, by the
// machine's own sshd on every address for one, gets another port and a rule
// that leads the right one there.
func (s *services) followForwards(ctx context.Context, wanted []forward, beforeRedirect func() error) error {
	for key, f := range s.forwarders {
		if !slices.Contains(wanted, key) {
			f.close()
			delete(s.forwarders, key)
		}
	}
	var errs []error
	for _, want := range wanted {
		if _, ok := s.forwarders[want]; ok {
			continue
		}
		f, err := openForwarder(ctx, want, s.prefix+"internet", s.log)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.forwarders[want] = f
	}
	return errors.Join(append(errs, s.redirect(ctx, beforeRedirect))...)
}

// openForwarder listens until close, however long the call that asked for it
// lives.
func openForwarder(ctx context.Context, want forward, internet string, log *slog.Logger) (*forwarder, error) {
	listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(want.Public))
	if errors.Is(err, unix.EADDRINUSE) {
		listener, err = net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.AddrPortFrom(want.Public.Addr(), 0)))
	}
	if err != nil {
		return nil, fmt.Errorf("listen on Elastic IP %s: %w", want.Public, err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &forwarder{listener: listener, cancel: cancel}
	go f.serve(ctx, want.Target, internet, log)
	return f, nil
}

// close ends the listening and every connection.
func (f *forwarder) close() {
	f.cancel()
	_ = f.listener.Close()
}

func (f *forwarder) serve(ctx context.Context, target netip.AddrPort, internet string, log *slog.Logger) {
	for {
		client, err := f.listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				log.Error("forwarder ended", "target", target, "error", err)
			}
			return
		}
		go func() {
			defer func() { _ = client.Close() }()
			server, err := dialInside(ctx, internet, operatorAddr, target)
			if err != nil {
				// The client sees a closed connection, as from a host that is down.
				log.Debug("forwarder could not reach its host", "target", target, "error", err)
				return
			}
			defer func() { _ = server.Close() }()
			stop := context.AfterFunc(ctx, func() { _, _ = client.Close(), server.Close() })
			defer stop()
			relay(client, server)
		}()
	}
}

// dialInside opens a connection from an address inside a namespace.
func dialInside(ctx context.Context, ns string, from netip.Addr, target netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{
		Timeout: dialTimeout, FallbackDelay: -1,
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0)),
	}
	var conn net.Conn
	err := inNetns(ns, func() (err error) {
		conn, err = dialer.DialContext(ctx, "tcp4", target.String())
		return err
	})
	return conn, err
}

// relay copies both ways until both sides have ended, and passes each side's
// end on.
func relay(a, b net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		pass(a, b)
	}()
	pass(b, a)
	<-done
}

func pass(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(*net.TCPConn); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	_, _ = to.Close(), from.Close()
}

// redirect keeps the table in the machine's own namespace that leads public
// ports to the forwarders that could not have them. Most machines need none.
func (s *services) redirect(ctx context.Context, before func() error) error {
	var rules []string
	for _, want := range slices.SortedFunc(maps.Keys(s.forwarders), func(a, b forward) int { return a.Public.Compare(b.Public) }) {
		addr, ok := s.forwarders[want].listener.Addr().(*net.TCPAddr)
		if ok && addr.AddrPort().Port() != want.Public.Port() {
			rules = append(rules, fmt.Sprintf("ip daddr %s tcp dport %d dnat ip to %s", want.Public.Addr(), want.Public.Port(), addr.AddrPort()))
		}
	}
	table := redirectTable(s.prefix)
	text := ""
	if len(rules) > 0 {
		text = fmt.Sprintf("table ip %s\ndelete table ip %s\ntable ip %s {\n\tchain output {\n\t\ttype nat hook output priority -100;\n\t\t%s\n\t}\n}\n",
			table, table, table, strings.Join(rules, "\n\t\t"))
	}
	if text == s.redirected {
		return nil
	}
	if err := before(); err != nil {
		return err
	}
	load := text
	if load == "" {
		load = removeTable(table)
	}
	if err := applyNFT(ctx, "", load); err != nil {
		return err
	}
	s.redirected = text
	return nil
}

func redirectTable(prefix string) string { return prefix + "redirect" }

// removeTable is the text that deletes a table whether or not it is there.
func removeTable(name string) string {
	return fmt.Sprintf("table ip %s\ndelete table ip %s\n", name, name)
}
