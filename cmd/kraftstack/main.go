// Command kraftstack runs Apache Kafka on EC2: it deploys a stack, looks at
// the cluster that runs, and brings up a lab that needs no AWS account.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"kraftstack/internal/fail"
	"kraftstack/internal/ui"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is main without the exit. The first interrupt, SIGINT or SIGTERM, ends
// the work in good order; the second ends the process.
func run(args []string) int {
	ctx, stop := interruptible(context.Background())
	defer stop()

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

// interruptible is a context that the first interrupt ends. At the second this
// process ends at once; the kernel then interrupts the engine once more, which
// lets go of the state and drops what it was doing.
func interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		fmt.Fprintln(os.Stderr, "kraftstack: interrupted: running steps end, then the state is let go of; a second interrupt ends at once")
		cancel()
		<-signals
		fmt.Fprintln(os.Stderr, "kraftstack: ended at once; next: kraftstack history shows this run as broken off, refresh and up go on from what is recorded")
		os.Exit(fail.Cancelled.Exit())
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}
