//go:build long

package lab_test

import (
	"strings"
	"testing"
	"time"
)

// TestDiskFullWhilePartitionsMove: the disk of the broker that joins fills up while
// it takes its share. The others go on; and the same up ends well when there is room.
func TestDiskFullWhilePartitionsMove(t *testing.T) {
	o := newOrdeal(t, "ordeals-moves")
	o.topics(t, o.stack, "--create --topic big --partitions 6 --replication-factor 3")
	o.ssh(t, o.stack, "bastion", "seq -f %01000.0f 1 200000 | sudo /opt/kafka/current/bin/kafka-console-producer.sh "+
		"--command-config /etc/kafka/client.properties --bootstrap-server broker-1002."+o.stack+".kafka.internal:9092 --topic big --command-property acks=all")
	o.brokers(t, o.stack, "4", "    heap: 384m\n", "    heap: 384m\n  kraftstack:rebalance:\n    throttleMiB: 1\n")
	o.suffer(t, trouble{"a disk that fills up while partitions move to it", o.joinerFills})
	if held := strings.Count(o.topics(t, o.stack, "--describe --topic big"), "1004"); held < 3 {
		t.Errorf("broker-1004 is named %d times in topic big, of which it should hold 3 partitions", held)
	}
}

func (o *ordeal) joinerFills(t *testing.T) {
	const host = "broker-1004"
	p := o.start(t, "up", "--stack", o.stack)
	// The state knows the new host when up has ended; until then it is asked for where
	// the others know it.
	eventually(t, "partitions move to "+host, 5*time.Minute, func() (bool, string) {
		said := o.topics(t, o.stack, "--describe --topic big")
		return strings.Contains(said, "Adding Replicas: 1004"), said
	})
	o.inside(t, host, "fallocate -l $(($(df --output=avail -k /var/lib/kafka | tail -n 1) - 1024))K /var/lib/kafka/ballast; "+
		"dd if=/dev/zero of=/var/lib/kafka/ballast-rest bs=4k 2>/dev/null; sync")
	eventually(t, host+" stops", 4*time.Minute, func() (bool, string) {
		said := o.inside(t, host, "systemctl show --value -p NRestarts kafka.service")
		return strings.TrimSpace(said) != "0", said
	})
	o.inside(t, host, "rm -f /var/lib/kafka/ballast*; systemctl reset-failed kafka.service; systemctl restart kafka.service")
	if r := p.wait(t); r.code != 0 {
		t.Errorf("up did not get over it:\n%s", r.stderr)
	}
}
