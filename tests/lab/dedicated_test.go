package lab_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDedicated: three controllers and three brokers, each on a host of its
// own, from nothing to a roll and away again.
func TestDedicated(t *testing.T) {
	s := shared
	const stack = "dedicated"
	dedicated := []string{
		"    mode: combined\n    count: 3\n",
		"    mode: dedicated\n    count: 3\n    instanceType: t3.small\n    volume:\n      sizeGiB: 1\n",
	}
	s.stackFile(t, stack, dedicated...)
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	s.up(t, stack)
	v := s.view(t, stack)
	var voters, brokers []int32
	for _, voter := range v.Quorum.Voters {
		voters = append(voters, voter.ID)
	}
	for i, broker := range v.Brokers {
		brokers = append(brokers, broker.ID)
		if broker.Rack != zones[i] {
			t.Errorf("broker %d is in rack %q, want %s", broker.ID, broker.Rack, zones[i])
		}
	}
	if diff := cmp.Diff([]int32{1, 2, 3}, voters); diff != "" {
		t.Errorf("voters (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int32{1001, 1002, 1003}, brokers); diff != "" {
		t.Errorf("brokers (-want +got):\n%s", diff)
	}
	s.must(t, "smoke", "--stack", stack)
	nothing(t, "second up", s.up(t, stack))

	s.stackFile(t, stack, append(dedicated, "    heap: 384m\n", "    heap: 400m\n")...)
	rolled := s.up(t, stack)
	order := []string{"controller-1", "controller-2", "controller-3", "broker-1001", "broker-1002", "broker-1003"}
	if diff := cmp.Diff(order, rolled.Restarts); diff != "" {
		t.Errorf("controllers are not rolled before brokers (-want +got):\n%s", diff)
	}
	s.view(t, stack)
}
