//go:build long

package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestOrdealsOfTheDriver: a roll loses the driver, or the way to its hosts.
func TestOrdealsOfTheDriver(t *testing.T) {
	o := newOrdeal(t, "ordeals-driver")
	o.suffer(t,
		trouble{"the driver killed", o.driverKilled},
		trouble{"SSH lost between gate and restart", o.connectionLost},
		trouble{"the bastion rebooted", o.bastionRebooted},
	)
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
