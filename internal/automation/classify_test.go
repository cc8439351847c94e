package automation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"kraftstack/internal/fail"
)

// seen plays events to what collects failures.
func seen(events ...apitype.EngineEvent) *failures {
	var f failures
	for _, event := range events {
		f.note(event)
	}
	return &f
}

func onHost(name string) apitype.StepEventMetadata {
	return step(apitype.OpCreate, urn(inBroker, "command:remote:Command", "broker-1001-"+name), brokerURN)
}

// ran is how the command provider reports a step that failed.
func ran(verb, output string) string {
	return fmt.Sprintf("<{%%reset%%}>Process exited with status 1: running \"sudo timeout --kill-after=10 1200 "+
		"/opt/kraftstack/kafka-node %s\":\n%s\n<{%%reset%%}>", verb, output)
}

func TestClassify(t *testing.T) {
	instance := step(apitype.OpCreate, urn(inBroker, "aws:ec2/instance:Instance", "broker-1001-instance"), brokerURN)
	prepare, install, rolling := onHost("prepare"), onHost("install"), onHost("roll")
	upFailed := fmt.Errorf("failed to run update: exit status %d\nstdout: pages of output", 255)
	const mend = "mend the cause and run the same command again: what was done is kept"
	reachable := "check that the instance runs and that you may reach it (your address is in access.adminCidrs; without a bastion, you may start sessions), then run up again"
	for name, c := range map[string]struct {
		err  error
		seen *failures
		want fail.Error
	}{
		"a step on a host": {
			err: upFailed,
			seen: seen(begins(prepare), says("error", prepare.URN, ran("'prepare'",
				"prepare: waiting for volume vol-0abc (3s)\nkafka-node: ip-10-0-0-9: prepare: volume vol-0abc did not appear as /dev/disk/by-id/x within 300 s; next: check that it is attached")),
				says("error", stackURN, "update failed")),
			want: fail.Error{
				Cause: fail.Step, Host: "broker-1001", Step: "prepare", Next: "check that it is attached",
				Err: errors.New("volume vol-0abc did not appear as /dev/disk/by-id/x within 300 s"),
			},
		},
		"secrets of another passphrase": {
			err: errors.New("failed to run update: exit status 255\nstderr: error: getting secrets manager: incorrect passphrase, please set PULUMI_CONFIG_PASSPHRASE to the correct passphrase"),
			want: fail.Error{
				Cause: fail.Config, Next: "set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE; nothing was changed",
				Err: errors.New("the stack's secrets cannot be decrypted: PULUMI_CONFIG_PASSPHRASE is not set, or is another one than this stack was made with"),
			},
		},
		"a node that does not get healthy": {
			err: upFailed,
			seen: seen(begins(rolling), says("error", rolling.URN, ran("'roll'",
				"  log: ERROR out of luck\nkafka-node: ip-10-0-0-9: roll: node 1001 is not healthy after the restart; next: read the log lines above"))),
			want: fail.Error{
				Cause: fail.Unhealthy, Host: "broker-1001", Step: "roll", Next: "read the log lines above",
				Err: errors.New("node 1001 is not healthy after the restart"),
			},
		},
		"a node that the cluster cannot do without": {
			err: upFailed,
			seen: seen(begins(rolling), says("error", rolling.URN, strings.Replace(ran("'roll'",
				"kafka-node: ip-10-0-0-9: roll: node 1001 was not restarted: after 120 s of waiting for x: orders-0 (a; b); and 3 more; next: bring the brokers back"),
				"status 1:", "status 10:", 1))),
			want: fail.Error{
				Cause: fail.Gate, Host: "broker-1001", Step: "roll", Next: "bring the brokers back",
				Err: errors.New("node 1001 was not restarted: after 120 s of waiting for x: orders-0 (a; b); and 3 more"),
			},
		},
		"a node whose host was changed by hand": {
			err: upFailed,
			seen: seen(begins(rolling), says("error", rolling.URN, strings.Replace(ran("'roll'",
				"kafka-node: ip-10-0-0-9: roll: node 1001 was not restarted: this host was changed by hand: /etc/x; next: kraftstack audit"),
				"status 1:", "status 9:", 1))),
			want: fail.Error{
				Cause: fail.Drift, Host: "broker-1001", Step: "roll", Next: "kraftstack audit",
				Err: errors.New("node 1001 was not restarted: this host was changed by hand: /etc/x"),
			},
		},
		"a host whose turn to stop does not come": {
			err: upFailed,
			seen: seen(begins(instance), says("error", instance.URN,
				`before hook "node-waits-for-its-turn" failed: broker-1001 was not stopped: within 2m0s the cluster was not whole: a; next: kraftstack status`)),
			want: fail.Error{
				Cause: fail.Gate, Host: "broker-1001", Step: "instance", Next: "kraftstack status",
				Err: errors.New("broker-1001 was not stopped: within 2m0s the cluster was not whole: a"),
			},
		},
		"a host that does not answer": {
			err:  upFailed,
			seen: seen(begins(prepare), says("error", prepare.URN, "dial tcp 198.51.100.7:22: connect: connection refused (after 69 failed attempts)")),
			want: fail.Error{
				Cause: fail.Unreachable, Host: "broker-1001", Step: "prepare", Next: reachable,
				Err:       errors.New("cannot connect by SSH: dial tcp 198.51.100.7:22: connect: connection refused (after 69 failed attempts)"),
				Transient: true,
			},
		},
		"a connection that ends in the middle of a step": {
			err: upFailed,
			seen: seen(begins(rolling), says("error", rolling.URN, strings.Replace(ran("'roll'", "roll: restarting Kafka on node 1001"),
				"Process exited with status 1:", "wait: remote command exited without exit status or exit signal:", 1))),
			want: fail.Error{
				Cause: fail.Unreachable, Host: "broker-1001", Step: "roll",
				Err:       errors.New("the SSH connection ended before the step did"),
				Next:      "run up again: the step may have been done or not, and runs again. Kafka is restarted by systemd, so nothing stays down",
				Transient: true,
			},
		},
		"another host at the address": {
			err:  upFailed,
			seen: seen(begins(prepare), says("error", prepare.URN, "ssh: handshake failed: knownhosts: key mismatch")),
			want: fail.Error{
				Cause: fail.Unreachable, Host: "broker-1001", Step: "prepare",
				Err:  errors.New("the host shows another SSH host key than the one this stack gave it"),
				Next: "do not go on before you know why: another host may answer at this address. A host reinstalled by hand is replaced by terminating it, then refresh and up",
			},
		},
		"the cloud does not answer, which is no host": {
			err:  upFailed,
			seen: seen(begins(instance), says("error", instance.URN, "RunInstances: dial tcp: i/o timeout")),
			want: fail.Error{
				Cause: fail.Internal, Host: "broker-1001", Step: "instance",
				Err: errors.New("RunInstances: dial tcp: i/o timeout"), Next: mend,
			},
		},
		"several at once": {
			err: upFailed,
			seen: seen(begins(prepare), begins(install), begins(instance), says("error", instance.URN, "no capacity"),
				says("error", prepare.URN, "b"), says("error", install.URN, "c")),
			want: fail.Error{
				Cause: fail.Internal, Host: "broker-1001", Step: "instance", Err: errors.New("no capacity"),
				Next: mend + "\n2 other steps failed too; they are shown above",
			},
		},
		"the program refuses": {
			err:  upFailed,
			seen: seen(says("error", "", "<{%reset%}>zone us-east-1z is not one of the region's\n<{%reset%}>"), says("warning", "", "old plugin")),
			want: fail.Error{Cause: fail.Internal, Err: errors.New("zone us-east-1z is not one of the region's")},
		},
		"nothing was said": {
			err:  errors.New(strings.Repeat("noise\n", 40) + "\x1b[31mthe reason\x1b[0m\n\n"),
			seen: seen(),
			want: fail.Error{Cause: fail.Internal, Err: errors.New("…\n" + strings.Repeat("noise\n", excerptLines-1) + "the reason")},
		},
		"what a plan does not say, without the values that the engine names": {
			err:  upFailed,
			seen: seen(begins(rolling), says("error", rolling.URN, "resource "+rolling.URN+" violates plan: properties changed: ~~[{connection}!={TOP SECRET}]")),
			want: fail.Error{
				Cause: fail.Config, Err: errors.New("broker-1001-roll is no longer what the plan says; the steps before it are done"),
				Next: "make a new plan with kraftstack preview --save-plan, and have it reviewed",
			},
		},
		"a time limit": {
			err:  errors.Join(ErrTimeLimit, context.DeadlineExceeded, upFailed),
			seen: seen(),
			want: fail.Error{
				Cause: fail.Cancelled, Err: ErrTimeLimit, Next: "run the same command again: it goes on where this one stopped",
			},
		},
		"a backend that is busy": {
			err:  errors.New("error: could not load the stack: SlowDown: please reduce your request rate"),
			seen: seen(),
			want: fail.Error{
				Cause: fail.Internal, Err: errors.New("error: could not load the stack: SlowDown: please reduce your request rate"), Transient: true,
			},
		},
		"an interrupt, whatever broke by it": {
			err:  errors.Join(context.Canceled, upFailed),
			seen: seen(begins(prepare), says("error", prepare.URN, "signal: interrupt")),
			want: fail.Error{
				Cause: fail.Cancelled, Err: errors.New("interrupted"),
				Next: "run the same command again: it goes on where this one stopped",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.Op = "up stack lab"
			var got *fail.Error
			if err := Classify("up stack lab", c.err, c.seen); !errors.As(err, &got) {
				t.Fatalf("it is no *fail.Error but %T", err)
			}
			sameText := cmp.Comparer(func(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
			if diff := cmp.Diff(&c.want, got, cmpopts.EquateEmpty(), cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Err" }, sameText)); diff != "" {
				t.Errorf("failure (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClassifyKeepsWhatIsKnown(t *testing.T) {
	known := fmt.Errorf("while opening: %w", &fail.Error{Cause: fail.Locked})
	if got := Classify("up", known, nil); !errors.Is(got, known) {
		t.Errorf("it was replaced by %v", got)
	}
}
