package engine_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kraftstack/internal/automation"
	"kraftstack/internal/fail"
)

// The pieces of the lab's stack file that the stories change.
const (
	threeBrokers = "    count: 3\n    instanceType: t3.small\n"
	fourBrokers  = "    count: 4\n    instanceType: t3.small\n"
	heap         = "    heap: 384m\n"
	combined     = "    mode: combined\n"
	dedicated    = "    mode: dedicated\n"
)

// TestEngine follows a combined stack from nothing to nothing, with a dedicated
// one beside it for a while. The parts build on each other, in this order.
func TestEngine(t *testing.T) {
	w := newWorld(t)
	before := w.inventory(t)
	s := w.stack("engine")
	part := func(name string, tell func(*testing.T, *stack)) {
		t.Run(name, func(t *testing.T) {
			s.t = t
			tell(t, s)
		})
	}
	part("preview dials nothing", previewDialsNothing)
	part("is born side by side, rolled in a chain", isBorn)
	if t.Failed() {
		t.Fatal("there is no stack to tell of")
	}
	part("second up and refresh find nothing", findNothing)
	part("a held lock keeps other runs out", heldLock)
	part("no private key in clear", noKeyInClear)
	part("one property restarts hosts in order", onePropertyChanged)
	part("a failed roll stops the chain", failedRoll)
	part("a failed configure leaves the others done", failedConfigure)
	part("a fourth broker touches no instance", fourthBroker)
	part("a lost instance is configured, not formatted", lostInstance)
	part("a lost disk is formatted when the stack file says so", lostDisk)
	t.Run("dedicated controllers are rolled first", func(t *testing.T) { dedicatedControllers(t, w) })
	part("destroy runs nothing on hosts", destroyed)
	if diff := cmp.Diff(before, w.inventory(t)); diff != "" {
		t.Errorf("the cloud differs from before (-before +after):\n%s", diff)
	}
	if len(w.hosts.clashes) > 0 {
		t.Errorf("rolls at the same time: %q", w.hosts.clashes)
	}
}

func previewDialsNothing(t *testing.T, s *stack) {
	o := s.run((*automation.Stack).Preview)
	if o.err != nil {
		t.Fatal(o.err)
	}
	if o.dials != 0 || len(o.calls) != 0 {
		t.Errorf("the preview dialled %d times and ran %q", o.dials, o.verbs())
	}
	if !slices.Contains(o.changes, "create broker-1003 roll") {
		t.Errorf("the preview does not tell of broker-1003's roll: %q", o.changes)
	}
}

func isBorn(t *testing.T, s *stack) {
	o := s.up()
	want := []string{"bastion toolkit", "bastion install", "bastion names", "bastion client", "broker-1001 admit"}
	for _, step := range []string{"toolkit", "prepare", "install", "identity", "configure"} {
		want = append(want, nodes(step, 1001, 1002, 1003)...)
	}
	end := slices.Concat([]string{"broker-1001 quorum", "broker-1001 live"}, voterRolls()[:3], nodes("quorum", 1001), voterRolls()[3:], nodes("finalize", 1001), nodes("rebalance", 1001))
	want = append(want, end...)
	if diff := cmp.Diff(sorted(want), sorted(o.verbs())); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	last := o.verbs()[max(0, len(o.calls)-len(end)):]
	slices.Sort(last[max(0, len(last)-2):]) // neither of the two waits for the other
	if diff := cmp.Diff(end, last); diff != "" {
		t.Errorf("the last steps (-want +got):\n%s", diff)
	}
	voters := map[string]bool{}
	for _, c := range o.calls {
		if c.Verb != "configure" {
			continue
		}
		voters[c.Flags["initial-controllers"]] = true
		if _, isNew := c.Flags["new"]; !isNew {
			t.Errorf("%s is configured as if it had data: %v", c.Host, c.Flags)
		}
	}
	if len(voters) != 1 {
		t.Errorf("the voters are formatted with different lists: %v", voters)
	}
}

// voterRolls are the rolls of three voters: each with the quorum's leader spared,
// and each once more, which restarts whichever led.
func voterRolls() []string {
	once := nodes("roll", 1001, 1002, 1003)
	return slices.Concat(once, once)
}

func findNothing(t *testing.T, s *stack) {
	s.run((*automation.Stack).Up).nothing(t, "the second up")
	s.run((*automation.Stack).Refresh).nothing(t, "refresh")
}

func onePropertyChanged(t *testing.T, s *stack) {
	s.edit(heap, heap+"    config:\n      queued.max.requests: 404\n")
	seen := s.run((*automation.Stack).Preview)
	if diff := cmp.Diff([]string{"broker-1001", "broker-1002", "broker-1003"}, seen.report.Restarts); diff != "" || seen.dials > 0 {
		t.Errorf("restarts in the preview, which dialled %d times (-want +got):\n%s", seen.dials, diff)
	}
	var texts strings.Builder
	for _, d := range seen.report.Diffs {
		texts.WriteString(d.Unified)
	}
	if !strings.Contains(texts.String(), "+queued.max.requests=404") {
		t.Errorf("the preview does not show the property as text:\n%s", texts.String())
	}
	configuredThenRolled(t, s.up())
}

