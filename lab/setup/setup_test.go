package setup

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestToolsArePinned(t *testing.T) {
	for _, tool := range append(checkTools(), pulumiTool(), languageHostTool()) {
		version, err := tool.version()
		if err != nil {
			t.Error(err)
			continue
		}
		if !regexp.MustCompile(`^v\d+\.\d+\.\d+$`).MatchString(version) {
			t.Errorf("%s is pinned to %q, which is no release", tool.name, version)
		}
		if !strings.Contains(tool.file("sum"), tool.module+" "+version+" h1:") {
			t.Errorf("the sums of %s do not hold its own module", tool.name)
		}
	}
}

func TestToolPathFollowsItsRecipe(t *testing.T) {
	one, other := pulumiTool(), pulumiTool()
	other.ldflags += " "
	if one.path("/c") == other.path("/c") {
		t.Error("two recipes share one path")
	}
	if one.path("/c") != pulumiTool().path("/c") {
		t.Error("one recipe has two paths")
	}
}

func TestUnfinishedToolIsNotReady(t *testing.T) {
	cache := t.TempDir()
	tool := pulumiTool()
	dir := filepath.Dir(tool.path(cache))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".partial"), []byte("half"), 0o755); err != nil {
		t.Fatal(err)
	}
	if tool.ready(cache) {
		t.Error("a build that was cut off counts as ready")
	}
}

func TestSuitablePulumi(t *testing.T) {
	for text, want := range map[string]bool{
		"v3.256.0\n":         true,
		"v3.250.0":           true,
		"v3.249.9":           false,
		"v4.0.0":             false,
		"v3.300.0-dev.12":    true,
		"":                   false,
		"command not found!": false,
	} {
		if got := suitablePulumi(text); got != want {
			t.Errorf("suitablePulumi(%q) = %v", text, got)
		}
	}
}

func TestMissingPackages(t *testing.T) {
	got := missingOf([]debianPackage{
		{name: "there", programs: []string{"sh"}},
		{name: "not-there", programs: []string{"sh", "no-such-program-anywhere"}},
		{name: "no-file", file: "/no/such/*"},
	})
	if strings.Join(got, " ") != "not-there no-file" {
		t.Errorf("missing packages are %q", got)
	}
}

func TestFindNamesWhatIsMissing(t *testing.T) {
	_, err := Find(t.Context(), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "Kafka") || !strings.Contains(err.Error(), "lab setup") {
		t.Errorf("error is %v", err)
	}
}
