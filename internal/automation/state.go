package automation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/internal/fail"
)

// Export is a stack's whole state as `pulumi stack import` takes it back, with
// its secrets encrypted as they are. Nil if there is no such stack yet.
func Export(ctx context.Context, dir, stack string) ([]byte, error) {
	text, err := ask(ctx, dir, "export the state of stack "+stack, stack, "stack", "export", "--stack", stack)
	var known *fail.Error
	if errors.As(err, &known) && errors.Is(known.Err, ErrNoStack) {
		return nil, nil
	}
	return []byte(text), err
}

// Remove takes an empty stack out of the state backend, with its history. Its
// file stays.
func Remove(ctx context.Context, dir, stack string) error {
	_, err := ask(ctx, dir, "remove stack "+stack, stack, "stack", "rm", "--yes", "--preserve-config", "--stack", stack)
	return err
}

// PublicOutputs are a stack's outputs as its program exports them; a secret one
// is "[secret]".
func PublicOutputs(ctx context.Context, dir, stack string) (map[string]any, error) {
	op := "read the outputs of stack " + stack
	text, err := ask(ctx, dir, op, stack, "stack", "output", "--json", "--stack", stack)
	if err != nil {
		return nil, err
	}
	var outputs map[string]any
	if err := json.Unmarshal([]byte(text), &outputs); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if len(outputs) == 0 {
		return nil, notDeployed(stack)
	}
	return outputs, nil
}

// Past is one operation in the state backend's own history, which has the runs
// of every machine that changed something.
type Past struct {
	Kind    string
	Began   time.Time
	Ended   time.Time
	Result  string // succeeded or failed
	Message string
	Changes map[string]int
	By      string // the author of the commit, where it was known
}

// History reads the backend's history of a stack, newest first, at most count.
func History(ctx context.Context, dir, stack string, count int) ([]Past, error) {
	op := "read the history of stack " + stack
	text, err := ask(ctx, dir, op, stack, "stack", "history", "--json", "--page-size", strconv.Itoa(count), "--page", "1", "--stack", stack)
	if err != nil {
		return nil, err
	}
	// The times are texts here, and numbers in the CLI's own types.
	var entries []struct {
		Kind            string            `json:"kind"`
		StartTime       time.Time         `json:"startTime"`
		EndTime         time.Time         `json:"endTime"`
		Result          string            `json:"result"`
		Message         string            `json:"message"`
		Environment     map[string]string `json:"environment"`
		ResourceChanges map[string]int    `json:"resourceChanges"`
	}
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	var all []Past
	for _, e := range entries {
		all = append(all, Past{
			Kind: e.Kind, Began: e.StartTime, Ended: e.EndTime, Result: e.Result, Changes: e.ResourceChanges,
			Message: strings.Trim(e.Message, `"`), By: e.Environment["git.author"],
		})
	}
	return all, nil
}

// Import makes a state, as Export returns it, that of a stack, which is made if there
// is none. What the stack's state was before is lost.
func Import(ctx context.Context, dir, stack string, state []byte) error {
	op := "restore the state of stack " + stack
	_, err := ask(ctx, dir, op, stack, "stack", "select", "--stack", stack)
	if errors.Is(err, ErrNoStack) {
		made := []string{"stack", "init", stack, "--no-select"}
		if provider := secretsProvider(dir, stack); provider != "" {
			made = append(made, "--secrets-provider", provider)
		}
		_, err = ask(ctx, dir, op, stack, made...)
	}
	if err != nil {
		return err
	}
	_, err = tell(ctx, dir, bytes.NewReader(state), op, stack, "stack", "import", "--stack", stack)
	return err
}

// Resources counts what a state, as Export returns it, has.
func Resources(state []byte) (int, error) {
	if state == nil {
		return 0, nil
	}
	var exported apitype.UntypedDeployment
	var deployment struct {
		Resources []json.RawMessage `json:"resources"`
	}
	if err := json.Unmarshal(state, &exported); err != nil {
		return 0, fmt.Errorf("read a stack's state: %w", err)
	}
	if len(exported.Deployment) > 0 {
		if err := json.Unmarshal(exported.Deployment, &deployment); err != nil {
			return 0, fmt.Errorf("read a stack's state: %w", err)
		}
	}
	return len(deployment.Resources), nil
}
