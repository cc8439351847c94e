package lab_test

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ordeal is a cluster under the counting pair to which things happen.
type ordeal struct {
	story
	stack string
	heap  int    // of the stack file; one more is a roll of all nodes
	size  string // the brokers' instance type
}

// mended: up, run again, ends well and leaves nothing to do, and the cluster is
// healthy.
func (o *ordeal) mended(t *testing.T) {
	t.Helper()
	o.upAgain(t)
	o.view(t, o.stack)
}

// upAgain: up, run again, ends well and leaves nothing to do. A killed run leaves its
// lock.
func (o *ordeal) upAgain(t *testing.T) {
	t.Helper()
	eventually(t, "up ends well", 10*time.Minute, func() (bool, string) {
		r := o.run(t, "up", "--stack", o.stack)
		if r.code == 4 {
			o.must(t, "unlock", "--stack", o.stack)
		}
		return r.code == 0, r.stderr
	})
	nothing(t, "preview after it", o.preview(t, o.stack))
}

// getsOver: an up that something happened to may have got over it; if not, it says what to do.
func getsOver(t *testing.T, r result) {
	t.Helper()
	if r.code != 0 && !strings.Contains(r.stderr, "next:") {
		t.Errorf("up ended with %d and says no next move:\n%s", r.code, r.stderr)
	}
}

// try runs a command as root in a host, beside its first process: the state may not
// know the host, and SSH may not reach it. The error is of a host that does not run,
// or of the command.
func (o *ordeal) try(t *testing.T, host, command string) (string, error) {
	t.Helper()
	leader := o.leaders(t)[host]
	if leader == 0 {
		return "", fmt.Errorf("%s does not run", host)
	}
	out, err := exec.Command("nsenter", "--all", "--target", strconv.Itoa(leader), "bash", "-c", command).CombinedOutput()
	return string(out), err
}

// leaders are the first processes of the stack's hosts that run.
func (o *ordeal) leaders(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, known := range o.lab(t).Hosts {
		if name, ours := strings.CutPrefix(known.Name, o.stack+"-"); ours && known.State == "running" {
			found[name] = known.Leader
		}
	}
	return found
}

// inside is try on a host that runs, of a command that has to succeed.
func (o *ordeal) inside(t *testing.T, host, command string) string {
	t.Helper()
	out, err := o.try(t, host, command)
	if err != nil {
		t.Fatalf("%s on %s: %v\n%s", command, host, err, out)
	}
	return out
}

// soon is inside as soon as the command succeeds: the host may be down just now.
func (o *ordeal) soon(t *testing.T, host, command string) {
	t.Helper()
	eventually(t, command+" on "+host, 5*time.Minute, func() (bool, string) {
		out, err := o.try(t, host, command)
		return err == nil, fmt.Sprint(out, err)
	})
}

// crash ends a host as a power failure does, all of its processes at once; the lab
// boots it again, as EC2 does.
func (o *ordeal) crash(t *testing.T, host string) {
	t.Helper()
	before := 0
	eventually(t, host+" runs", 5*time.Minute, func() (bool, string) {
		before = o.leaders(t)[host]
		return before != 0, ""
	})
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, host+" boots again", 5*time.Minute, func() (bool, string) {
		now := o.leaders(t)[host]
		return now != 0 && now != before, fmt.Sprint(now)
	})
}

// killKafka is a crash of the process, which systemd starts again 5 s later.
func (o *ordeal) killKafka(t *testing.T, host string) {
	t.Helper()
	o.soon(t, host, "systemctl kill --kill-whom=main --signal=KILL kafka.service")
}

// corrupt: Kafka dies, and what it wrote last is not what it finds: half records at
// the end of each log of the counting pair, indexes of noise. It is down then.
func (o *ordeal) corrupt(t *testing.T, host string) {
	t.Helper()
	o.killKafka(t, host)
	o.soon(t, host, fmt.Sprintf(`set -e
systemctl stop kafka.service
cd /var/lib/kafka/data
rm -f .kafka_cleanshutdown
for log in %s-*/*.log; do
  head -c 5000 /dev/urandom >>"$log"
  head -c 400 /dev/urandom >"${log%%.log}.index"
done`, o.stack))
}

// fillDisk fills a broker's disk until Kafka stops, and makes room again. A volume may
// grow meanwhile, or the host start anew.
func (o *ordeal) fillDisk(t *testing.T, host string) {
	t.Helper()
	const process = "systemctl show --value -p MainPID kafka.service"
	before := ""
	eventually(t, "Kafka runs on "+host, 5*time.Minute, func() (bool, string) {
		before, _ = o.try(t, host, process)
		return before != "" && strings.TrimSpace(before) != "0", before
	})
	eventually(t, "Kafka stops on "+host, 5*time.Minute, func() (bool, string) {
		now, err := o.try(t, host, `cd /var/lib/kafka
fallocate -l $(($(df --output=avail -k . | tail -n 1) - 1024))K ballast-$RANDOM 2>/dev/null
dd if=/dev/zero of=ballast-rest bs=4k oflag=append conv=notrunc 2>/dev/null
sync .; `+process)
		return err == nil && now != before, now
	})
	o.soon(t, host, "rm -f /var/lib/kafka/ballast-*; systemctl reset-failed kafka.service; systemctl restart --no-block kafka.service")
}

// plantCut makes a host end every SSH session that it has when a roll is about to
// restart its Kafka: the note that a roll leaves before that is the sign.
func (o *ordeal) plantCut(t *testing.T, host string) {
	t.Helper()
	// The brackets keep the pattern from finding its own shell.
	o.inside(t, host, `rm -f /run/story-cut
systemd-run --quiet --collect --unit=story-cut bash -c 'until [[ -e /var/lib/kraftstack/unproven ]]; do sleep 0.01; done
for pid in $(pgrep -f "[s]shd: .*@notty"); do kill -KILL "$pid" && echo "$pid" >>/run/story-cut; done'`)
}

// hold stops a verb of the toolkit where it begins on a host.
func (o *ordeal) hold(t *testing.T, host, verb string) {
	t.Helper()
	// The brackets keep the pattern from finding its own shell.
	o.inside(t, host, fmt.Sprintf(`rm -f /run/story-held
systemd-run --quiet --collect --unit=story-hold bash -c 'until pkill -STOP -f "[k]afka-node %s"; do sleep 0.1; done; touch /run/story-held'`, verb))
}

// held says whether a verb has begun there, and waits.
func (o *ordeal) held(t *testing.T, host string) bool {
	t.Helper()
	_, err := o.try(t, host, "test -e /run/story-held")
	return err == nil
}

// letGo lets a verb go on. A host that is down has none.
func (o *ordeal) letGo(t *testing.T, host, verb string) {
	t.Helper()
	_, _ = o.try(t, host, fmt.Sprintf(`systemctl stop story-hold.service; pkill -CONT -f "[k]afka-node %s"`, verb))
}

// killTree ends a run and all that it started, as a crash of its machine does.
func killTree(t *testing.T, p *process) {
	t.Helper()
	for _, pid := range append(children(p.cmd.Process.Pid), p.cmd.Process.Pid) {
		// It may have ended since it was seen.
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			t.Fatal(err)
		}
	}
}
