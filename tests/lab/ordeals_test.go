//go:build long

package lab_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"kraftstack/internal/report"
)

// ordeal is a cluster under the counting pair to which things happen.
type ordeal struct {
	story
	stack string
	heap  int    // of the stack file; one more is a roll of all nodes
	size  string // the brokers' instance type
}

// TestOrdeals: what goes wrong in the middle of a roll. Each time, after up is
// run again, the cluster is as the stack says; and at the end every record that
// was acknowledged is there.
func TestOrdeals(t *testing.T) {
	o := &ordeal{story: shared, stack: "ordeals", heap: 384, size: "t3.small"}
	o.stackFile(t, o.stack)
	t.Cleanup(func() { o.must(t, "destroy", "--stack", o.stack, "--yes") })
	o.up(t, o.stack)
	load := o.count(t, o.stack, o.stack, "--delivery-timeout", "10m")
	for _, one := range []struct {
		name  string
		bring func(*testing.T)
	}{
		{"the driver killed", o.driverKilled},
		{"SSH lost between gate and restart", o.connectionLost},
		{"the bastion rebooted", o.bastionRebooted},
		{"a second broker dying", o.secondBrokerDies},
		{"the quorum's leader killed", o.leaderKilled},
		{"a host crashed", o.hostCrashed},
		{"a broker back with corrupt logs", o.corruptLogs},
		{"a host changed by hand", o.changedByHand},
		{"a zone lost and back", o.zoneLost},
		{"a disk that fills up", o.diskFills},
		{"another instance type", o.anotherType},
	} {
		t.Run(one.name, func(t *testing.T) {
			load.during(t, one.name, func() {
				one.bring(t)
				o.mended(t)
			})
		})
	}
	load.holds(t)
}

// change writes a stack file that wants all nodes restarted.
func (o *ordeal) change(t *testing.T) {
	t.Helper()
	o.heap++
	o.stackFile(t, o.stack, "    heap: 384m\n", fmt.Sprintf("    heap: %dm\n", o.heap), "instanceType: t3.small", "instanceType: "+o.size)
}

// generation is what a host says that it runs; empty where it says nothing.
func (o *ordeal) generation(t *testing.T, host string) string {
	t.Helper()
	r := o.run(t, "ssh", host, "--stack", o.stack, "--", "cat /run/kafka/generation")
	return strings.TrimSpace(r.stdout)
}

// midRoll starts a roll and returns when its first node has been restarted, or
// is being so: the first that does not lead the quorum.
func (o *ordeal) midRoll(t *testing.T) (p *process, first string, leader string) {
	t.Helper()
	leader = fmt.Sprintf("broker-%d", o.view(t, o.stack).Quorum.Leader)
	first = three[0]
	if first == leader {
		first = three[1]
	}
	before := o.generation(t, first)
	o.change(t)
	p = o.start(t, "up", "--stack", o.stack)
	eventually(t, first+" is restarted", 3*time.Minute, func() (bool, string) {
		now := o.generation(t, first)
		return now != "" && now != before, now
	})
	return p, first, leader
}

// ended waits for an up that something happened to. It may have got over it; if
// not, it says what to do.
func (o *ordeal) ended(t *testing.T, p *process) {
	t.Helper()
	if r := p.wait(t); r.code != 0 && !strings.Contains(r.stderr, "next:") {
		t.Errorf("up ended with %d and says no next move:\n%s", r.code, r.stderr)
	}
}

// mended: up, run again, ends well and leaves nothing to do. A killed run leaves
// its lock.
func (o *ordeal) mended(t *testing.T) {
	t.Helper()
	eventually(t, "up ends well", 6*time.Minute, func() (bool, string) {
		r := o.run(t, "up", "--stack", o.stack)
		if r.code == 4 {
			o.must(t, "unlock", "--stack", o.stack)
		}
		return r.code == 0, r.stderr
	})
	nothing(t, "preview after it", o.preview(t, o.stack))
	o.view(t, o.stack)
}

func (o *ordeal) driverKilled(t *testing.T) {
	p, _, _ := o.midRoll(t)
	killTree(t, p)
	_ = p.cmd.Wait()
	o.refused(t, 4, []string{"locked", "kraftstack unlock --stack"}, "up", "--stack", o.stack)
	o.must(t, "unlock", "--stack", o.stack)
}

// connectionLost: the note that a roll leaves before it restarts Kafka is the
// sign to end every SSH session of the host.
func (o *ordeal) connectionLost(t *testing.T) {
	leader := o.view(t, o.stack).Quorum.Leader
	host := three[0]
	if host == fmt.Sprintf("broker-%d", leader) {
		host = three[1]
	}
	// The brackets keep the pattern from finding its own shell.
	o.script(t, o.stack, host, `rm -f /run/story-cut
systemd-run --quiet --collect --unit=story-cut bash -c 'until [[ -e /var/lib/kraftstack/unproven ]]; do sleep 0.01; done
for pid in $(pgrep -f "[s]shd: .*@notty"); do kill -KILL "$pid" && echo "$pid" >>/run/story-cut; done'`)
	o.change(t)
	o.ended(t, o.start(t, "up", "--stack", o.stack))
	o.ssh(t, o.stack, host, "test -s /run/story-cut")
}

func (o *ordeal) bastionRebooted(t *testing.T) {
	p, _, _ := o.midRoll(t)
	o.crash(t, "bastion")
	o.ended(t, p)
}

