//go:build long

package lab_test

import (
	"syscall"
	"testing"
)

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
for log in ordeals-nodes-*/*.log; do
  head -c 5000 /dev/urandom >>"$log"
  head -c 400 /dev/urandom >"${log%.log}.index"
done`)
	o.change(t)
	o.must(t, "up", "--stack", o.stack)
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
