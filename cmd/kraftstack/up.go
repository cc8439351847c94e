package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kraftstack/internal/automation"
	"kraftstack/internal/fail"
)

func newUpCommand() *cobra.Command {
	return stackCommand(verb{
		use: "up", short: "Make a stack what its file says",
		long: `Up creates or changes a stack until it is what its file says. Hosts are born
side by side and changed one at a time. It may be stopped and run again at any
point: it goes on where it was.

With --repair it looks into the hosts first (see audit) and applies the stack
again to those that were changed by hand; what is left after it is told, with
exit code 9.

On a terminal it shows a preview and asks, unless --yes is given. With --plan it
does exactly what a saved plan says, or refuses before anything changes. Before
each change the state is kept in .kraftstack (docs/driver.md).`,
		create: true, changes: true, act: (*automation.Stack).Up,
	}, flagYes, flagHosts, flagPlan, flagRetries, flagRepair)
}

func newRefreshCommand() *cobra.Command {
	return stackCommand(verb{
		use: "refresh", short: "Read what the cloud really has into the state",
		long: `Refresh reads what the cloud really has into the stack's state, so that the
next up brings back what is gone. It changes nothing in the cloud.`,
		changes: true, act: (*automation.Stack).Refresh,
	}, flagHosts, flagRetries)
}

// destroyVerb is run by `lab reap` too.
var destroyVerb = verb{
	use: "destroy", short: "Remove a stack with its hosts and disks",
	long: `Destroy removes everything that a stack made, data included. It asks for the
stack's name unless --yes is given. A single host is not destroyed but replaced
(terminate it, then refresh and up), or taken out by a smaller count.`,
	changes: true, confirm: true, act: (*automation.Stack).Destroy,
}

func newDestroyCommand() *cobra.Command { return stackCommand(destroyVerb, flagYes) }

func newPreviewCommand() *cobra.Command {
	return stackCommand(verb{
		use: "preview", short: "Show what up would change",
		long: `Preview shows what up would change: first what a reviewer fears, then component
by component, configuration as text. It changes nothing and dials no host. With
--save-plan what it shows is kept for up --plan; secrets in the plan are
encrypted as they are in the state.`,
		create: true, quiet: true, act: (*automation.Stack).Preview,
	}, flagHosts, flagSavePlan, flagExpect, flagRetries, flagComment)
}

// The flags that only some operations have.
func flagYes(c *cobra.Command, o *options) { c.Flags().BoolVar(&o.yes, "yes", false, "do not ask") }

func flagHosts(c *cobra.Command, o *options) {
	c.Flags().StringSliceVar(&o.hosts, "target-host", nil, "only this host, `NAME`; what is left out is told (may be repeated)")
}

func flagPlan(c *cobra.Command, o *options) {
	c.Flags().StringVar(&o.plan, "plan", "", "do exactly what the plan in `FILE` says, or refuse")
}

func flagSavePlan(c *cobra.Command, o *options) {
	c.Flags().StringVar(&o.plan, "save-plan", "", "write a plan for up --plan to `FILE`")
}

func flagExpect(c *cobra.Command, o *options) {
	c.Flags().BoolVar(&o.expectNoChanges, "expect-no-changes", false, "exit with code 2 if there are changes")
}

func flagRetries(c *cobra.Command, o *options) {
	c.Flags().IntVar(&o.retries, "retries", 0, "try again up to `N` times what may pass by itself: a host that does not answer, a busy backend")
}

// askForName makes destroying a deliberate act.
func askForName(in io.Reader, out io.Writer, stack string) error {
	fmt.Fprintf(out, "This removes stack %s with its hosts, disks and all data on them.\nType the stack's name to go on: ", stack)
	var answer string
	if _, err := fmt.Fscanln(in, &answer); err != nil || answer != stack {
		return &fail.Error{
			Cause: fail.Cancelled, Op: "destroy stack " + stack, Err: fmt.Errorf("%q is not the stack's name; nothing was changed", answer),
			Next: "kraftstack destroy --stack " + stack + " --yes, where nobody can answer",
		}
	}
	return nil
}

// askToGoOn is for who has read a preview.
func askToGoOn(in io.Reader, out io.Writer, stack string) error {
	fmt.Fprint(out, "\nGo on? Type yes: ")
	var answer string
	if _, err := fmt.Fscanln(in, &answer); err != nil || answer != "yes" {
		return &fail.Error{
			Cause: fail.Cancelled, Op: "up stack " + stack, Err: fmt.Errorf("%q is not yes; nothing was changed", answer),
			Next: "kraftstack up --stack " + stack + " --yes does not ask",
		}
	}
	return nil
}

// printNextMoves tells who has just made a cluster what to do with it.
func printNextMoves(w io.Writer, stack string, inLab bool) error {
	_, err := fmt.Fprintf(w, `
  look at it     kraftstack status --stack %[1]s
  try it         kraftstack smoke --stack %[1]s
  log in         kraftstack ssh broker-1001 --stack %[1]s
  change it      edit Pulumi.%[1]s.yaml, then kraftstack preview --stack %[1]s
  take it down   kraftstack destroy --stack %[1]s
`, stack)
	if err == nil && inLab {
		_, err = fmt.Fprintln(w, "  and the lab    kraftstack lab down")
	}
	return err
}

// belongsToLab says whether the stack's file names the lab. The file was read
// before, so what is wrong with it is no news here.
func belongsToLab(dir, stack string) bool {
	values, err := automation.Config(dir, stack)
	return err == nil && values["aws:profile"] == labProfile
}
