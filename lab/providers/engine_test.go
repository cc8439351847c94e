package providers

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/lab/control"
	"kraftstack/lab/paths"
	"kraftstack/lab/setup"
)

// pulumiCLI is the engine that the set-up found or built.
func pulumiCLI(t *testing.T) auto.PulumiCommand {
	t.Helper()
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	tools, err := setup.Find(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	// The Automation API wants the folder that holds bin/pulumi.
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(tools.Pulumi, filepath.Join(root, "bin", "pulumi")); err != nil {
		t.Fatal(err)
	}
	cli, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	return cli
}

// emulator runs the lab's AWS API of these tests and ends with them.
func emulator(t *testing.T) string {
	t.Helper()
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	c, err := control.Start(t.Context(), control.Config{Dir: t.TempDir(), CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c.URL()
}

// world is an emulator with the stand-ins in front of it.
type world struct {
	t       *testing.T
	url     string
	servers *Server
	cli     auto.PulumiCommand
	ec2     *ec2.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	url := emulator(t)
	s, err := Serve(context.Background(), Options{AWSEndpoint: url, Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{t: t, url: url, servers: s, cli: pulumiCLI(t), ec2: client(url, "us-east-1")}
}

func client(url, region string) *ec2.Client {
	return ec2.NewFromConfig(aws.Config{Region: region, BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
}

// stack makes an inline stack with its own state, configured for the lab.
func (w *world) stack(name string, config map[string]string, program pulumi.RunFunc) auto.Stack {
	w.t.Helper()
	ctx := context.Background()
	home := w.t.TempDir()
	s, err := auto.UpsertStackInlineSource(ctx, name, "standins", program,
		auto.Pulumi(w.cli), auto.PulumiHome(home), auto.WorkDir(w.t.TempDir()),
		auto.Project(workspace.Project{Name: tokens.PackageName("standins"),
			Runtime: workspace.NewProjectRuntimeInfo("go", nil),
			Backend: &workspace.ProjectBackend{URL: "file://" + home}}),
		auto.EnvVars(map[string]string{
			"PULUMI_DEBUG_PROVIDERS":                      w.servers.Env(),
			"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
			"PULUMI_SKIP_UPDATE_CHECK":                    "true",
			"PULUMI_CONFIG_PASSPHRASE":                    "test",
		}))
	if err != nil {
		w.t.Fatal(err)
	}
	for key, value := range config {
		if err := s.SetConfig(ctx, key, auto.ConfigValue{Value: value}); err != nil {
			w.t.Fatal(err)
		}
	}
	return s
}

// lab is the configuration of a stack that belongs to the lab.
func lab(region string) map[string]string {
	return map[string]string{"aws:region": region, "aws:profile": "kraftstack-lab"}
}

// up must work; it gives the number of resources for each kind of change.
func (w *world) up(s auto.Stack) map[string]int {
	w.t.Helper()
	res, err := s.Up(context.Background())
	if err != nil {
		w.t.Fatalf("up: %v", err)
	}
	if res.Summary.ResourceChanges == nil {
		w.t.Fatal("up gave no summary")
	}
	return *res.Summary.ResourceChanges
}

// refresh must find nothing changed, or what is wanted.
func (w *world) refresh(s auto.Stack) map[string]int {
	w.t.Helper()
	res, err := s.Refresh(context.Background())
	if err != nil {
		w.t.Fatalf("refresh: %v", err)
	}
	return *res.Summary.ResourceChanges
}

// changed sums up all but what stayed the same.
func changed(counts map[string]int) int {
	n := 0
	for op, count := range counts {
		if op != string(apitype.OpSame) {
			n += count
		}
	}
	return n
}

func (w *world) destroy(s auto.Stack) {
	w.t.Helper()
	if _, err := s.Destroy(context.Background()); err != nil {
		w.t.Fatalf("destroy: %v", err)
	}
}

// mustSay fails unless err holds all the texts.
func mustSay(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error lacks %q:\n%v", text, err)
		}
	}
}

func contains(s, part string) bool { return strings.Contains(s, part) }

// mustNotSay fails when a text that has to stay secret shows up.
func mustNotSay(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("%q shows up in:\n%s", s, text)
		}
	}
}

// TestEngine drives the real engine against the stand-ins and the lab's AWS,
// which are started once for all stories.
func TestEngine(t *testing.T) {
	w := newWorld(t)
	for _, story := range []struct {
		name string
		tell func(*world)
	}{
		{"the life of a network", (*world).lifeOfANetwork},
		{"two regions side by side", (*world).twoRegions},
		{"what is not known is refused", (*world).unknownIsRefused},
		{"a stack that is not the lab's is refused", (*world).foreignStackIsRefused},
	} {
		t.Run(story.name, func(t *testing.T) {
			own := *w
			own.t = t
			story.tell(&own)
		})
	}
}
