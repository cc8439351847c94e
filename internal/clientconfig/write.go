package clientconfig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kraftstack/internal/fail"
)

// Write puts the files into a folder, for their owner alone, and makes the
// folder where there is none. A file that is there with another content is
// refused before any is written, unless replace is set: it may be another
// cluster's, or somebody's own. The error is a *fail.Error.
func Write(dir string, files []File, replace bool) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return cannot(dir, err)
	}
	var wanted []File
	var others []string
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		found, err := os.ReadFile(path)
		switch {
		case err == nil && bytes.Equal(found, []byte(f.Content)):
			if err := os.Chmod(path, ownerOnly); err != nil {
				return cannot(path, err)
			}
		case err == nil && !replace:
			others = append(others, path)
		case err == nil || errors.Is(err, os.ErrNotExist):
			wanted = append(wanted, f)
		default:
			return cannot(path, err)
		}
	}
	if len(others) > 0 {
		return &fail.Error{
			Cause: fail.Config, Op: "write the client's configuration",
			Err:  fmt.Errorf("%s is there with another content", strings.Join(others, ", ")),
			Next: "choose another folder with --out, or replace what is there with --force. Nothing was written",
		}
	}
	for _, f := range wanted {
		if err := writeFile(filepath.Join(dir, f.Name), f.Content); err != nil {
			return cannot(filepath.Join(dir, f.Name), err)
		}
	}
	return nil
}

// ownerOnly is the mode of every file: most hold a secret.
const ownerOnly = 0o600

// writeFile writes beside the file's place and moves it there whole.
func writeFile(path, content string) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

func cannot(path string, err error) error {
	return &fail.Error{Cause: fail.Config, Op: "write " + path, Err: err, Next: "choose a folder that can be written to with --out"}
}
