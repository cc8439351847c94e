package daemon

import (
	"testing"
	"time"
)

// waitFor waits up to five seconds for a condition.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	end := time.Now().Add(5 * time.Second)
	for !ok() {
		if time.Now().After(end) {
			t.Fatal("the condition did not come true within 5 s")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
