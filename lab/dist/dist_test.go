package dist

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kraftstack/lab/paths"
)

func TestPackIsTheSameWhateverTheOrderAndTheTime(t *testing.T) {
	jar := fakeJar(t, t.TempDir(), "kafka-tools-9.9.9.jar", allClasses()...)
	first := archiveOf(t, []string{jar}, false)
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(jar, later, later); err != nil {
		t.Fatal(err)
	}
	second := archiveOf(t, []string{jar}, true)
	if first.sum != second.sum {
		t.Errorf("same content, two sums:\n%s\n%s", first.sum, second.sum)
	}
	if got := sha512.Sum512(first.bytes); hex.EncodeToString(got[:]) != first.sum {
		t.Errorf("pack returned %s, the file has %x", first.sum, got)
	}
	fakeJar(t, filepath.Dir(jar), filepath.Base(jar), append(allClasses(), "another.Class")...)
	if third := archiveOf(t, []string{jar}, false); third.sum == first.sum {
		t.Error("another jar gave the same sum")
	}
}

func TestLayoutIsThatOfApachesArchive(t *testing.T) {
	jar := fakeJar(t, t.TempDir(), "kafka-tools-9.9.9.jar", allClasses()...)
	entries := read(t, archiveOf(t, []string{jar}, false).bytes)
	var got []string
	for name, entry := range entries {
		want := int64(0o644)
		if strings.HasSuffix(name, ".sh") {
			want = 0o755
		}
		if entry.mode != want {
			t.Errorf("%s has mode %o, want %o", name, entry.mode, want)
		}
		got = append(got, name)
	}
	sort.Strings(got)
	var want []string
	for _, name := range []string{"NOTICE", "config/log4j2.yaml", "config/server.properties", "config/tools-log4j2.yaml",
		"libs/kafka-tools-9.9.9.jar", "bin/kafka-run-class.sh", "bin/kafka-server-start.sh", "bin/kafka-server-stop.sh"} {
		want = append(want, "kafka_2.13-9.9.9/"+name)
	}
	for _, tool := range tools {
		want = append(want, "kafka_2.13-9.9.9/bin/"+tool.name)
	}
	sort.Strings(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	launcher := string(entries["kafka_2.13-9.9.9/bin/kafka-topics.sh"].content)
	if !strings.Contains(launcher, " org.apache.kafka.tools.TopicCommand ") {
		t.Errorf("kafka-topics.sh runs another class:\n%s", launcher)
	}
}

func TestLauncherWithoutItsClassIsRefused(t *testing.T) {
	jar := fakeJar(t, t.TempDir(), "kafka-tools-9.9.9.jar", "org.apache.kafka.tools.TopicCommand")
	_, err := layout("9.9.9", []string{jar})
	if err == nil || !strings.Contains(err.Error(), "kafka-acls.sh: none of the jars has its class") {
		t.Errorf("got %v", err)
	}
}

func TestEnsureRefusesWhatIsNoVersion(t *testing.T) {
	for _, version := range []string{"", "4", "4.3", "4.3.0/..", "../4.3.0", "latest"} {
		if _, err := Ensure(context.Background(), t.TempDir(), version, io.Discard); err == nil {
			t.Errorf("version %q was taken", version)
		}
	}
}

func TestEnsureSaysWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Ensure(context.Background(), t.TempDir(), "4.3.0", io.Discard)
	if err == nil || !strings.Contains(err.Error(), "next: apt-get install maven") {
		t.Errorf("got %v", err)
	}
}

func TestEnsureStopsWaitingForTheLockWithItsContext(t *testing.T) {
	cache := t.TempDir()
	dir, err := folder(cache)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	unlock, err := lock(context.Background(), filepath.Join(dir, ".4.3.0.lock"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err = Ensure(ctx, cache, "4.3.0", io.Discard); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestArchiveThatWasHalfMadeIsNotReady(t *testing.T) {
	cache := t.TempDir()
	dir, err := folder(cache)
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, Path("4.3.0"))
	if err := os.MkdirAll(filepath.Dir(archive), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(archive, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if Ready(cache, "4.3.0") {
		t.Error("an archive without its checksum counts as ready")
	}
}

// The cached archive, where set-up has made one, runs: a launcher starts a JVM
// that finds its class and prints its version.
func TestRealArchiveRuns(t *testing.T) {
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	if !Ready(cache, "4.3.0") {
		t.Log("4.3.0 is not in the cache: only fake jars were packed")
		return
	}
	dir, err := Ensure(context.Background(), cache, "4.3.0", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if out, err := exec.Command("tar", "-xzf", filepath.Join(dir, Path("4.3.0")), "-C", home).CombinedOutput(); err != nil {
		t.Fatalf("unpack: %v\n%s", err, out)
	}
	out, err := exec.Command(filepath.Join(home, Name("4.3.0"), "bin/kafka-topics.sh"), "--version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "4.3.0") {
		t.Errorf("kafka-topics.sh --version: %v\n%s", err, out)
	}
}

type made struct {
	sum   string
	bytes []byte
}

func archiveOf(t *testing.T, jars []string, reversed bool) made {
	t.Helper()
	items, err := layout("9.9.9", jars)
	if err != nil {
		t.Fatal(err)
	}
	if reversed {
		sort.Slice(items, func(i, j int) bool { return items[i].path > items[j].path })
	}
	target := filepath.Join(t.TempDir(), "archive.tgz")
	sum, err := pack(target, items)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	return made{sum, content}
}

type entry struct {
	mode    int64
	content []byte
}

func read(t *testing.T, archive []byte) map[string]entry {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]entry{}
	for reader := tar.NewReader(unzipped); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		entries[header.Name] = entry{header.Mode, content}
	}
}

func allClasses() []string {
	var classes []string
	for _, tool := range tools {
		classes = append(classes, tool.classes[0])
	}
	return classes
}

func fakeJar(t *testing.T, dir, name string, classes ...string) string {
	t.Helper()
	var content bytes.Buffer
	writer := zip.NewWriter(&content)
	for _, class := range classes {
		if _, err := writer.Create(strings.ReplaceAll(class, ".", "/") + ".class"); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
