package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"kraftstack/internal/fail"
)

const (
	patchCommand = "sudo -n /opt/kraftstack/kafka-node patch"
	// patchRebooting is how kafka-node patch ends where it is to be called again
	// after a reboot.
	patchRebooting = 75
	// rebootLimit is how long a host may be away. Instances with much memory and
	// many disks take minutes.
	rebootLimit = 15 * time.Minute
	rebootPace  = 2 * time.Second
	bastionName = "bastion"
)

// PatchOptions narrow a patch.
type PatchOptions struct {
	// Hosts are the names of the only ones to patch; empty is all.
	Hosts []string
	// GateTimeoutSeconds is how long each node waits until the cluster can do
	// without it.
	GateTimeoutSeconds int
	// Say is told each line that a host says. It may be nil.
	Say func(host, line string)
}

// Patched is what became of one host.
type Patched struct {
	Name     string   `json:"name"`
	Packages []string `json:"packages"` // that were brought up to date; none: nothing was to do
	Rebooted bool     `json:"rebooted"`
}

// Patch brings the distribution's updates to the hosts, one after another: voters
// first and the quorum's leader last among them, then the other brokers, and the
// bastion at the end, so that the way in stays as it is while the cluster is between
// two hosts. It ends with the first host that fails; those before it are in the
// result, and the next call goes on there.
//
// Errors are *fail.Error: fail.Config for an unknown host, fail.Gate where the cluster
// cannot do without a node now, fail.Drift for a host that was changed by hand,
// fail.Unreachable for one that does not answer or stays away, fail.Step otherwise.
func Patch(ctx context.Context, out Outputs, options PatchOptions) ([]Patched, error) {
	hosts, err := patchOrder(ctx, out, options.Hosts)
	if err != nil {
		return nil, err
	}
	if options.Say == nil {
		options.Say = func(string, string) {}
	}
	done := []Patched{}
	for _, host := range hosts {
		patched, err := patchHost(ctx, out, host, options)
		if err != nil {
			return done, err
		}
		done = append(done, patched)
	}
	return done, nil
}

// patchOrder names the hosts in the order in which they are patched.
func patchOrder(ctx context.Context, out Outputs, wanted []string) ([]string, error) {
	for _, name := range wanted {
		if !slices.Contains(out.names(), name) {
			return nil, &fail.Error{Cause: fail.Config, Op: fmt.Sprintf("find host %q in stack %s", name, out.Stack),
				Next: "choose one of: " + strings.Join(out.names(), ", ")}
		}
	}
	view, err := Status(ctx, out, StatusOptions{})
	if err != nil {
		return nil, err
	}
	rank := func(n NodeOutput) int {
		switch {
		case !n.Is(RoleController):
			return 2
		case view.Quorum != nil && int(view.Quorum.Leader) == n.ID:
			return 1
		}
		return 0
	}
	nodes := slices.Clone(out.Nodes)
	slices.SortStableFunc(nodes, func(a, b NodeOutput) int { return rank(a) - rank(b) })
	var order []string
	for _, n := range nodes {
		order = append(order, n.Name)
	}
	if out.HasBastion() {
		order = append(order, bastionName)
	}
	if len(wanted) > 0 {
		order = slices.DeleteFunc(order, func(name string) bool { return !slices.Contains(wanted, name) })
	}
	return order, nil
}

