package setup

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// failureLines is how much of a failed command's output its error shows.
const failureLines = 15

// runQuiet runs a command that talks too much and keeps its output for the
// error. A cancelled command gets SIGTERM and ten seconds to tidy up.
func runQuiet(cmd *exec.Cmd) error {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd.Args[0], err, lastLines(output.String(), failureLines))
	}
	return nil
}

// lastLines returns the end of a text, each line set in.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return "    " + strings.Join(lines, "\n    ")
}
