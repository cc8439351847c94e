package image

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadyOnlyAfterTheRename(t *testing.T) {
	cache := t.TempDir()
	if Ready(cache) {
		t.Fatal("an empty cache must not be ready")
	}
	building := filepath.Join(cache, "image", ".building-1")
	if err := os.MkdirAll(building, 0o755); err != nil {
		t.Fatal(err)
	}
	if Ready(cache) {
		t.Fatal("an unfinished build must not be ready")
	}
	if err := os.Rename(building, directory(cache)); err != nil {
		t.Fatal(err)
	}
	root, err := Ensure(context.Background(), cache, io.Discard)
	if err != nil || root.Root != filepath.Join(directory(cache), "root") {
		t.Fatalf("Ensure of a built image = %v, %v", root, err)
	}
}

func TestAnotherRecipeIsAnotherDirectory(t *testing.T) {
	before := directory("/cache")
	saved := finish
	t.Cleanup(func() { finish = saved })
	finish += "\n# changed\n"
	if directory("/cache") == before {
		t.Fatal("the image of a changed recipe would be taken from the cache")
	}
}

func TestSweepRemovesUnfinishedBuildsAlone(t *testing.T) {
	parent := t.TempDir()
	for _, name := range []string{".building-a/proc", "0123456789abcdef/etc"} {
		if err := os.MkdirAll(filepath.Join(parent, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := sweep(parent); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != "0123456789abcdef" {
		t.Fatalf("left in the folder: %v", entries)
	}
}

func TestMountsBelow(t *testing.T) {
	table := strings.Join([]string{
		"22 27 0:21 / /proc rw - proc proc rw",
		"30 27 0:21 / /c/image/.building-1/proc rw - proc proc rw",
		"31 27 0:21 / /c/image/.building-1 rw - tmpfs t rw",
		"32 27 0:21 / /c/image/.building-10/sys rw - sysfs s rw",
	}, "\n")
	want := []string{"/c/image/.building-1/proc", "/c/image/.building-1"}
	if diff := cmp.Diff(want, mountsBelow(table, "/c/image/.building-1")); diff != "" {
		t.Errorf("mounts below (-want +got):\n%s", diff)
	}
}
