package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clientTimeout bounds one call. The daemon answers from memory.
const clientTimeout = 10 * time.Second

// ErrNotRunning says that no daemon answers on the lab's socket.
var ErrNotRunning = errors.New("the lab's daemon is not running")

// Client speaks with the daemon of one lab over its socket.
type Client struct{ http http.Client }

// NewClient returns a client of the lab in a folder. It does not dial yet.
func NewClient(labDir string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", SocketPath(labDir))
	}
	return &Client{http: http.Client{
		Timeout:   clientTimeout,
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
	}}
}

// Status asks what runs. The error is ErrNotRunning when nobody answers.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	return s, c.call(ctx, http.MethodGet, "/status", nil, &s)
}

// Stop ends the daemon; hosts and the cloud's API run on. It returns when the
// daemon has taken the order, not when it has gone.
func (c *Client) Stop(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/stop", nil, nil)
}

// Fault switches a fault on or off.
func (c *Client) Fault(ctx context.Context, name string, on bool) error {
	query := url.Values{"name": {name}, "on": {strconv.FormatBool(on)}}
	return c.call(ctx, http.MethodPost, "/fault", query, nil)
}

func (c *Client) call(ctx context.Context, method, path string, query url.Values, answer any) error {
	address := url.URL{Scheme: "http", Host: "lab", Path: path, RawQuery: query.Encode()}
	request, err := http.NewRequestWithContext(ctx, method, address.String(), nil)
	if err != nil {
		return fmt.Errorf("make the call %s to the lab's daemon: %w", path, err)
	}
	response, err := c.http.Do(request)
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) {
		return ErrNotRunning
	}
	if err != nil {
		return fmt.Errorf("call %s of the lab's daemon: %w", path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read the answer of the lab's daemon to %s: %w", path, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("the lab's daemon refuses %s: %s", path, strings.TrimSpace(string(body)))
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("read the answer of the lab's daemon to %s: %w", path, err)
	}
	return nil
}
