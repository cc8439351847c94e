//go:build long

package lab_test

import (
	"fmt"
	"testing"
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

// change writes a stack file that wants all nodes restarted.
func (o *ordeal) change(t *testing.T) {
	t.Helper()
	o.heap++
	o.stackFile(t, o.stack, "    heap: 384m\n", fmt.Sprintf("    heap: %dm\n", o.heap), "instanceType: t3.small", "instanceType: "+o.size)
}