// patchHost calls kafka-node patch until it ends otherwise than with a reboot. A
// connection that is lost is one too: an update may have restarted what it ran
// through, and what it began goes on without it.
func patchHost(ctx context.Context, out Outputs, host string, options PatchOptions) (Patched, error) {
	command := patchCommand
	if node, ok := out.Node(host); ok {
		command += fmt.Sprintf(" --node-id=%d --gate-timeout=%d", node.ID, options.GateTimeoutSeconds)
	}
	var away time.Time // since when the host is; zero while it is not
	tick := time.NewTicker(rebootPace)
	defer tick.Stop()
	for {
		patched, err := patchOnce(ctx, out, host, command, options.Say)
		leaves := patchLeaves(err)
		if stays := !leaves && (away.IsZero() || fail.Of(err) != fail.Unreachable); err == nil || stays || ctx.Err() != nil {
			return patched, patchError(ctx, out, host, err)
		}
		if away.IsZero() {
			away = time.Now()
		}
		if time.Since(away) > rebootLimit {
			return Patched{}, &fail.Error{Cause: fail.Unreachable, Op: "wait for the host to come back", Host: host, Step: "patch",
				Err:  fmt.Errorf("it was away for %s: %s", rebootLimit, reason(err)),
				Next: fmt.Sprintf("look at the instance's console; kraftstack patch --stack %s goes on when it answers", out.Stack)}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// patchOnce is one call, over a connection of its own: the bastion reboots as well.
func patchOnce(ctx context.Context, out Outputs, host, command string, say func(host, line string)) (Patched, error) {
	t, err := Dial(ctx, out)
	if err != nil {
		return Patched{}, err
	}
	defer func() { _ = t.Close() }()
	account := &lastLine{say: func(line string) { say(host, line) }}
	trouble := &lastLine{say: account.say}
	err = Session{Host: host, Command: command, Stdout: account, Stderr: trouble}.Run(ctx, t)
	trouble.end(true)
	account.end(err != nil)
	if err != nil {
		return Patched{}, err
	}
	patched := Patched{Name: host}
	if err := json.Unmarshal([]byte(account.last), &patched); err != nil || patched.Packages == nil {
		return Patched{}, &fail.Error{Cause: fail.Internal, Op: "read what kafka-node patch printed", Host: host, Step: "patch",
			Next: fmt.Sprintf("kraftstack up --stack %s brings this program's toolkit to the host", out.Stack)}
	}
	return patched, nil
}

// patchLeaves says whether the host is about to be away.
func patchLeaves(err error) bool {
	status, ended := errors.AsType[*fail.StatusError](err)
	return ended && status.Code == patchRebooting || errors.Is(err, errConnectionLost)
}

// patchError is the end of a call as the person is told of it.
func patchError(ctx context.Context, out Outputs, host string, err error) error {
	status, ended := errors.AsType[*fail.StatusError](err)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &fail.Error{Cause: fail.Cancelled, Op: "patch", Host: host, Step: "patch", Err: context.Cause(ctx),
			Next: fmt.Sprintf("what the host has begun it ends by itself; kraftstack patch --stack %s goes on there", out.Stack)}
	case ended:
		return patchFailure(out, host, status.Code)
	}
	return err
}

// patchFailure is the failure that the host has told in its own words.
func patchFailure(out Outputs, host string, code int) error {
	failure := &fail.Error{Cause: fail.Step, Op: fmt.Sprintf("kafka-node patch ended with %d", code), Host: host, Step: "patch",
		Next: fmt.Sprintf("do what the host says above; kraftstack patch --stack %s goes on there", out.Stack)}
	switch code {
	case fail.Gate.Exit():
		failure.Cause, failure.Op = fail.Gate, "the cluster cannot do without this node now: nothing was changed on it"
	case fail.Drift.Exit():
		failure.Cause, failure.Op = fail.Drift, "the host was changed by hand: nothing was changed on it"
	}
	return failure
}

// lastLine passes on all lines but the last.
type lastLine struct {
	say  func(line string)
	part []byte
	last string
	any  bool
}

var _ io.Writer = (*lastLine)(nil)

func (l *lastLine) Write(p []byte) (int, error) {
	l.part = append(l.part, p...)
	for {
		line, rest, whole := bytes.Cut(l.part, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		l.part = rest
		l.next(string(line))
	}
}

func (l *lastLine) next(line string) {
	if l.any {
		l.say(l.last)
	}
	l.last, l.any = line, true
}

// end says the last line too, where it is one like the others.
func (l *lastLine) end(say bool) {
	if len(l.part) > 0 {
		l.next(string(l.part))
	}
	if say && l.any {
		l.say(l.last)
	}
}
