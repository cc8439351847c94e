//go:build long

package lab_test

import (
	"strings"
	"testing"
)

// TestModes changes how clients of a running cluster log in: in the clear, by
// password, by either, by certificate, and by password again. Each is one up, after
// which the cluster is healthy, moves a record and needs no further up.
func TestModes(t *testing.T) {
	s := shared
	const stack = "modes"
	t.Cleanup(func() { s.must(t, "destroy", "--stack", stack, "--yes") })
	for _, mode := range []string{"plaintext", "scram", "both", "mtls", "scram"} {
		s.oneBrokerFile(t, stack, 1, "{clients: "+mode+"}")
		s.up(t, stack)
		nothing(t, mode+": the up after it", s.up(t, stack))
		s.view(t, stack)
		s.must(t, "smoke", "--stack", stack)
		got := s.ssh(t, stack, "broker-1001", "ss -Hltn | awk '{ print $4 }' | sed 's/.*://' | grep -x -e 9092 -e 9094 | sort -u | tr '\\n' ' '")
		want := map[string]string{"plaintext": "9092", "scram": "9092", "both": "9092 9094", "mtls": "9094"}[mode]
		if strings.TrimSpace(got) != want {
			t.Errorf("%s: ports for clients are %q, want %s", mode, got, want)
		}
	}
}
