// Command tools prints the path of a tool that the project's own checks need,
// and brings the tool first where it is not there: `go run ./lab/tools
// golangci-lint`, or another name. Progress goes to standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"kraftstack/lab/paths"
	"kraftstack/lab/setup"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	path, err := find(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tools:", err)
		os.Exit(1)
	}
	fmt.Println(path)
}

func find(ctx context.Context, args []string) (string, error) {
	if len(args) != 1 {
		return "", errors.New("want one name: golangci-lint, cyclonedx-gomod, govulncheck or shellcheck")
	}
	cache, err := paths.Cache()
	if err != nil {
		return "", err
	}
	switch args[0] {
	case "shellcheck":
		return setup.EnsureShellcheck(ctx, os.Stderr)
	default:
		return setup.EnsureTool(ctx, cache, args[0], os.Stderr)
	}
}
