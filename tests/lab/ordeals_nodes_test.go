//go:build long

package lab_test

import "testing"

// TestOrdealsOfNodes: a node dies in the middle of a roll, or comes back damaged.
func TestOrdealsOfNodes(t *testing.T) {
	o := newOrdeal(t, "ordeals-nodes")
	o.suffer(t,
		trouble{"a second broker dying", o.secondBrokerDies},
		trouble{"the quorum's leader killed", o.leaderKilled},
		trouble{"a host crashed", o.hostCrashed},
		trouble{"a broker back with corrupt logs", o.corruptLogs},
	)
}

func (o *ordeal) secondBrokerDies(t *testing.T) {
	p, first, leader := o.midRoll(t)
	for _, host := range three {
		if host != first && host != leader {
			o.killKafka(t, host)
		}
	}
	getsOver(t, p.wait(t))
}

func (o *ordeal) leaderKilled(t *testing.T) {
	p, _, leader := o.midRoll(t)
	o.killKafka(t, leader)
	getsOver(t, p.wait(t))
}

func (o *ordeal) hostCrashed(t *testing.T) {
	p, first, _ := o.midRoll(t)
	o.crash(t, first)
	getsOver(t, p.wait(t))
}

func (o *ordeal) corruptLogs(t *testing.T) {
	o.corrupt(t, "broker-1002")
	o.change(t)
	o.must(t, "up", "--stack", o.stack)
}
