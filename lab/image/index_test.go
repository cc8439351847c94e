package image

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestIndex: apt finds a package by what the package says of itself, and by name,
// size and digest of its file.
func TestIndex(t *testing.T) {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("needs dpkg-deb")
	}
	archive, tree := t.TempDir(), t.TempDir()
	if err := index(context.Background(), archive); err == nil {
		t.Error("an archive of nothing was indexed")
	}
	if err := os.Mkdir(filepath.Join(tree, "DEBIAN"), 0o755); err != nil {
		t.Fatal(err)
	}
	about := "Package: greeting\nVersion: 1:2.0-1\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\nDescription: a greeting\n"
	if err := os.WriteFile(filepath.Join(tree, "DEBIAN", "control"), []byte(about), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("dpkg-deb", "--build", tree, filepath.Join(archive, "greeting_2.0-1_all.deb")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := index(context.Background(), archive); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(filepath.Join(archive, "Packages"))
	if err != nil {
		t.Fatal(err)
	}
	form := `^(?s)Package: greeting\n.*Filename: greeting_2\.0-1_all\.deb\nSize: \d+\nSHA256: [0-9a-f]{64}\n\n$`
	if !regexp.MustCompile(form).Match(list) || !strings.Contains(string(list), "Version: 1:2.0-1\n") {
		t.Errorf("the list is\n%s", list)
	}
}

// A file's name in the archive has no epoch: apt asks a web server for it.
func TestEpoch(t *testing.T) {
	for name, want := range map[string]string{
		"libnspr4_2%3a4.35-1_amd64.deb": "libnspr4_4.35-1_amd64.deb", "java-common_0.74_all.deb": "java-common_0.74_all.deb",
	} {
		if got := epoch.ReplaceAllString(name, "_"); got != want {
			t.Errorf("%s becomes %s", name, got)
		}
	}
}
