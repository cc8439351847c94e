package automation

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// A killed run may stay a zombie for a while, which can be signalled.
func TestAZombieHoldsNoLock(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	held := Lock{Host: host, PID: c.Process.Pid}
	if alive, known := held.alive(); !alive || !known {
		t.Errorf("a process that runs: alive %v, known %v", alive, known)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		if alive, _ := held.alive(); !alive {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a zombie is taken for a run that goes on")
		}
	}
}
