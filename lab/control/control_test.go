package control

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kraftstack/lab/cloud"
	"kraftstack/lab/paths"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func start(t *testing.T, dir string) *Control {
	t.Helper()
	c, err := Start(t.Context(), config(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func config(t *testing.T, dir string) Config {
	t.Helper()
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	return Config{Dir: dir, CacheDir: cache, Log: testWriter{t}}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(string(bytes.TrimSpace(p)))
	return len(p), nil
}

func snapshot(t *testing.T, c *Control) cloud.Snapshot {
	t.Helper()
	began := time.Now()
	s, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("snapshot took %v", time.Since(began).Round(time.Millisecond))
	return s
}

func TestLifeOfACloud(t *testing.T) {
	t.Parallel()
	outer, dir := t, t.TempDir()
	c := start(t, dir)
	empty := snapshot(t, c)
	if diff := cmp.Diff(cloud.Snapshot{}, empty, addresses, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("a new cloud is not empty (-want +got):\n%s", diff)
	}
	elsewhere := defaultVPC(t, c, "us-west-2") // by a read, which no journal has
	putObject(t, c)
	w := build(t, c)
	first := snapshot(t, c)
	want := w.want()
	sortSnapshot(&want)
	volumes := cmpopts.IgnoreFields(cloud.Snapshot{}, "Volumes")  // the root volume is among them
	acls := cmpopts.IgnoreFields(cloud.Snapshot{}, "NetworkACLs") // default ones: see TestSnapshotOfBorders
	aclOf := cmpopts.IgnoreFields(cloud.Subnet{}, "ACL")
	notDefault := cmpopts.IgnoreSliceElements(func(g cloud.SecurityGroup) bool { return len(g.Ingress) == 0 })
	if diff := cmp.Diff(want, first, addresses, volumes, acls, aclOf, notDefault, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}

	t.Run("a second start takes over the same process", func(t *testing.T) {
		again, err := Start(t.Context(), config(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		if again.Pid() != c.Pid() || !again.Alive(t.Context()) {
			t.Errorf("process %d became %d", c.Pid(), again.Pid())
		}
	})
	t.Run("a start that lost its note finds the process", func(t *testing.T) {
		if err := saveState(dir, process{Port: c.process.Port}); err != nil {
			t.Fatal(err)
		}
		again, err := Start(t.Context(), config(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		if again.Pid() != c.Pid() {
			t.Errorf("process %d became %d", c.Pid(), again.Pid())
		}
	})
	t.Run("killed, it comes back with the same cloud", func(t *testing.T) {
		kill(t, c)
		c = start(outer, dir)
		second := snapshot(t, c)
		if diff := cmp.Diff(first, second, addresses); diff != "" {
			t.Errorf("after the kill (-before +after):\n%s", diff)
		}
		if got := defaultVPC(t, c, "us-west-2"); got != elsewhere {
			t.Errorf("the default VPC of another region was %s and is %s", elsewhere, got)
		}
		if got := getObject(t, c); got != "state" {
			t.Errorf("the object holds %q", got)
		}
		api := ec2.NewFromConfig(c.awsConfig(Region))
		must[*ec2.RunInstancesOutput](t)(api.RunInstances(t.Context(), w.launch("broker-1002")))
	})
	t.Run("killed in the middle of a line, it forgets what nobody was told", func(t *testing.T) {
		before := snapshot(t, c)
		kill(t, c)
		appendTo(t, filepath.Join(dir, "journal"), `{"n":99,"time":"20`)
		c = start(outer, dir)
		if diff := cmp.Diff(before, snapshot(t, c), addresses); diff != "" {
			t.Errorf("after the kill (-before +after):\n%s", diff)
		}
	})
	t.Run("secrets are readable by the owner alone", func(t *testing.T) {
		info, err := os.Stat(filepath.Join(dir, "journal"))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("the journal has mode %v", info.Mode())
		}
	})
	t.Run("with another journal it refuses to serve", func(t *testing.T) {
		kill(t, c)
		tamper(t, filepath.Join(dir, "journal"))
		_, err := Start(t.Context(), config(t, dir))
		if !errors.Is(err, ErrGone) {
			t.Fatalf("got %v, want %v", err, ErrGone)
		}
		if _, err := Attach(t.Context(), config(t, dir)); !errors.Is(err, ErrNotRunning) {
			t.Errorf("got %v, want %v", err, ErrNotRunning)
		}
	})
}

// An object goes through headers and a path, unlike everything in EC2.
const bucket, key = "kraftstack-state", "stacks/a b+c.json"

func s3Of(c *Control) *s3.Client {
	return s3.NewFromConfig(c.awsConfig(Region), func(o *s3.Options) { o.UsePathStyle = true })
}

func putObject(t *testing.T, c *Control) {
	t.Helper()
	must[*s3.CreateBucketOutput](t)(s3Of(c).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}))
	must[*s3.PutObjectOutput](t)(s3Of(c).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(key), Body: strings.NewReader("state")}))
}

func getObject(t *testing.T, c *Control) string {
	t.Helper()
	got := must[*s3.GetObjectOutput](t)(s3Of(c).GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(key)}))
	defer got.Body.Close()
	return string(must[[]byte](t)(io.ReadAll(got.Body)))
}

func defaultVPC(t *testing.T, c *Control, region string) string {
	t.Helper()
	got := must[*ec2.DescribeVpcsOutput](t)(ec2.NewFromConfig(c.awsConfig(region)).DescribeVpcs(t.Context(), nil))
	return *got.Vpcs[0].VpcId
}

func kill(t *testing.T, c *Control) {
	t.Helper()
	if err := c.process.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// Nobody waits for it to be gone: neither does a daemon that is started anew.
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// tamper drops the journal's second request, so that all later ones stand elsewhere.
func tamper(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(content, []byte("\n"))
	if err := os.WriteFile(path, bytes.Join(append(lines[:2:2], lines[3:]...), nil), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	c := start(t, t.TempDir())
	api := ec2.NewFromConfig(c.awsConfig("eu-west-1"))
	version, err := c.Changes(t.Context(), -1)
	if err != nil {
		t.Fatal(err)
	}
	must[*ec2.DescribeVpcsOutput](t)(api.DescribeVpcs(t.Context(), nil))
	changed := make(chan int64, 1)
	go func() {
		got, err := c.Changes(t.Context(), version)
		if err != nil {
			t.Error(err)
		}
		changed <- got
	}()
	select {
	case <-changed:
		t.Fatal("a read counted as a change")
	case <-time.After(300 * time.Millisecond):
	}
	must[*ec2.CreateVpcOutput](t)(api.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.2.0.0/24")}))
	select {
	case got := <-changed:
		if got != version+1 {
			t.Errorf("version %d became %d", version, got)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the change was not told")
	}
	if s := snapshot(t, c); len(s.VPCs) != 1 {
		t.Errorf("the VPC in another region is missing: %+v", s.VPCs)
	}
}
