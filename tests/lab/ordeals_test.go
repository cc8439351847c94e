//go:build long

package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// newOrdeal is a cluster of its own that runs.
func newOrdeal(t *testing.T, stack string) *ordeal {
	t.Helper()
	o := &ordeal{story: shared, stack: stack, heap: 384, size: "t3.small"}
	o.stackFile(t, o.stack)
	t.Cleanup(func() { o.must(t, "destroy", "--stack", o.stack, "--yes") })
	o.up(t, o.stack)
	return o
}

// trouble is something that goes wrong.
type trouble struct {
	name  string
	bring func(*testing.T)
}

// suffer brings one trouble after another to the cluster. Each time, after up is
// run again, the cluster is as the stack says; and at the end every record that was
// acknowledged is there.
func (o *ordeal) suffer(t *testing.T, troubles ...trouble) {
	t.Helper()
	load := o.count(t, o.stack, o.stack, "--delivery-timeout", "10m")
	for _, one := range troubles {
		t.Run(one.name, func(t *testing.T) {
			load.during(t, one.name, func() {
				one.bring(t)
				o.mended(t)
			})
		})
	}
	load.holds(t)
}

// TestOrdealsOfTheDriver: a roll loses the driver, or the way to its hosts.
func TestOrdealsOfTheDriver(t *testing.T) {
	o := newOrdeal(t, "ordeals-driver")
	o.suffer(t,
		trouble{"the driver killed", o.driverKilled},
		trouble{"SSH lost between gate and restart", o.connectionLost},
		trouble{"the bastion rebooted", o.bastionRebooted},
	)
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

func (o *ordeal) driverKilled(t *testing.T) {
	p, _, _ := o.midRoll(t)
	killTree(t, p)
	_ = p.cmd.Wait()
	o.refused(t, 4, []string{"locked", "kraftstack unlock --stack"}, "up", "--stack", o.stack)
	o.must(t, "unlock", "--stack", o.stack)
}

func (o *ordeal) connectionLost(t *testing.T) {
	leader := o.view(t, o.stack).Quorum.Leader
	host := three[0]
	if host == fmt.Sprintf("broker-%d", leader) {
		host = three[1]
	}
	o.plantCut(t, host)
	o.change(t)
	o.refused(t, 5, []string{host, "step: roll", "the SSH connection ended", "next: run up again"}, "up", "--stack", o.stack)
	o.ssh(t, o.stack, host, "test -s /run/story-cut")
}

func (o *ordeal) bastionRebooted(t *testing.T) {
	p, _, _ := o.midRoll(t)
	o.crash(t, "bastion")
	getsOver(t, p.wait(t))
}
