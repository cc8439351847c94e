// Package sessionmanager reaches hosts that no network leads to, through AWS
// Session Manager: a session to a port of an instance as a connection, and an SSH
// server on this machine's loopback that passes connections on through sessions.
//
// AWS's own session-manager-plugin is a program for terminals. Its packages end
// the process, print, and turn a lone newline in the data into a carriage return,
// which no SSH connection survives; so the protocol is spoken here.
package sessionmanager

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/coder/websocket"

	"kraftstack/sessionmanager/datachannel"
)

// Document is the one Session Manager document that sessions are started with:
// it carries one connection to a port of the instance, whatever the port.
const Document = "AWS-StartSSHSession"

// terminateTimeout is for a session whose link is dead.
const terminateTimeout = 2 * time.Second

// Client starts sessions in one region. It is safe for use from several
// goroutines.
type Client struct {
	region, profile string

	mu     sync.Mutex
	loaded *aws.Config
}

// New is a client with the credentials of a profile, or those of the environment
// where profile is "". They are looked for when the first session starts.
func New(region, profile string) *Client { return &Client{region: region, profile: profile} }

// NotConnectedError says that an instance cannot be reached through Session
// Manager now: AWS knows of no agent there, or a session that it started did not open.
type NotConnectedError struct {
	Instance string
	Err      error // why the session did not open; nil where none was started
}

func (e *NotConnectedError) Error() string {
	text := "instance " + e.Instance + " is not connected to Session Manager"
	if e.Err != nil {
		text += ": the session did not open: " + e.Err.Error()
	}
	return text
}

func (e *NotConnectedError) Unwrap() error { return e.Err }

// Dial starts a session to a port of an instance, and is the connection to it.
// The session ends with the connection. The error is a *NotConnectedError where
// another instance may still be reached.
func (c *Client) Dial(ctx context.Context, instance string, port int) (net.Conn, error) {
	cfg, err := c.config(ctx)
	if err != nil {
		return nil, err
	}
	started, err := ssm.NewFromConfig(cfg).StartSession(ctx, &ssm.StartSessionInput{
		Target: aws.String(instance), DocumentName: aws.String(Document), Reason: aws.String("kraftstack"),
		Parameters: map[string][]string{"portNumber": {strconv.Itoa(port)}},
	})
	if _, away := errors.AsType[*types.TargetNotConnected](err); away {
		return nil, &NotConnectedError{Instance: instance}
	}
	if err != nil {
		return nil, fmt.Errorf("start a session to %s: %w", instance, err)
	}
	stream, err := open(ctx, cfg, aws.ToString(started.StreamUrl), aws.ToString(started.TokenValue))
	if err != nil {
		return nil, &NotConnectedError{Instance: instance, Err: err}
	}
	return datachannel.NewConn(stream, net.JoinHostPort(instance, strconv.Itoa(port)), terminate), nil
}

func (c *Client) config(ctx context.Context) (aws.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded != nil {
		return *c.loaded, nil
	}
	options := []func(*config.LoadOptions) error{config.WithRegion(c.region)}
	if c.profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.profile))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("find AWS credentials for Session Manager: %w", err)
	}
	c.loaded = &loaded
	return loaded, nil
}

// openDataChannel is the first message, by which the session's owner is known.
type openDataChannel struct {
	MessageSchemaVersion string `json:"MessageSchemaVersion"`
	RequestID            string `json:"RequestId"`
	TokenValue           string `json:"TokenValue"`
	ClientID             string `json:"ClientId"`
	ClientVersion        string `json:"ClientVersion"`
}

// open connects to the session's data channel and shakes hands with the agent.
func open(ctx context.Context, cfg aws.Config, url, token string) (*datachannel.Stream, error) {
	header, err := signed(ctx, cfg, url)
	if err != nil {
		return nil, err
	}
	conn, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return nil, err
	}
	if response.Body != nil {
		_ = response.Body.Close()
	}
	first, err := json.Marshal(openDataChannel{
		MessageSchemaVersion: "1.0", RequestID: datachannel.FormatUUID(datachannel.NewUUID()), TokenValue: token,
		ClientID: datachannel.FormatUUID(datachannel.NewUUID()), ClientVersion: datachannel.ClientVersion,
	})
	if err == nil {
		err = conn.Write(ctx, websocket.MessageText, first)
	}
	if err != nil {
		_ = conn.CloseNow()
		return nil, err
	}
	stream := datachannel.New(datachannel.WebSocket(conn), datachannel.Input) //nolint:contextcheck // it outlives this call, until it is closed
	if err := stream.Shake(ctx); err != nil {
		_ = stream.Close()
		return nil, err
	}
	return stream, nil
}

// signed is the signature of the request that opens the websocket.
func signed(ctx context.Context, cfg aws.Config, url string) (http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("find AWS credentials for Session Manager: %w", err)
	}
	empty := sha256.Sum256(nil)
	err = v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(empty[:]), "ssmmessages", cfg.Region, time.Now())
	return request.Header, err
}

// terminate asks the agent to end the session; without that it lasts until
// AWS's idle timeout.
func terminate(stream *datachannel.Stream) error {
	ctx, cancel := context.WithTimeout(context.Background(), terminateTimeout)
	defer cancel()
	return stream.Send(ctx, datachannel.Payload{Type: datachannel.Flag, Data: binary.BigEndian.AppendUint32(nil, datachannel.FlagTerminate)})
}
