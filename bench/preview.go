package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/internal/automation"
	"kraftstack/lab"
	"kraftstack/lab/control"
	"kraftstack/lab/providers"
	"kraftstack/lab/setup"
	"kraftstack/program"
)

// brokerCounts are the sizes of row c.
var brokerCounts = [...]int{3, 30, 100}

// fullCount is the size of the stack that has everything; smallCount and
// largeCount are those of the row that tells how a preview grows.
const (
	fullCount  = 100
	smallCount = 30
	largeCount = 300
)

// previewRuns is how often each side of row c runs, in turn.
const previewRuns = 3

// previewTarget is how much more than the floor a preview may take.
const previewTarget = 1.3

// previews measures row c. It needs no host and no lab; see withCloud.
func (b *bench) previews(ctx context.Context) (rows []Row, err error) {
	err = b.withCloud(ctx, func(creating, usual string) error {
		for _, brokers := range brokerCounts {
			p := pair{bench: b, brokers: brokers, creating: creating, real: usual}
			measured, err := p.measure(ctx)
			if err != nil {
				return fmt.Errorf("%d brokers: %w", brokers, err)
			}
			rows = append(rows, measured...)
		}
		full := pair{bench: b, brokers: fullCount, full: true, creating: creating, real: usual}
		measured, err := full.measure(ctx)
		if err != nil {
			return fmt.Errorf("%d brokers with everything: %w", fullCount, err)
		}
		growth, err := full.growth(ctx)
		rows = append(append(rows, measured...), growth)
		return err
	})
	return rows, err
}

// growth compares a preview with one of ten times the brokers.
func (p pair) growth(ctx context.Context) (Row, error) {
	row := Row{
		Name: fmt.Sprintf("c  preview, everything on, %d brokers", largeCount), Unit: "s",
		MaxRatio: 1, PeerName: fmt.Sprintf("%d times that of %d brokers", largeCount/smallCount, smallCount),
	}
	var small Sample
	for brokers, sample := range map[int]*Sample{smallCount: &small, largeCount: &row.Ours} {
		p.brokers = brokers
		stack, err := p.ours(ctx)
		if err != nil {
			return row, err
		}
		want, err := p.preview(ctx, stack)
		if err != nil {
			return row, err
		}
		for range previewRuns {
			if err := p.timed(ctx, sample, stack, want); err != nil {
				return row, err
			}
		}
	}
	for _, value := range small.Values {
		row.Peer.add(value * largeCount / smallCount)
	}
	return row, nil
}

// withCloud gives an AWS API of its own and the lab's stand-in providers, as
// values of PULUMI_DEBUG_PROVIDERS. Only where a stack is made, the stand-in for
// remote commands is replaced by one that dials nobody; the previews that are
// timed talk to the very providers that a lab has.
func (b *bench) withCloud(ctx context.Context, use func(creating, usual string) error) (err error) {
	tools, err := setup.Find(ctx, b.cache)
	if err != nil {
		return err
	}
	api, err := control.Start(ctx, control.Config{Dir: filepath.Join(b.work, "aws"), CacheDir: b.cache})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.Stop(context.WithoutCancel(ctx))) }()
	standIns, err := providers.Serve(ctx, providers.Options{AWSEndpoint: api.URL()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, standIns.Close()) }()
	silent, err := serveSilentCommand()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, silent.Close()) }()
	creating := standIns.Ports()
	creating["command"] = silent.Port()

	restore, err := setEnvironment(b.previewEnvironment(tools))
	if err != nil {
		return err
	}
	defer restore()
	return use(providers.Env(creating), standIns.Env())
}

func (b *bench) previewEnvironment(tools setup.Tools) []lab.Variable {
	return []lab.Variable{
		{Name: "PULUMI_BACKEND_URL", Value: "file://" + filepath.Join(b.work, "state")},
		{Name: "PULUMI_HOME", Value: filepath.Join(b.work, "home")},
		{Name: "PULUMI_CONFIG_PASSPHRASE", Value: lab.Passphrase},
		{Name: "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", Value: "true"},
		{Name: "PULUMI_SKIP_UPDATE_CHECK", Value: "true"},
		{Name: "AWS_EC2_METADATA_DISABLED", Value: "true"},
		{Name: "PATH", Value: filepath.Dir(tools.Pulumi) + string(filepath.ListSeparator) + os.Getenv("PATH")},
	}
}

// pair is our stack of one size, and its floor.
type pair struct {
	*bench
	brokers        int
	full           bool   // everything is on that a stack can have
	creating, real string // values of PULUMI_DEBUG_PROVIDERS
}

