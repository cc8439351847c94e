package datachannel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// sessionPort is the kind of session that carries a connection to a port.
const sessionPort = "Port"

// ClientVersion is the version of AWS's plugin whose protocol this is: agents
// decide by it what they may send.
const ClientVersion = "1.2.0.0"

// Statuses of an action that the agent asked for.
const (
	actionDone   = 1
	actionFailed = 2
)

type handshakeRequest struct {
	AgentVersion string            `json:"AgentVersion"`
	Actions      []requestedAction `json:"RequestedClientActions"`
}

type requestedAction struct {
	Type       string          `json:"ActionType"`
	Parameters json.RawMessage `json:"ActionParameters"`
}

type sessionType struct {
	Type       string            `json:"SessionType"`
	Properties map[string]string `json:"Properties"`
}

type handshakeResponse struct {
	ClientVersion string            `json:"ClientVersion"`
	Actions       []processedAction `json:"ProcessedClientActions"`
	Errors        []string          `json:"Errors"`
}

type processedAction struct {
	Type   string `json:"ActionType"`
	Status int    `json:"ActionStatus"`
	Result any    `json:"ActionResult"`
	Error  string `json:"Error"`
}

type handshakeComplete struct {
	Took    int64  `json:"HandshakeTimeToComplete"` // nanoseconds
	Message string `json:"CustomerMessage"`
}

// Shake is the client's part of the hand shake: it answers what the agent asks
// for, which for a session to a port is that kind of session and nothing else.
func (s *Stream) Shake(ctx context.Context) error {
	var request handshakeRequest
	if err := s.expect(ctx, HandshakeRequest, &request); err != nil {
		return err
	}
	response := handshakeResponse{ClientVersion: ClientVersion, Actions: []processedAction{}}
	for _, action := range request.Actions {
		done := processedAction{Type: action.Type, Status: actionDone}
		if refused := refuse(action); refused != "" {
			done.Status, done.Error = actionFailed, refused
			response.Errors = append(response.Errors, refused)
		}
		response.Actions = append(response.Actions, done)
	}
	if err := s.sendJSON(ctx, HandshakeResponse, response); err != nil {
		return err
	}
	if len(response.Errors) > 0 {
		return errors.New(strings.Join(response.Errors, "; "))
	}
	return s.expect(ctx, HandshakeComplete, &handshakeComplete{})
}

// refuse says why an action cannot be done; "" where it can.
func refuse(action requestedAction) string {
	if action.Type != "SessionType" {
		return fmt.Sprintf("the agent asks for %s, which kraftstack does not do: SSH and TLS encrypt what passes through", action.Type)
	}
	var wanted struct {
		Type string `json:"SessionType"`
	}
	if err := json.Unmarshal(action.Parameters, &wanted); err != nil || wanted.Type != sessionPort {
		return fmt.Sprintf("the agent begins a session of type %q where one to a port was asked for", wanted.Type)
	}
	return ""
}

// Offer is the agent's part of the hand shake, for a session to a port.
func (s *Stream) Offer(ctx context.Context, agentVersion, port string) error {
	parameters, err := json.Marshal(sessionType{Type: sessionPort, Properties: map[string]string{"portNumber": port}})
	if err != nil {
		return err
	}
	request := handshakeRequest{AgentVersion: agentVersion, Actions: []requestedAction{{Type: "SessionType", Parameters: parameters}}}
	if err := s.sendJSON(ctx, HandshakeRequest, request); err != nil {
		return err
	}
	var response handshakeResponse
	if err := s.expect(ctx, HandshakeResponse, &response); err != nil {
		return err
	}
	if len(response.Actions) != 1 || response.Actions[0].Status != actionDone {
		return fmt.Errorf("the client did not agree to a session to a port: %s", strings.Join(response.Errors, "; "))
	}
	return s.sendJSON(ctx, HandshakeComplete, handshakeComplete{})
}

func (s *Stream) expect(ctx context.Context, kind PayloadType, into any) error {
	payload, err := s.Receive(ctx)
	if err != nil {
		return fmt.Errorf("wait for the hand shake: %w", err)
	}
	if payload.Type != kind {
		return fmt.Errorf("the hand shake has a payload of type %d where %d belongs", payload.Type, kind)
	}
	if err := json.Unmarshal(payload.Data, into); err != nil {
		return fmt.Errorf("read the hand shake: %w", err)
	}
	return nil
}

func (s *Stream) sendJSON(ctx context.Context, kind PayloadType, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return s.Send(ctx, Payload{Type: kind, Data: text})
}
