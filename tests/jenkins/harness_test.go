package jenkins_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kraftstack/lab/paths"
)

// groovyVersion is of the language that Jenkins' pipelines are written in.
const groovyVersion = "4.0.26"

// job is the multibranch job of one stack: a checkout with a stack file, and a
// lab of its own.
type job struct {
	stack     string
	workspace string
	classpath string // Groovy and the compiled harness
	scratch   string
}

func newJob(t *testing.T) *job {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("the lab needs root: it makes namespaces, mounts and loop devices")
	}
	// Short, since the lab's socket lies in it.
	lab := os.Getenv("KRAFTSTACK_STORIES_DIR")
	if lab == "" {
		lab = "/var/lib/kraftstack/stories"
	}
	t.Setenv("KRAFTSTACK_LAB_DIR", lab+"-jenkins")
	j := &job{stack: "jenkins", workspace: t.TempDir(), scratch: t.TempDir()}
	j.classpath = j.compile(t, groovy(t))
	j.checkout(t)
	j.must(t, "lab", "up")
	t.Cleanup(func() { j.must(t, "lab", "down") })
	return j
}

// checkout is what Jenkins' agent finds: the project, and the driver where
// `make build` puts it. The checks of a pull request are run by whoever runs
// this test already, so make only notes here that it was asked for them.
func (j *job) checkout(t *testing.T) {
	t.Helper()
	run(t, "go", "build", "-o", filepath.Join(j.workspace, "bin", "kraftstack"), "kraftstack/cmd/kraftstack")
	file := string(must(os.ReadFile("../../Pulumi.lab.yaml"))(t))
	for _, change := range [][2]string{
		{"zones: [us-east-1a, us-east-1b, us-east-1c]", "zones: [us-east-1a]"}, {"    count: 3\n", "    count: 1\n"}, {"    count: 3\n", "    count: 1\n"},
	} {
		if !strings.Contains(file, change[0]) {
			t.Fatalf("Pulumi.lab.yaml has no %q to replace", change[0])
		}
		file = strings.Replace(file, change[0], change[1], 1)
	}
	for name, text := range map[string]string{
		"Pulumi.yaml":         string(must(os.ReadFile("../../Pulumi.yaml"))(t)),
		"Pulumi.jenkins.yaml": file,
		"Makefile":            "build:\n\t@test -x bin/kraftstack\nlint test-unit:\n\t@echo $@ >> made\n",
	} {
		if err := os.WriteFile(filepath.Join(j.workspace, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// groovy is the language's jar, from Maven Central, kept in the cache.
func groovy(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(must(paths.Cache())(t), "groovy-"+groovyVersion)
	jar := filepath.Join(folder, "groovy-"+groovyVersion+".jar")
	if _, err := os.Stat(jar); err == nil {
		return jar
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	making := must(os.MkdirTemp(filepath.Dir(folder), ".groovy-"))(t)
	defer os.RemoveAll(making)
	run(t, "mvn", "--batch-mode", "--quiet", "--strict-checksums", "-Dstyle.color=never",
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
		"-Dartifact=org.apache.groovy:groovy:"+groovyVersion, "-DoutputDirectory="+making)
	// Another process may have brought it by now.
	if err := os.Rename(making, folder); err != nil && !errors.Is(err, os.ErrExist) {
		if _, gone := os.Stat(jar); gone != nil {
			t.Fatal(err)
		}
	}
	return jar
}

func (j *job) compile(t *testing.T, jar string) string {
	t.Helper()
	classes := t.TempDir()
	sources := must(filepath.Glob("harness/*.groovy"))(t)
	run(t, "java", append([]string{"-cp", jar, "org.codehaus.groovy.tools.FileSystemCompiler", "-d", classes}, sources...)...)
	return jar + ":" + classes
}

// build is one run of the job.
type build struct {
	journal []string
	result  string
	console string
}

const buildLimit = 8 * time.Minute

func (j *job) build(t *testing.T, properties ...string) *build {
	t.Helper()
	return j.buildOf(t, "../../Jenkinsfile", properties...)
}

func (j *job) buildOf(t *testing.T, jenkinsfile string, properties ...string) *build {
	t.Helper()
	dir := j.folder(t)
	journal, console, scenario := filepath.Join(dir, "journal"), filepath.Join(dir, "console"), filepath.Join(dir, "scenario.properties")
	text := strings.Join(append(properties, "workspace="+j.workspace, "journal="+journal, "console="+console, "param.STACK="+j.stack), "\n")
	if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), buildLimit)
	defer cancel()
	began := time.Now()
	out, err := exec.CommandContext(ctx, "java", "-cp", j.classpath, "Harness", jenkinsfile, scenario).CombinedOutput()
	lines, readErr := os.ReadFile(journal)
	if readErr != nil {
		t.Fatalf("the harness did not run: %v\n%s", err, out)
	}
	output, _ := os.ReadFile(console)
	b := &build{journal: strings.Split(strings.TrimSpace(string(lines)), "\n"), console: string(output) + string(out)}
	b.result, _ = strings.CutPrefix(b.journal[len(b.journal)-1], "result ")
	t.Logf("a build of %q: %s after %s", properties, b.result, time.Since(began).Round(100*time.Millisecond))
	j.scratch = dir
	return b
}

// lines are those of the journal that begin with some words.
func (b *build) lines(prefix string) []string {
	var found []string
	for _, line := range b.journal {
		if strings.HasPrefix(line, prefix) {
			found = append(found, line)
		}
	}
	return found
}

func (j *job) folder(t *testing.T) string { return must(os.MkdirTemp(t.TempDir(), "build-"))(t) }

// asked is what the person was shown.
func (j *job) asked(t *testing.T) string {
	t.Helper()
	return string(must(os.ReadFile(filepath.Join(j.scratch, "journal.input")))(t))
}

func (j *job) read(t *testing.T, name string) string {
	t.Helper()
	return string(must(os.ReadFile(filepath.Join(j.workspace, name)))(t))
}

// kraftstack runs the driver beside the job, as an operator does.
func (j *job) kraftstack(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := exec.Command(filepath.Join(j.workspace, "bin", "kraftstack"), args...)
	c.Dir = j.workspace
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		err = fmt.Errorf("kraftstack %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out), err
}

func (j *job) must(t *testing.T, args ...string) string {
	t.Helper()
	return must(j.kraftstack(t, args...))(t)
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// must is the value of a call that may not fail.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
