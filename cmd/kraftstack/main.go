// Command kraftstack runs Apache Kafka on EC2: it deploys a stack, looks at
// the cluster that runs, and brings up a lab that needs no AWS account.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"kraftstack/internal/fail"
	"kraftstack/internal/ui"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is main without the exit. The first interrupt ends the work in good
// order; the second ends the process.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	root := newRootCommand()
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if asked, _ := command.Flags().GetBool("json"); asked {
		_ = ui.WriteFailureJSON(os.Stderr, err)
	} else {
		_ = ui.WriteFailure(ui.Detect(os.Stderr, os.Getenv), err)
	}
	return fail.Exit(err)
}
