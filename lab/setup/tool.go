package setup

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The tool modules pin every dependency of the programs that are built here,
// and their sums make Go verify each. They are not called go.mod, because Go
// embeds no file of a nested module.
//
//go:embed tools
var toolModules embed.FS

// goTool is a program that is built from the Go module proxy in a module of
// its own.
type goTool struct {
	name    string // the program, and the name of its module files under tools/
	module  string // whose version in the module file is the program's version
	pkg     string // the import path of its main package
	ldflags string // %s stands for the version
}

func pulumiTool() goTool {
	return goTool{
		name:   "pulumi",
		module: "github.com/pulumi/pulumi/pkg/v3",
		pkg:    "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
		// Without a version the Automation API refuses the program.
		ldflags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=%s",
	}
}

// languageHostTool is an old release, because later ones are no module of their
// own; it speaks the same protocol.
func languageHostTool() goTool {
	return goTool{
		name:    "pulumi-language-go",
		module:  "github.com/pulumi/pulumi/sdk/v3",
		pkg:     "github.com/pulumi/pulumi/sdk/v3/go/pulumi-language-go",
		ldflags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=%s",
	}
}

func lintTool() goTool {
	return goTool{
		name:    "golangci-lint",
		module:  "github.com/golangci/golangci-lint/v2",
		pkg:     "github.com/golangci/golangci-lint/v2/cmd/golangci-lint",
		ldflags: "-s -w -X main.version=%s",
	}
}

// sbomTool lists what the driver is built from.
func sbomTool() goTool {
	return goTool{
		name:    "cyclonedx-gomod",
		module:  "github.com/CycloneDX/cyclonedx-gomod",
		pkg:     "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod",
		ldflags: "-s -w",
	}
}

func vulnTool() goTool {
	return goTool{
		name:    "govulncheck",
		module:  "golang.org/x/vuln",
		pkg:     "golang.org/x/vuln/cmd/govulncheck",
		ldflags: "-s -w",
	}
}

// checkTools are the programs that the project's own checks need.
func checkTools() []goTool { return []goTool{lintTool(), sbomTool(), vulnTool()} }

// EnsureTool returns the path of a program that the project's own checks need,
// built on first use: golangci-lint, cyclonedx-gomod or govulncheck.
func EnsureTool(ctx context.Context, cacheDir, name string, out io.Writer) (string, error) {
	tools := checkTools()
	at := slices.IndexFunc(tools, func(t goTool) bool { return t.name == name })
	if at < 0 {
		return "", fmt.Errorf("no tool %q", name)
	}
	t := tools[at]
	step := Step{
		Name:  t.name,
		Ready: func() bool { return t.ready(cacheDir) },
		Run:   func(ctx context.Context, out io.Writer) error { return t.build(ctx, cacheDir, out) },
	}
	return t.path(cacheDir), RunSteps(ctx, out, []Step{step})
}

// path is where the program lies: under a hash of everything that makes it.
func (t goTool) path(cacheDir string) string {
	h := sha256.New()
	for _, part := range []string{t.file("mod"), t.file("sum"), t.pkg, t.ldflags} {
		fmt.Fprintf(h, "%d\n%s", len(part), part)
	}
	dir := t.name + "-" + hex.EncodeToString(h.Sum(nil))[:12]
	return filepath.Join(cacheDir, dir, t.name)
}

func (t goTool) ready(cacheDir string) bool {
	info, err := os.Stat(t.path(cacheDir))
	return err == nil && info.Mode().IsRegular()
}

// file reads one of the tool's module files. They are part of the program, so
// a missing one shows as a build that fails.
func (t goTool) file(ext string) string {
	text, err := toolModules.ReadFile("tools/" + t.name + "." + ext)
	if err != nil {
		return ""
	}
	return string(text)
}

// version is the one that the module file pins.
func (t goTool) version() (string, error) {
	line := regexp.MustCompile(`(?m)^\s*(?:require\s+)?` + regexp.QuoteMeta(t.module) + `\s+(v\S+)`)
	m := line.FindStringSubmatch(t.file("mod"))
	if m == nil {
		return "", fmt.Errorf("the module file of %s does not name %s", t.name, t.module)
	}
	return m[1], nil
}

// build compiles the program beside its place and moves it there, so that a
// build which is cut off leaves nothing that looks finished.
func (t goTool) build(ctx context.Context, cacheDir string, out io.Writer) error {
	version, err := t.version()
	if err != nil {
		return err
	}
	dir := filepath.Dir(t.path(cacheDir))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of %s: %w", t.name, err)
	}
	unlock, err := Lock(ctx, filepath.Join(dir, ".lock"), func(holder string) {
		fmt.Fprintf(out, "waiting for process %s, which builds it\n", holder)
	})
	if err != nil {
		return err
	}
	defer unlock()
	if t.ready(cacheDir) {
		return nil
	}
	for _, ext := range []string{"mod", "sum"} {
		if err := os.WriteFile(filepath.Join(dir, "go."+ext), []byte(t.file(ext)), 0o644); err != nil {
			return fmt.Errorf("write the module of %s: %w", t.name, err)
		}
	}
	fmt.Fprintf(out, "building %s %s from its Go module (minutes on the first run)\n", t.name, version)
	partial := filepath.Join(dir, ".partial")
	cmd := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-trimpath",
		"-ldflags", strings.ReplaceAll(t.ldflags, "%s", version), "-o", partial, t.pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off")
	if err := runQuiet(cmd); err != nil {
		return fmt.Errorf("build %s %s: %w; next: check that the Go module proxy can be reached (go env GOPROXY)", t.name, version, err)
	}
	return os.Rename(partial, t.path(cacheDir))
}
