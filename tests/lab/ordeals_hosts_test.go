//go:build long

package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kraftstack/internal/report"
)

// TestOrdealsOfHosts: what happens to hosts outside of a roll, and what up does
// about them.
func TestOrdealsOfHosts(t *testing.T) {
	o := newOrdeal(t, "ordeals-hosts")
	o.suffer(t,
		trouble{"a host changed by hand", o.changedByHand},
		trouble{"a zone lost and back", o.zoneLost},
		trouble{"a disk that fills up", o.diskFills},
		trouble{"another instance type", o.anotherType},
	)
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
