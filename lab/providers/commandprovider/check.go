package commandprovider

import (
	"context"
	"fmt"
	"reflect"
	"sort"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// What is logged while a command runs.
const (
	logBoth   = "stdoutAndStderr"
	logStdout = "stdout"
	logStderr = "stderr"
	logNone   = "none"
)

// Check refuses unknown arguments itself, with nothing but their names: the
// error of the library quotes the values beside them, private keys included.
func (*command) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[commandArgs], error) {
	failures := unknownNames("", req.NewInputs, reflect.TypeFor[commandArgs]())
	if c, ok := req.NewInputs.GetOk("connection"); ok && c.IsMap() {
		failures = append(failures, checkConnection("connection", c.AsMap(), reflect.TypeFor[connection]())...)
	}
	if l, ok := req.NewInputs.GetOk("logging"); ok && l.IsString() {
		switch l.AsString() {
		case logBoth, logStdout, logStderr, logNone:
		default:
			failures = append(failures, p.CheckFailure{Property: "logging",
				Reason: fmt.Sprintf("logging is %q, allowed are %s, %s, %s and %s", l.AsString(), logStdout, logStderr, logBoth, logNone)})
		}
	}
	if len(failures) > 0 {
		return infer.CheckResponse[commandArgs]{Failures: unquoted(failures)}, nil
	}
	in, failures, err := infer.DefaultCheck[commandArgs](ctx, req.NewInputs)
	return infer.CheckResponse[commandArgs]{Inputs: in, Failures: unquoted(failures)}, err
}

// unquoted names the argument in the reason alone: the engine prints the value
// of a failure's property beside it, and that may be a key.
func unquoted(failures []p.CheckFailure) []p.CheckFailure {
	for i, f := range failures {
		if f.Property != "" {
			failures[i] = p.CheckFailure{Reason: f.Property + ": " + f.Reason}
		}
	}
	return failures
}

func checkConnection(path string, m property.Map, t reflect.Type) []p.CheckFailure {
	failures := unknownNames(path+".", m, t)
	if key, ok := m.GetOk("hostKey"); !ok || key.IsString() && strings.TrimSpace(key.AsString()) == "" {
		failures = append(failures, p.CheckFailure{Property: path + ".hostKey",
			Reason: "no host key is given: the lab connects to hosts with a pinned key only"})
	} else if key.IsString() {
		if _, err := pinned(key.AsString()); err != nil {
			failures = append(failures, p.CheckFailure{Property: path + ".hostKey", Reason: err.Error()})
		}
	}
	if proxy, ok := m.GetOk("proxy"); ok && proxy.IsMap() {
		failures = append(failures, checkConnection(path+".proxy", proxy.AsMap(), reflect.TypeFor[endpoint]())...)
	}
	return failures
}

func unknownNames(prefix string, m property.Map, t reflect.Type) []p.CheckFailure {
	known := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		if tag, ok := f.Tag.Lookup("pulumi"); ok {
			known[strings.Split(tag, ",")[0]] = true
		}
	}
	var names []string
	for name := range m.AsMap() {
		if !known[name] && !strings.HasPrefix(name, "__") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	var failures []p.CheckFailure
	for _, name := range names {
		failures = append(failures, p.CheckFailure{Property: prefix + name,
			Reason: fmt.Sprintf("the lab's stand-in for command:remote:Command does not have the argument %q", prefix+name)})
	}
	return failures
}
