package automation

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"kraftstack/config"
	"kraftstack/internal/fail"
)

// Options narrow an operation or tie it to a plan. The zero value is the whole
// stack, without a plan.
type Options struct {
	// Targets are the URN patterns that the operation is about; nil is all.
	Targets []string
	// Plan is a file: Preview writes the plan of what Up would do to it, Up does
	// exactly what stands in it or fails. "" is no plan.
	Plan string
	// Message is kept with the operation in the state backend's history.
	Message string
}

// With is the stack with options for its next operation.
func (s *Stack) With(o Options) *Stack {
	narrowed := *s
	narrowed.options = o
	return &narrowed
}

// Targets are the URN patterns of the stack's next operation; nil is all.
func (s *Stack) Targets() []string { return s.options.Targets }

// IsName says whether a text can be a stack's name.
func IsName(name string) bool { return tokens.IsName(name) }

// bastion is the one host that is no node.
const bastion = "bastion"

// Targets are the patterns that match the resources of some hosts of a stack
// and nothing else: the component and its children, whose names begin with its
// own. A host that the stack file does not have is refused.
func Targets(dir, stack string, hosts []string) ([]string, error) {
	values, err := Config(dir, stack)
	if err != nil {
		return nil, err
	}
	loaded, err := config.LoadFile(stack, values)
	if err != nil {
		return nil, err
	}
	var known []string
	if loaded.Access.HasBastion() {
		known = append(known, bastion)
	}
	for _, node := range loaded.Nodes() {
		known = append(known, node.Name)
	}
	var patterns []string
	for _, host := range hosts {
		if !slices.Contains(known, host) {
			return nil, &fail.Error{
				Cause: fail.Config, Op: "find the host " + host, Err: errors.New("the stack file has no such host"),
				Next: "name one of " + strings.Join(known, ", "),
			}
		}
		in := fmt.Sprintf("urn:pulumi:%s::%s::**::%s", stack, project, host)
		patterns = append(patterns, in, in+"-*")
	}
	return patterns, nil
}
