// Package providers serves the lab's stand-ins for the Pulumi providers aws,
// command and tls, for any number of engines at once.
package providers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"

	"kraftstack/lab/providers/attach"
	"kraftstack/lab/providers/awsprovider"
	"kraftstack/lab/providers/commandprovider"
	"kraftstack/lab/providers/tlsprovider"
)

// names are the providers that are served, in the order in which Env has them.
var names = [...]string{awsprovider.Name, commandprovider.Name, tlsprovider.Name}

// Options of the stand-ins.
type Options struct {
	// AWSEndpoint is the URL of the lab's AWS API, for example
	// http://127.0.0.1:5555.
	AWSEndpoint string
	// Ports maps provider names (aws, command, tls) to ports on 127.0.0.1; a
	// missing one or 0 means any free port.
	Ports map[string]int
	// IsOff says whether an instance's host has powered off; nil asks nobody.
	IsOff func(instance string) bool
	// Dial is how remote commands reach the first host on their way; nil is
	// TCP, as in a lab. Tests without hosts give their own.
	Dial commandprovider.DialFunc
	// Log gets a line for what goes wrong outside of any operation; nil drops
	// it.
	Log func(format string, args ...any)
}

// Server is the running set of stand-ins.
type Server struct {
	servers map[string]*attach.Server
}

// Serve starts the stand-ins. They run until Close or until ctx ends. An
// unknown name in Ports and a port that is taken are errors.
func Serve(ctx context.Context, opts Options) (*Server, error) {
	if opts.AWSEndpoint == "" {
		return nil, errors.New("lab providers: no AWS endpoint given")
	}
	all := map[string]attach.Provider{
		awsprovider.Name: {Name: awsprovider.Name, Version: awsprovider.Version, New: func() p.Provider {
			return awsprovider.New(awsprovider.Options{Endpoint: opts.AWSEndpoint, IsOff: opts.IsOff})
		}},
		commandprovider.Name: {Name: commandprovider.Name, Version: commandprovider.Version, New: func() p.Provider {
			return commandprovider.NewWithDialer(opts.Dial)
		}},
		tlsprovider.Name: {Name: tlsprovider.Name, Version: tlsprovider.Version, New: tlsprovider.New},
	}
	for name := range opts.Ports {
		if _, ok := all[name]; !ok {
			return nil, fmt.Errorf("lab providers: a port is given for %q; there are %s", name, strings.Join(names[:], ", "))
		}
	}
	s := &Server{servers: map[string]*attach.Server{}}
	for _, name := range names {
		server, err := attach.Listen(all[name], opts.Ports[name], opts.Log)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lab providers: %w", err), s.Close())
		}
		s.servers[name] = server
	}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	return s, nil
}

// Ports maps the names of the providers to where they listen.
func (s *Server) Ports() map[string]int {
	ports := map[string]int{}
	for name, server := range s.servers {
		ports[name] = server.Port()
	}
	return ports
}

// Env is the value of PULUMI_DEBUG_PROVIDERS that attaches an engine.
func (s *Server) Env() string { return Env(s.Ports()) }

// Env is the value of PULUMI_DEBUG_PROVIDERS for stand-ins on these ports.
func Env(ports map[string]int) string {
	var parts []string
	for _, name := range names {
		if port, ok := ports[name]; ok {
			parts = append(parts, fmt.Sprintf("%s:%d", name, port))
		}
	}
	return strings.Join(parts, ",")
}

// Close ends the stand-ins and frees their ports; operations in flight are
// cancelled. A second call does nothing.
func (s *Server) Close() error {
	var errs []error
	for _, name := range names {
		if server := s.servers[name]; server != nil {
			errs = append(errs, server.Close())
		}
	}
	return errors.Join(errs...)
}
