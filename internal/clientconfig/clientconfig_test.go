package clientconfig

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"kraftstack/internal/fail"
	"kraftstack/tests/golden"
)

var (
	byPassword = Login{
		User: "shop", BootstrapServers: []string{"broker-1001.dev.kafka.internal:9092", "broker-1002.dev.kafka.internal:9092"},
		CA: "(authority)\n", Password: `q"uo\te, schön 𝄞`,
	}
	byCertificate = Login{
		User: "audit", BootstrapServers: []string{"broker-1001.dev.kafka.internal:9094"},
		CA: "(authority)\n", Certificate: "(certificate)\n", Key: "(key)\n",
	}
)

func TestFiles(t *testing.T) {
	for name, login := range map[string]Login{"scram": byPassword, "mtls": byCertificate} {
		for _, format := range Formats() {
			t.Run(name+" "+format, func(t *testing.T) {
				files, err := login.Files(format, "/etc/clients")
				if err != nil {
					t.Fatal(err)
				}
				archive := &txtar.Archive{}
				for _, f := range files {
					archive.Files = append(archive.Files, txtar.File{Name: f.Name, Data: []byte(f.Content)})
				}
				golden.Compare(t, name+"-"+format+".txtar", string(txtar.Format(archive)))
			})
		}
	}
	if _, err := byPassword.Files("yaml", "/"); err == nil || !strings.Contains(err.Error(), "properties, librdkafka, franz") {
		t.Errorf("an unknown format: got %v", err)
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "clients")
	files := []File{{"a.conf", "secret\n"}, {"ca.pem", "authority\n"}}
	if err := Write(dir, files, false); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "a.conf"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, files, false); err != nil {
		t.Errorf("the same again: %v", err)
	}
	for _, f := range files {
		info, err := os.Stat(filepath.Join(dir, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f.Name, info.Mode())
		}
	}
	other := []File{{"b.conf", "new\n"}, {"ca.pem", "another authority\n"}}
	err := Write(dir, other, false)
	var known *fail.Error
	if !errors.As(err, &known) || known.Cause != fail.Config || !strings.Contains(err.Error(), "ca.pem is there with another content") || strings.Contains(err.Error(), "a.conf") {
		t.Errorf("over another file: got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "b.conf")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("refused, and yet b.conf is there: %v", err)
	}
	if err := Write(dir, other, true); err != nil {
		t.Errorf("with --force: %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 {
		t.Errorf("the folder has %v, %v; want three files", left, err)
	}
}
