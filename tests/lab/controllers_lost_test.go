//go:build long

package lab_test

import (
	"strings"
	"testing"
)

// TestControllersLost: the hosts and disks of all controllers are lost, and with them
// all that says whose records are on the brokers' disks.
func TestControllersLost(t *testing.T) {
	s := shared
	const stack = "controllers-lost"
	s.stackFile(t, stack, "    mode: combined\n    count: 3\n",
		"    mode: dedicated\n    count: 3\n    instanceType: t3.small\n    volume:\n      sizeGiB: 1\n")
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	toolsMoveRecords(t, s, stack)
	s.must(t, "bootstrap", "--stack", stack)
	s.must(t, "backup", "--stack", stack)
	for _, host := range []string{"controller-1", "controller-2", "controller-3"} {
		s.loseDisk(t, stack, host)
	}
	s.refused(t, 8, []string{"step: configure", "is empty", "was expected on it"}, "up", "--stack", stack)
	// Up ends at the first empty disk, and may not have come to this host by then.
	s.script(t, stack, "controller-3", "rm -f /etc/systemd/system/kafka.service && systemctl daemon-reload")
	if said := s.must(t, "restore", "metadata", "--stack", stack); !strings.Contains(said, "no Kafka yet on controller-3") {
		t.Errorf("restore says: %s", said)
	}
	s.up(t, stack)
	if v := s.view(t, stack); len(v.Brokers) != 3 || len(v.Quorum.Voters) != 3 {
		t.Errorf("the cluster has brokers %+v and voters %+v", v.Brokers, v.Quorum.Voters)
	}
	readOrders(t, s, stack)
	s.must(t, "smoke", "--stack", stack)
	nothing(t, "preview in the end", s.preview(t, stack))
}
