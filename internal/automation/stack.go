// Package automation runs the program's stack operations through Pulumi's
// Automation API: the one place that starts an engine.
package automation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"gopkg.in/yaml.v3"

	"kraftstack/config"
	"kraftstack/internal/fail"
)

const project = "kraftstack"

// Stack is one stack of the project in a folder, checked and ready to be
// operated on.
type Stack struct {
	Name string

	inner   auto.Stack
	create  bool // an operation makes it if there is none
	options Options
}

// ProjectDir finds the folder with Pulumi.yaml at or above a folder.
func ProjectDir(from string) (string, error) {
	dir, err := filepath.Abs(from)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "Pulumi.yaml")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", &fail.Error{
				Cause: fail.Config, Op: "find the project",
				Err:  fmt.Errorf("there is no Pulumi.yaml in %s or above it", from),
				Next: "run kraftstack in the project's folder, or name it with --dir",
			}
		}
		dir = parent
	}
}

// StackFile is the path of a stack's configuration.
func StackFile(dir, stack string) string {
	return filepath.Join(dir, "Pulumi."+stack+".yaml")
}

// Config reads and checks a stack's file without starting an engine. The
// values are what the file says, by full key.
func Config(dir, stack string) (map[string]string, error) {
	path := StackFile(dir, stack)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &fail.Error{
			Cause: fail.Config, Op: "read the stack file", Err: fmt.Errorf("%s does not exist", path),
			Next: "copy Pulumi.dev.yaml to it and set aws:region and access.adminCidrs",
		}
	}
	if err != nil {
		return nil, &fail.Error{Cause: fail.Config, Op: "read the stack file", Err: err}
	}
	values, err := config.Values(text)
	if err == nil {
		_, err = config.LoadFile(stack, values)
	}
	if err != nil {
		return nil, &fail.Error{
			Cause: fail.Config, Op: "check " + filepath.Base(path), Err: err,
			Next: "mend the stack file; docs/configuration.md lists every key. Nothing was changed",
		}
	}
	return values, nil
}

// Open makes a stack ready to be operated on with a program. Where create is
// set, the first operation makes a stack that does not exist yet. Whether it
// exists is not asked before: that costs a start of the CLI, each time, for what
// the operation itself tells.
func Open(ctx context.Context, dir, name string, program pulumi.RunFunc, create bool) (*Stack, error) {
	s, err := open(ctx, dir, name, program, newCommand(ctx))
	if err == nil {
		s.create = create
	}
	return s, err
}

func open(ctx context.Context, dir, name string, program pulumi.RunFunc, cli command) (*Stack, error) {
	inner, err := auto.SelectStackInlineSource(ctx, name, project, program, auto.WorkDir(dir), auto.Pulumi(cli), auto.SecretsProvider(secretsProvider(dir, name)))
	if _, wrong := cli.version(); wrong != nil {
		return nil, wrong
	}
	if err != nil {
		return nil, openError(name, err)
	}
	return &Stack{Name: name, inner: inner}, nil
}

// secretsProvider is what a stack file says of who encrypts its secrets: a new
// stack is made with it. "" is the backend's own way, a passphrase.
func secretsProvider(dir, stack string) string {
	var file struct {
		SecretsProvider string `yaml:"secretsprovider"`
	}
	// Config has read the file before: what is wrong with it has been told.
	text, err := os.ReadFile(StackFile(dir, stack))
	if err != nil || yaml.Unmarshal(text, &file) != nil {
		return ""
	}
	return file.SecretsProvider
}

// isMissing says whether an operation failed because there is no such stack.
func isMissing(err error) bool { return err != nil && strings.Contains(err.Error(), "no stack named") }

func openError(name string, err error) error {
	if isMissing(err) {
		return notDeployed(name)
	}
	if tokens.IsName(name) {
		return Classify("open stack "+name, err, nil)
	}
	return &fail.Error{Cause: fail.Config, Op: "open stack", Err: fmt.Errorf("%q is no stack name", name)}
}

// ErrNoStack is why an operation on a stack that was never made fails.
var ErrNoStack = errors.New("this state backend has no such stack")

func notDeployed(name string) error {
	return &fail.Error{
		Cause: fail.Config, Op: "open stack " + name, Err: ErrNoStack,
		Next: "kraftstack up --stack " + name + ", or check the name and the backend (pulumi whoami --verbose)",
	}
}