// crash ends a host as a power failure does; the lab boots it again, as EC2 does.
func (o *ordeal) crash(t *testing.T, host string) {
	t.Helper()
	if err := syscall.Kill(o.hostPID(t, o.stack, host), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// killKafka is a crash of the process, which systemd starts again 5 s later.
func (o *ordeal) killKafka(t *testing.T, host string) {
	t.Helper()
	o.ssh(t, o.stack, host, "sudo systemctl kill --kill-whom=main --signal=KILL kafka.service")
}

func (o *ordeal) secondBrokerDies(t *testing.T) {
	p, first, leader := o.midRoll(t)
	for _, host := range three {
		if host != first && host != leader {
			o.killKafka(t, host)
		}
	}
	o.ended(t, p)
}

func (o *ordeal) leaderKilled(t *testing.T) {
	p, _, leader := o.midRoll(t)
	o.killKafka(t, leader)
	o.ended(t, p)
}

func (o *ordeal) hostCrashed(t *testing.T) {
	p, first, _ := o.midRoll(t)
	o.crash(t, first)
	o.ended(t, p)
}

// corruptLogs: Kafka dies, and what it wrote last is not what it finds: half
// records at the end of each log, indexes of noise.
func (o *ordeal) corruptLogs(t *testing.T) {
	o.killKafka(t, "broker-1002")
	o.script(t, o.stack, "broker-1002", `set -e
systemctl stop kafka.service
cd /var/lib/kafka/data
rm -f .kafka_cleanshutdown
for log in ordeals-*/*.log; do
  head -c 5000 /dev/urandom >>"$log"
  head -c 400 /dev/urandom >"${log%.log}.index"
done`)
	o.change(t)
	o.must(t, "up", "--stack", o.stack)
}

// changedByHand: where it is told, nothing was restarted for nothing.
func (o *ordeal) changedByHand(t *testing.T) {
	before := o.processes(t, o.stack)
	for _, host := range three {
		o.script(t, o.stack, host, "echo vm.swappiness = 60 >>/etc/sysctl.d/90-kafka.conf")
	}
	o.change(t)
	o.refused(t, 9, []string{"step: roll", "/etc/sysctl.d/90-kafka.conf", "kraftstack up --repair"}, "up", "--stack", o.stack)
	for host, process := range o.processes(t, o.stack) {
		if process != before[host] {
			t.Errorf("Kafka on %s was restarted", host)
		}
	}
	var repaired report.Report
	o.mustJSON(t, &repaired, "up", "--repair", "--stack", o.stack)
}

// zoneLost: with one broker in each zone, the zone is that broker.
func (o *ordeal) zoneLost(t *testing.T) {
	const host = "broker-1003"
	instance := o.instances(t, o.stack)[host]
	o.aws(t, fmt.Sprintf("ec2.stop_instances(InstanceIds=[%q])", instance))
	eventually(t, "status tells of it", 2*time.Minute, func() (bool, string) {
		r := o.run(t, "status", "--stack", o.stack)
		return r.code == 6 && strings.Contains(r.stdout, host), r.stdout
	})
	o.aws(t, fmt.Sprintf("ec2.start_instances(InstanceIds=[%q])", instance))
	eventually(t, "the cluster is whole by itself", 3*time.Minute, func() (bool, string) {
		r := o.run(t, "status", "--stack", o.stack)
		return r.code == 0, r.stdout
	})
}

// diskFills: status warns in time, then calls it a problem. On a full disk Kafka
// stops, the others go on, and it comes back when there is room.
func (o *ordeal) diskFills(t *testing.T) {
	const host = "broker-1002"
	fill := func(percent int) {
		o.script(t, o.stack, host, fmt.Sprintf(`set -e
read -r size used < <(df --output=size,used -k /var/lib/kafka | tail -n 1)
fallocate -l $((size * %d / 100 - used))K /var/lib/kafka/ballast-%[1]d`, percent))
	}
	fill(75)
	v := o.view(t, o.stack)
	if len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0], "the disk of "+host) {
		t.Errorf("at 75 %% the warnings are %q", v.Warnings)
	}
	fill(90)
	o.refused(t, 6, []string{"1 problem"}, "status", "--stack", o.stack)
	o.script(t, o.stack, host, "dd if=/dev/zero of=/var/lib/kafka/ballast-100 bs=64k 2>/dev/null; sync /var/lib/kafka/ballast-100")
	eventually(t, "the broker stops", 4*time.Minute, func() (bool, string) {
		r := o.run(t, "status", "--stack", o.stack)
		return r.code == 6 && strings.Contains(r.stdout, host+" does not answer"), r.stdout
	})
	o.script(t, o.stack, host, "rm /var/lib/kafka/ballast-*; systemctl reset-failed kafka.service; systemctl restart kafka.service")
	eventually(t, "the broker is back and in sync", 3*time.Minute, func() (bool, string) {
		r := o.run(t, "status", "--stack", o.stack)
		return r.code == 0, r.stdout
	})
}

// anotherType: never are two hosts down at once.
func (o *ordeal) anotherType(t *testing.T) {
	o.size = "t3.medium"
	o.change(t)
	p, ended := o.start(t, "up", "--stack", o.stack), make(chan result, 1)
	go func() { ended <- p.wait(t) }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	seen := map[string]bool{}
	for {
		var down []string
		for _, host := range o.lab(t).Hosts {
			if name, ours := strings.CutPrefix(host.Name, o.stack+"-"); ours && host.State != "running" {
				down = append(down, name)
				seen[name] = true
			}
		}
		if len(down) > 1 {
			t.Fatalf("down at once: %v", down)
		}
		select {
		case r := <-ended:
			if r.code != 0 || len(seen) != len(three) {
				t.Errorf("up ended with %d, and %v were seen to stop\n%s", r.code, seen, r.stderr)
			}
			return
		case <-tick.C:
		}
	}
}
