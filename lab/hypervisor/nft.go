package hypervisor

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// applyNFT loads a ruleset in the named network namespace, or in the machine's
// own when name is "". nft takes it as one transaction: all of it or nothing.
func applyNFT(ctx context.Context, name, text string) error {
	args := []string{"nft", "-f", "-"}
	if name != "" {
		args = append([]string{"nsenter", "--net=" + netnsPath(name)}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(text)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("load packet filter rules in %q: %w: %s", name, err, firstLine(out.String()))
	}
	return nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
