// Command kraftstack runs Apache Kafka on EC2: it deploys a stack, looks at
// the cluster that runs, and brings up a lab that needs no AWS account.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"kraftstack/internal/automation"
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

// atOnce is how long the engine may take to let go of the state at the second
// interrupt.
const atOnce = 10 * time.Second

// interruptible is a context that the first interrupt ends. The second makes the
// engine drop what it is doing and let go of the state. A third one ends this
// process, whatever the engine does.
func interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	now := make(chan struct{})
	ctx, cancel := context.WithCancel(automation.WithAtOnce(parent, now))
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		fmt.Fprintln(os.Stderr, "kraftstack: interrupted: running steps end, then the state is let go of; a second interrupt ends at once")
		cancel()
		<-signals
		fmt.Fprintln(os.Stderr, "kraftstack: ending at once: what was being made is recorded as pending; refresh and up go on from there")
		close(now)
		select {
		case <-signals:
		case <-time.After(atOnce):
		}
		fmt.Fprintln(os.Stderr, "kraftstack: ended; next: kraftstack history shows this run as broken off, unlock removes its lock")
		os.Exit(fail.Cancelled.Exit())
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}
