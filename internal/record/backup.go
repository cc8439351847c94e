package record

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

const (
	backupsName = "backups"
	// KeptBackups is how many states are kept of a stack; older ones go.
	KeptBackups = 20
)

// Backup keeps a stack's state as it was before a run, and returns the file. The
// state is what the backend exports: its secrets are encrypted. Files are named
// by time, so that the oldest go first.
func Backup(folder string, r Run, state []byte) (string, error) {
	dir := filepath.Join(folder, backupsName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("keep the state before %s: %w", r.Verb, err)
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, err := zip.Write(state)
	if err := errors.Join(err, zip.Close()); err != nil {
		return "", fmt.Errorf("keep the state before %s: %w", r.Verb, err)
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%s-%s.json.gz", r.Began.Format("20060102T150405.000Z"), r.Verb, r.ID))
	if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
		return "", fmt.Errorf("keep the state before %s: %w", r.Verb, err)
	}
	return path, forgetOld(dir)
}

func forgetOld(dir string) error {
	kept, err := Backups(filepath.Dir(dir))
	if err != nil {
		return err
	}
	for len(kept) > KeptBackups {
		if err := os.Remove(kept[0]); err != nil {
			return fmt.Errorf("remove an old state: %w", err)
		}
		kept = kept[1:]
	}
	return nil
}

// Backups lists the states that are kept in a folder, oldest first.
func Backups(folder string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(folder, backupsName, "*.json.gz"))
	if err != nil {
		return nil, fmt.Errorf("list the kept states: %w", err)
	}
	slices.Sort(files)
	return files, nil
}
