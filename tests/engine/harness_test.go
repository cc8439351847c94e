// Package engine_test tells what the real Pulumi engine does with the whole
// program, through the driver's own code. The cloud is the lab's AWS API; the
// hosts are SSH servers in this process that record what they are told.
package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/internal/automation"
	"kraftstack/internal/report"
	"kraftstack/lab"
	"kraftstack/lab/control"
	"kraftstack/lab/paths"
	"kraftstack/lab/providers"
	"kraftstack/lab/setup"
	"kraftstack/program"
)

// world is an emulated cloud with hosts that are none, and a state backend.
type world struct {
	t     *testing.T
	aws   aws.Config
	ec2   *ec2.Client
	hosts *hosts
	state string // the backend's folder
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	api, err := control.Start(t.Context(), control.Config{Dir: t.TempDir(), CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, state: t.TempDir(), aws: aws.Config{
		Region: control.Region, BaseEndpoint: aws.String(api.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(control.AccessKey, control.SecretKey, ""),
	}}
	w.ec2 = ec2.NewFromConfig(w.aws)
	w.hosts = newHosts(t, w.ec2)
	standIns, err := providers.Serve(context.Background(), providers.Options{
		AWSEndpoint: api.URL(), Dial: w.hosts.dial, Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standIns.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, value := range map[string]string{
		"PULUMI_BACKEND_URL": "file://" + w.state, "PULUMI_HOME": t.TempDir(),
		"PULUMI_CONFIG_PASSPHRASE": lab.Passphrase, "PULUMI_DEBUG_PROVIDERS": standIns.Env(),
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true", "AWS_EC2_METADATA_DISABLED": "true",
		"PATH": filepath.Dir(pulumiCLI(t, cache)) + string(filepath.ListSeparator) + os.Getenv("PATH"),
	} {
		t.Setenv(name, value)
	}
	return w
}

// pulumiCLI is the engine: $KRAFTSTACK_PULUMI, or what the set-up found or
// built.
func pulumiCLI(t *testing.T, cache string) string {
	t.Helper()
	if path := os.Getenv("KRAFTSTACK_PULUMI"); path != "" {
		return path
	}
	tools, err := setup.Find(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	return tools.Pulumi
}

// stack is one stack with its file, as the driver runs it.
type stack struct {
	*world
	name, dir string
	file      string // what Pulumi.NAME.yaml says
	stream    strings.Builder
}

// stack begins one like the lab's, with pieces of its file replaced.
func (w *world) stack(name string, pieces ...string) *stack {
	w.t.Helper()
	s := &stack{world: w, name: name, dir: w.t.TempDir()}
	root := filepath.Join("..", "..")
	project, err := os.ReadFile(filepath.Join(root, "Pulumi.yaml"))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "Pulumi.yaml"), project, 0o600); err != nil {
		w.t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "Pulumi.lab.yaml"))
	if err != nil {
		w.t.Fatal(err)
	}
	s.file = string(text)
	s.edit(pieces...)
	return s
}

// edit replaces pieces of the stack file: old, new, old, new …
func (s *stack) edit(pieces ...string) {
	s.t.Helper()
	// Pulumi adds to the file what the state's encryption needs.
	if text, err := os.ReadFile(automation.StackFile(s.dir, s.name)); err == nil {
		s.file = string(text)
	}
	for i := 0; i < len(pieces); i += 2 {
		if strings.Count(s.file, pieces[i]) != 1 {
			s.t.Fatalf("the stack file does not have %q once:\n%s", pieces[i], s.file)
		}
		s.file = strings.Replace(s.file, pieces[i], pieces[i+1], 1)
	}
	s.write(s.file)
}

// write makes a text the stack file.
func (s *stack) write(text string) {
	s.t.Helper()
	s.file = text
	if err := os.WriteFile(automation.StackFile(s.dir, s.name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// outcome is what one operation did.
type outcome struct {
	changes []string // "create broker-1001 volume", in the engine's order
	report  report.Report
	seen    []report.Resource
	counts  map[string]int // the engine's own count by kind of change
	calls   []call
	dials   int
	err     error
}

type operation func(*automation.Stack, context.Context, automation.Watcher) error

// run does what the driver does for one verb.
func (s *stack) run(operate operation) outcome {
	s.t.Helper()
	if _, err := automation.Config(s.dir, s.name); err != nil {
		s.t.Fatal(err)
	}
	opened, err := automation.Open(s.t.Context(), s.dir, s.name, program.Deploy, true)
	if err != nil {
		s.t.Fatal(err)
	}
	_, mark := s.hosts.since(0)
	dials := s.hosts.dialled()
	var o outcome
	collector := report.NewCollector(s.name)
	o.err = operate(opened, s.t.Context(), func(e apitype.EngineEvent) {
		collector.Watch(e)
		if e.SummaryEvent != nil {
			o.counts = map[string]int{}
			for op, n := range e.SummaryEvent.ResourceChanges {
				o.counts[string(op)] = n
			}
		}
		if err := json.NewEncoder(&s.stream).Encode(e); err != nil {
			s.t.Error(err)
		}
	})
	o.report, o.seen = collector.Report(), collector.Resources()
	for _, c := range o.report.Changes {
		o.changes = append(o.changes, strings.TrimSpace(c.Op+" "+c.Component+" "+c.Step))
	}
	o.calls, _ = s.hosts.since(mark)
	o.dials = s.hosts.dialled() - dials
	return o
}

// up has to work.
func (s *stack) up() outcome {
	s.t.Helper()
	o := s.run((*automation.Stack).Up)
	if o.err != nil {
		s.t.Fatalf("up: %v", o.err)
	}
	return o
}

// nothing fails the test unless the operation changed nothing and ran nothing.
func (o outcome) nothing(t *testing.T, what string) {
	t.Helper()
	if o.err != nil {
		t.Errorf("%s: %v", what, o.err)
	}
	if len(o.changes) > 0 || len(o.calls) > 0 || o.dials > 0 {
		t.Errorf("%s changed %q and ran %q with %d dials, want nothing", what, o.changes, o.verbs(), o.dials)
	}
	for op, n := range o.counts {
		if op != string(apitype.OpSame) && n > 0 {
			t.Errorf("%s counts %d of %s", what, n, op)
		}
	}
}

// verbs are the commands that ran, "broker-1001 roll", a failed one with "!".
func (o outcome) verbs() []string {
	var verbs []string
	for _, c := range o.calls {
		verb := c.Host + " " + c.Verb
		if c.Failed {
			verb += "!"
		}
		verbs = append(verbs, verb)
	}
	return verbs
}

// sorted is for what runs side by side.
func sorted(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return words
}

// nodes names a step of several brokers: "broker-1001 roll" …
func nodes(step string, ids ...int) []string {
	var all []string
	for _, id := range ids {
		all = append(all, fmt.Sprintf("broker-%d %s", id, step))
	}
	return all
}