// measure compares with two floors: the very resources of the stack, and as many
// of the smallest that there are.
func (p pair) measure(ctx context.Context) ([]Row, error) {
	ours, err := p.ours(ctx)
	if err != nil {
		return nil, err
	}
	shape, err := p.preview(ctx, ours)
	if err != nil {
		return nil, err
	}
	same, err := p.plainly(ctx, filepath.Join(p.work, ours.Name), ours.Name)
	if err != nil {
		return nil, err
	}
	smallest, err := p.floor(ctx, shape)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("c  preview, no changes, %d brokers", p.brokers)
	if p.full {
		name += ", everything on"
	}
	name += fmt.Sprintf(", %d resources", shape.plain+shape.components)
	rows := []Row{
		{Name: name, Unit: "s", MaxRatio: previewTarget, PeerName: "the same resources, plain"},
		{Name: name, Unit: "s", MaxRatio: previewTarget, PeerName: "as many of the smallest resources"},
	}
	for range previewRuns {
		if err := p.timed(ctx, &rows[0].Ours, ours, shape); err != nil {
			return nil, err
		}
		for i, floor := range []*automation.Stack{same, smallest} {
			if err := p.timed(ctx, &rows[i].Peer, floor, shape); err != nil {
				return nil, err
			}
		}
	}
	rows[1].Ours = rows[0].Ours
	return rows, nil
}

// timed adds one preview, which must show what it showed before.
func (p pair) timed(ctx context.Context, sample *Sample, stack *automation.Stack, want shape) error {
	return sample.timed(func() error {
		got, err := p.preview(ctx, stack)
		if err == nil && got != want {
			err = fmt.Errorf("stack %s previews %+v, not %+v", stack.Name, got, want)
		}
		return err
	})
}

// ours makes the stack in the state, without hosts.
func (p pair) ours(ctx context.Context) (*automation.Stack, error) {
	name, file := fmt.Sprintf("bench-%d", p.brokers), labStack
	changes := map[string]string{"    count: 3\n    instanceType: t3.small\n": fmt.Sprintf(
		"    count: %d\n    instanceType: t3.small\n", p.brokers)}
	if p.full {
		// The example of a production stack, with the one VPC to peer with that the
		// emulated account has, which has a route to each size's own addresses.
		name, file = fmt.Sprintf("bench-full-%d", p.brokers), "Pulumi.prod.yaml"
		changes = map[string]string{
			"  aws:region: us-east-1\n": "  aws:region: us-east-1\n  aws:profile: kraftstack-lab\n",
			"    cidr: 10.40.0.0/18\n":  fmt.Sprintf("    cidr: 10.%d.0.0/18\n", 40+p.brokers/10),
			"    count: 6\n":            fmt.Sprintf("    count: %d\n", p.brokers),
			"      id: vpc-0123456789abcdef0\n      cidr: 10.9.0.0/16\n": "      id: default\n",
		}
	}
	dir := filepath.Join(p.work, name)
	if err := p.projectOf(file, dir, name, changes); err != nil {
		return nil, err
	}
	return p.make(ctx, dir, name, program.Deploy)
}

// floor makes a stack of as many resources as ours has, each the smallest that there
// is.
func (p pair) floor(ctx context.Context, s shape) (*automation.Stack, error) {
	name := fmt.Sprintf("bench-floor-%d-%t", p.brokers, p.full)
	dir := filepath.Join(p.work, name)
	if err := writeFiles(dir, map[string]string{
		"Pulumi.yaml":              "name: kraftstack\nruntime: go\n",
		"Pulumi." + name + ".yaml": "config: {}\n",
	}); err != nil {
		return nil, err
	}
	return p.make(ctx, dir, name, s.program)
}

// make brings a stack into the state. Checkpoints between the steps are what
// takes long there and are nothing that is measured, so there are none.
func (p pair) make(ctx context.Context, dir, name string, program pulumi.RunFunc) (*automation.Stack, error) {
	p.sayf("making stack %s", name)
	if err := os.MkdirAll(filepath.Join(p.work, "state"), 0o700); err != nil {
		return nil, err
	}
	restore, err := setEnvironment([]lab.Variable{
		{Name: "PULUMI_DEBUG_PROVIDERS", Value: p.creating},
		{Name: "PULUMI_EXPERIMENTAL", Value: "true"},
		{Name: "PULUMI_SKIP_CHECKPOINTS", Value: "true"},
	})
	if err != nil {
		return nil, err
	}
	defer restore()
	stack, err := automation.Open(ctx, dir, name, program, true)
	if err != nil {
		return nil, err
	}
	return stack, stack.Up(ctx, func(apitype.EngineEvent) {})
}

// shape is how many resources of each kind a stack has.
type shape struct{ components, plain int }

// preview runs one and tells what it saw. A change is an error: the row is
// about having none.
func (p pair) preview(ctx context.Context, stack *automation.Stack) (shape, error) {
	restore, err := setEnvironment([]lab.Variable{{Name: "PULUMI_DEBUG_PROVIDERS", Value: p.real}})
	if err != nil {
		return shape{}, err
	}
	defer restore()
	var seen shape
	var changes []string
	err = stack.Preview(ctx, func(event apitype.EngineEvent) {
		if event.ResourcePreEvent == nil {
			return
		}
		m := event.ResourcePreEvent.Metadata
		switch {
		case m.Op != apitype.OpSame:
			changes = append(changes, fmt.Sprintf("%s of %s %v", m.Op, m.URN, m.Diffs))
		case strings.HasPrefix(m.Type, "pulumi:"): // the stack itself and its providers
		case strings.HasPrefix(m.Type, "kraftstack:"):
			seen.components++
		default:
			seen.plain++
		}
	})
	if err == nil && len(changes) > 0 {
		err = fmt.Errorf("the preview of stack %s has changes, the first of %d is: %s", stack.Name, len(changes), changes[0])
	}
	return seen, err
}
