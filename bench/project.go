package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kraftstack/lab"
)

// labStack is the stack file that every stack of a bench is made from.
const labStack = "Pulumi.lab.yaml"

// project makes a project folder with one stack like the lab's own. Each key
// of changes must be in its file, and is replaced.
func (b *bench) project(dir, stack string, changes map[string]string) error {
	return b.projectOf(labStack, dir, stack, changes)
}

// projectOf is project with a stack file of that name in place of the lab's.
func (b *bench) projectOf(file, dir, stack string, changes map[string]string) error {
	definition, err := os.ReadFile(filepath.Join(b.source, "Pulumi.yaml"))
	if err != nil {
		return fmt.Errorf("read the project: %w", err)
	}
	content, err := os.ReadFile(filepath.Join(b.source, file))
	if err != nil {
		return fmt.Errorf("read a stack file: %w", err)
	}
	text := string(content)
	for from, to := range changes {
		if !strings.Contains(text, from) {
			return fmt.Errorf("%s no longer has the lines %q, which bench changes", file, from)
		}
		text = strings.Replace(text, from, to, 1)
	}
	return writeFiles(dir, map[string]string{"Pulumi.yaml": string(definition), "Pulumi." + stack + ".yaml": text})
}

// writeFiles makes a folder with these files, by name. Some hold keys.
func writeFiles(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// setEnvironment sets variables of this process, which the Pulumi engine and
// its providers are started with, and returns what sets them back.
func setEnvironment(variables []lab.Variable) (restore func(), err error) {
	var undo []func() error
	restore = func() {
		for _, back := range undo {
			_ = back() // the name was good enough to be set
		}
	}
	for _, v := range variables {
		old, had := os.LookupEnv(v.Name)
		if err := os.Setenv(v.Name, v.Value); err != nil {
			restore()
			return nil, errors.Join(fmt.Errorf("set %s", v.Name), err)
		}
		undo = append(undo, func() error {
			if had {
				return os.Setenv(v.Name, old)
			}
			return os.Unsetenv(v.Name)
		})
	}
	return restore, nil
}
