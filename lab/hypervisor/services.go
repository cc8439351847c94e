package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// services are the parts that live in the daemon itself: name service,
// downloads, and the forwarders of Elastic IPs. They go with it and come back
// with the next one. Callers hold the hypervisor's netMu.
type services struct {
	prefix      string
	downloadDir string
	archiveDir  string
	log         *slog.Logger
	resolvers   map[string]*resolver
	downloads   *http.Server
	forwarders  map[forward]*forwarder
	sessions    *sessions
	redirected  string // the table in the machine's own namespace, as last loaded
}

// wantedServices is what services should offer now. Maps are by VPC id.
type wantedServices struct {
	Names     map[string]names
	Resolvers map[string]netip.Addr
	Forwards  []forward
	Downloads bool
	Endpoints []endpointPort
}

func newServices(prefix, downloadDir, archiveDir string, log *slog.Logger) *services {
	return &services{
		prefix: prefix, downloadDir: downloadDir, archiveDir: archiveDir, log: log,
		resolvers: map[string]*resolver{}, forwarders: map[forward]*forwarder{},
	}
}

// follow opens, changes and closes what differs from wanted.
func (s *services) follow(ctx context.Context, wanted wantedServices, beforeRedirect func() error) error {
	var errs []error
	for _, vpc := range sortedKeys(s.resolvers) {
		if _, ok := wanted.Names[vpc]; !ok {
			s.closeResolver(vpc)
		}
	}
	for _, vpc := range sortedKeys(wanted.Names) {
		if err := s.openResolver(vpc, wanted.Resolvers[vpc]); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", vpc, err))
			continue
		}
		known := wanted.Names[vpc]
		s.resolvers[vpc].names.Store(&known)
	}
	errs = append(errs, s.followDownloads(wanted.Downloads), s.sessions.follow(wanted.Endpoints))
	errs = append(errs, s.followForwards(ctx, wanted.Forwards, beforeRedirect))
	return errors.Join(errs...)
}

// resolver answers DNS inside one VPC's router.
type resolver struct {
	names   atomic.Pointer[names]
	servers []*dns.Server
}

func (s *services) openResolver(vpc string, addr netip.Addr) error {
	if _, ok := s.resolvers[vpc]; ok {
		return nil
	}
	r := &resolver{}
	err := inNetns(s.prefix+vpc, func() error {
		for _, at := range []netip.Addr{addr, linkLocalDNS} {
			address := netip.AddrPortFrom(at, 53)
			packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(address))
			if err != nil {
				return fmt.Errorf("open the resolver's socket: %w", err)
			}
			r.servers = append(r.servers, &dns.Server{PacketConn: packets, Handler: r})
			stream, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(address))
			if err != nil {
				return fmt.Errorf("open the resolver's socket: %w", err)
			}
			r.servers = append(r.servers, &dns.Server{Listener: stream, Handler: r})
		}
		return nil
	})
	if err != nil {
		r.close()
		return err
	}
	for _, server := range r.servers {
		go func() {
			if err := server.ActivateAndServe(); err != nil && !errors.Is(err, net.ErrClosed) {
				s.log.Error("resolver ended", "vpc", vpc, "error", err)
			}
		}()
	}
	s.resolvers[vpc] = r
	return nil
}

// ServeDNS answers one query from the names of the moment.
func (r *resolver) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	known := r.names.Load()
	if known == nil {
		known = &names{}
	}
	// A client that has gone away is no concern of the resolver's.
	_ = w.WriteMsg(known.answer(query))
}

func (r *resolver) close() {
	for _, server := range r.servers {
		if server.PacketConn != nil {
			_ = server.PacketConn.Close()
		}
		if server.Listener != nil {
			_ = server.Listener.Close()
		}
	}
}

func (s *services) closeResolver(vpc string) {
	if r, ok := s.resolvers[vpc]; ok {
		r.close()
		delete(s.resolvers, vpc)
	}
}

// followDownloads opens or closes the download server's sockets, which are
// inside the internet namespace: that of the internet and that of S3.
func (s *services) followDownloads(open bool) error {
	if !open {
		if s.downloads != nil {
			_ = s.downloads.Close() // the fault cuts running downloads off
			s.downloads = nil
		}
		return nil
	}
	if s.downloads != nil {
		return nil
	}
	var listeners []net.Listener
	err := inNetns(s.prefix+"internet", func() error {
		for _, at := range []netip.Addr{downloadAddr, s3Addr} {
			listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(at, 80)))
			if err != nil {
				return err
			}
			listeners = append(listeners, listener)
		}
		return nil
	})
	if err != nil {
		for _, listener := range listeners {
			_ = listener.Close()
		}
		return fmt.Errorf("open the download server: %w", err)
	}
	offered := http.NewServeMux()
	offered.Handle("/", http.FileServer(http.Dir(s.downloadDir)))
	if s.archiveDir != "" {
		offered.Handle("/debian/", http.StripPrefix("/debian/", http.FileServer(http.Dir(s.archiveDir))))
	}
	server := &http.Server{Handler: offered, ReadHeaderTimeout: 10 * time.Second}
	s.downloads = server
	for _, listener := range listeners {
		go func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				s.log.Error("download server ended", "error", err)
			}
		}()
	}
	return nil
}

func (s *services) close() error {
	for _, vpc := range sortedKeys(s.resolvers) {
		s.closeResolver(vpc)
	}
	err := errors.Join(s.followDownloads(false), s.sessions.close())
	for key, f := range s.forwarders {
		f.close()
		delete(s.forwarders, key)
	}
	return err
}
