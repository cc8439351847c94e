package commandprovider

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"
)

// endpoint is how to reach and log in to one SSH server.
type endpoint struct {
	DialErrorLimit     *int     `pulumi:"dialErrorLimit,optional"`
	Host               string   `pulumi:"host"`
	HostKey            *string  `pulumi:"hostKey,optional"`
	Password           *string  `pulumi:"password,optional" provider:"secret"`
	PerDialTimeout     *int     `pulumi:"perDialTimeout,optional"`
	Port               *float64 `pulumi:"port,optional"`
	PrivateKey         *string  `pulumi:"privateKey,optional" provider:"secret"`
	PrivateKeyPassword *string  `pulumi:"privateKeyPassword,optional" provider:"secret"`
	User               *string  `pulumi:"user,optional"`
}

// connection is an endpoint with an optional one to jump over.
type connection struct {
	endpoint
	Proxy *endpoint `pulumi:"proxy,optional"`
}

// Defaults of the real provider.
const (
	defaultUser       = "root"
	defaultPort       = 22
	defaultErrorLimit = 10
	defaultDialTime   = 15 * time.Second
)

// The pauses between two dials: the real provider's.
const (
	firstPause  = 100 * time.Millisecond
	pauseGrowth = 1.5
	longestWait = 5 * time.Second
)

func (e *endpoint) address() string {
	port := defaultPort
	if e.Port != nil {
		port = int(*e.Port)
	}
	return net.JoinHostPort(e.Host, strconv.Itoa(port))
}

// dialTime bounds one dial, handshake included. 0 means no bound, as in the
// real provider.
func (e *endpoint) dialTime() time.Duration {
	if e.PerDialTimeout == nil {
		return defaultDialTime
	}
	return time.Duration(*e.PerDialTimeout) * time.Second
}

// errorLimit is how many dials may fail before the last error counts; below 0
// there is no limit.
func (e *endpoint) errorLimit() int {
	if e.DialErrorLimit == nil {
		return defaultErrorLimit
	}
	return *e.DialErrorLimit
}

func pinned(authorized string) (ssh.PublicKey, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(authorized))
	if err != nil {
		return nil, errors.New("the host key does not have the form of an authorized_keys line: type, then base64")
	}
	return key, nil
}

// keyMismatchError is an answer from something that is not the wanted host. It is
// not retried.
type keyMismatchError struct{ host, want, got string }

func (e *keyMismatchError) Error() string {
	return fmt.Sprintf("ssh: host key mismatch: %s has %s, wanted %s; another machine answers at this address", e.host, e.got, e.want)
}

func (e *endpoint) config() (*ssh.ClientConfig, error) {
	if e.HostKey == nil {
		return nil, fmt.Errorf("ssh: no host key is given for %s: the lab connects to hosts with a pinned key only", e.address())
	}
	want, err := pinned(*e.HostKey)
	if err != nil {
		return nil, fmt.Errorf("ssh: %s: %w", e.address(), err)
	}
	cfg := &ssh.ClientConfig{User: defaultUser, Timeout: e.dialTime(), HostKeyAlgorithms: algorithms(want.Type())}
	fixed := ssh.FixedHostKey(want)
	cfg.HostKeyCallback = func(host string, remote net.Addr, key ssh.PublicKey) error {
		if err := fixed(host, remote, key); err != nil {
			return &keyMismatchError{host: e.address(), want: ssh.FingerprintSHA256(want), got: ssh.FingerprintSHA256(key)}
		}
		return nil
	}
	if e.User != nil {
		cfg.User = *e.User
	}
	if e.PrivateKey != nil {
		signer, err := e.signer()
		if err != nil {
			return nil, fmt.Errorf("ssh: private key for %s: %w", e.address(), err)
		}
		cfg.Auth = append(cfg.Auth, ssh.PublicKeys(signer))
	}
	if e.Password != nil {
		cfg.Auth = append(cfg.Auth, ssh.Password(*e.Password))
	}
	return cfg, nil
}

func (e *endpoint) signer() (ssh.Signer, error) {
	if e.PrivateKeyPassword != nil {
		return ssh.ParsePrivateKeyWithPassphrase([]byte(*e.PrivateKey), []byte(*e.PrivateKeyPassword))
	}
	return ssh.ParsePrivateKey([]byte(*e.PrivateKey))
}

// algorithms are the signatures that fit a key: an RSA key has three.
func algorithms(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
	}
	return []string{keyType}
}

// link is a client together with the client that it runs through.
type link struct {
	*ssh.Client
	through *ssh.Client
}

// Close ends both.
func (l *link) Close() error {
	err := l.Client.Close()
	if l.through != nil {
		return errors.Join(err, l.through.Close())
	}
	return err
}

// dial reaches the host, over the proxy if there is one, and tries again until
// the dial limit of the one that fails is used up or ctx ends.
func (c *connection) dial(ctx context.Context, direct DialFunc) (*link, error) {
	if direct == nil {
		direct = (&net.Dialer{}).DialContext
	}
	target, err := c.config()
	if err != nil {
		return nil, err
	}
	if c.Proxy == nil {
		client, err := retried(ctx, &c.endpoint, func(ctx context.Context) (*ssh.Client, error) {
			return handshake(ctx, &c.endpoint, target, direct)
		})
		if err != nil {
			return nil, err
		}
		return &link{Client: client}, nil
	}
	jump, err := c.Proxy.config()
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	proxy, err := retried(ctx, c.Proxy, func(ctx context.Context) (*ssh.Client, error) {
		return handshake(ctx, c.Proxy, jump, direct)
	})
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	client, err := retried(ctx, &c.endpoint, func(ctx context.Context) (*ssh.Client, error) {
		return handshake(ctx, &c.endpoint, target, proxy.DialContext)
	})
	if err != nil {
		return nil, errors.Join(err, ignoreClosed(proxy.Close()))
	}
	return &link{Client: client, through: proxy}, nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// handshake makes one attempt, bounded by the endpoint's dial time.
func handshake(ctx context.Context, e *endpoint, cfg *ssh.ClientConfig, dial DialFunc) (*ssh.Client, error) {
	if limit := e.dialTime(); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	conn, err := dial(ctx, "tcp", e.address())
	if err != nil {
		return nil, err
	}
	// A connection through a proxy has no deadlines, so the end of the time
	// closes it.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	ssh1, channels, requests, err := ssh.NewClientConn(conn, e.address(), cfg)
	if !stop() || err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("ssh: handshake with %s: %w", e.address(), ctx.Err())
		}
		return nil, err
	}
	return ssh.NewClient(ssh1, channels, requests), nil
}

// retried dials until it works. What cannot get better, a foreign host key,
// ends it at once.
func retried(ctx context.Context, e *endpoint, once func(context.Context) (*ssh.Client, error)) (*ssh.Client, error) {
	pause := firstPause
	for failures := 0; ; {
		client, err := once(ctx)
		if err == nil {
			return client, nil
		}
		failures++
		if foreign, ok := errors.AsType[*keyMismatchError](err); ok {
			return nil, foreign
		}
		if limit := e.errorLimit(); limit >= 0 && failures > limit {
			return nil, fmt.Errorf("ssh: %s does not answer: after %d failed attempts: %w", e.address(), failures, err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("ssh: dialing %s was interrupted: %w; last error: %w", e.address(), ctx.Err(), err)
		case <-timer.C:
		}
		pause = min(time.Duration(float64(pause)*pauseGrowth), longestWait)
	}
}
