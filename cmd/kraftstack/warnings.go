package main

import (
	"fmt"
	"io"

	"kraftstack/config"
	"kraftstack/internal/automation"
)

// printWarnings shows what the stack file says and its owner rarely means. The
// program says the same to plain Pulumi.
func printWarnings(w io.Writer, dir, stack string) error {
	values, err := automation.Config(dir, stack)
	if err != nil {
		return err
	}
	loaded, err := config.LoadFile(stack, values)
	if err != nil {
		return err
	}
	for _, warning := range loaded.Warnings() {
		if _, err := fmt.Fprintln(w, "warning:", warning); err != nil {
			return err
		}
	}
	return nil
}
