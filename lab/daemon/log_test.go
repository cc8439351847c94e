package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log, err := openLog(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	line := strings.Repeat("x", 29) + "\n"
	for range 50 {
		if _, err := log.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	var total int64
	for _, name := range []string{path, path + ".old"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > 200 || total < 100 {
		t.Errorf("the two files hold %d bytes", total)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 {
		t.Errorf("there are %d files, %v", len(entries), err)
	}
}

func TestLogGoesOnWhereItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for range 2 {
		log, err := openLog(path, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Write([]byte("line\n")); err != nil {
			t.Fatal(err)
		}
		log.Close()
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "line\n"+"line\n" {
		t.Errorf("log is %q, %v", text, err)
	}
}