// configuredThenRolled wants exactly these steps: all three are configured
// side by side and rolled one after another.
func configuredThenRolled(t *testing.T, o outcome) {
	t.Helper()
	verbs := o.verbs()
	if len(verbs) != 9 {
		t.Fatalf("steps: %q, want three times configure and six rolls", verbs)
	}
	if diff := cmp.Diff(nodes("configure", 1001, 1002, 1003), sorted(verbs[:3])); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(voterRolls(), verbs[3:]); diff != "" {
		t.Errorf("then (-want +got):\n%s", diff)
	}
}

func failedRoll(t *testing.T, s *stack) {
	s.edit("queued.max.requests: 404", "queued.max.requests: 405")
	mend := s.hosts.breaks("broker-1002", "roll", "it is not healthy after 600 s")
	o := s.run((*automation.Stack).Up)
	failedAt(t, o.err, fail.Unhealthy, "broker-1002", "roll")
	if diff := cmp.Diff([]string{"broker-1001 roll", "broker-1002 roll!"}, o.verbs()[min(3, len(o.calls)):]); diff != "" {
		t.Errorf("rolls (-want +got):\n%s", diff)
	}
	mend()
	if diff := cmp.Diff(voterRolls()[1:], s.up().verbs()); diff != "" {
		t.Errorf("the next up resumes with (-want +got):\n%s", diff)
	}
	s.run((*automation.Stack).Up).nothing(t, "up after the resumed one")
}

func failedConfigure(t *testing.T, s *stack) {
	s.edit("queued.max.requests: 405", "queued.max.requests: 406")
	mend := s.hosts.breaks("broker-1002", "configure", "no space left on /etc")
	o := s.run((*automation.Stack).Up)
	failedAt(t, o.err, fail.Step, "broker-1002", "configure")
	want := []string{"broker-1001 configure", "broker-1002 configure!", "broker-1003 configure"}
	if diff := cmp.Diff(want, sorted(o.verbs())); diff != "" {
		t.Errorf("steps, and no roll (-want +got):\n%s", diff)
	}
	mend()
	want = append(nodes("configure", 1002), voterRolls()...)
	if diff := cmp.Diff(want, s.up().verbs()); diff != "" {
		t.Errorf("the next up (-want +got):\n%s", diff)
	}
}

// failedAt wants the failure to name its cause and place and a next move.
func failedAt(t *testing.T, err error, cause fail.Cause, host, step string) {
	t.Helper()
	var failure *fail.Error
	if !errors.As(err, &failure) {
		t.Fatalf("up ended with %v", err)
	}
	if failure.Cause != cause || failure.Host != host || failure.Step != step || failure.Next == "" {
		t.Errorf("the failure is %q of %s in step %s, next %q; want %q of %s in step %s",
			failure.Cause, failure.Host, failure.Step, failure.Next, cause, host, step)
	}
}

func fourthBroker(t *testing.T, s *stack) {
	s.edit(threeBrokers, fourBrokers)
	o := s.up()
	// The clients' bootstrap list is longer, and the waits are for one more:
	// that is all that the others hear of it, and nothing of it needs a restart.
	want := append(nodes("configure", 1001, 1002, 1003), "bastion names", "bastion client", "broker-1001 quorum",
		"broker-1001 admit", "broker-1001 rebalance")
	for _, step := range []string{"toolkit", "prepare", "install", "identity", "configure", "roll"} {
		want = append(want, nodes(step, 1004)...)
	}
	if diff := cmp.Diff(sorted(want), sorted(o.verbs())); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	for _, change := range o.report.Changes {
		allowed := change.Component == "broker-1004" || change.Step == "configure" ||
			change.Component == "quorum" && change.Step == "stands" || change.Component == "bastion" && change.Step == "client" ||
			change.Component == "fleet" && slices.Contains([]string{"", "names", "admit", "rebalance"}, change.Step)
		if !allowed {
			t.Errorf("%s of %s %s", change.Op, change.Component, change.Step)
		}
	}
}

func dedicatedControllers(t *testing.T, w *world) {
	beside := *w
	beside.t = t
	s := beside.stack("apart", combined, dedicated)
	o := s.up()
	var rolls []string
	for _, c := range o.calls {
		if c.Verb == "roll" {
			rolls = append(rolls, c.Host)
		}
	}
	voters := []string{"controller-1", "controller-2", "controller-3"}
	want := slices.Concat(voters, voters, []string{"broker-1001", "broker-1002", "broker-1003"})
	if diff := cmp.Diff(want, rolls); diff != "" {
		t.Errorf("rolls (-want +got):\n%s", diff)
	}
	s.run((*automation.Stack).Up).nothing(t, "the second up")
	destroyed(t, s)
}

func destroyed(t *testing.T, s *stack) {
	o := s.run((*automation.Stack).Destroy)
	if o.err != nil {
		t.Fatal(o.err)
	}
	if o.dials > 0 || len(o.calls) > 0 {
		t.Errorf("destroy dialled %d times and ran %q", o.dials, o.verbs())
	}
}
