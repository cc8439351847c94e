package hypervisor

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// The faults that stories switch on.
const (
	FaultHoldBoot      = "hold-boot"      // instances that were never booted stay off
	FaultHoldAttach    = "hold-attach"    // volumes attached from now on do not appear
	FaultHoldDownloads = "hold-downloads" // the download server's socket is closed
)

var faults = []string{FaultHoldAttach, FaultHoldBoot, FaultHoldDownloads}

// Fault switches a fault on or off. It stays so until it is switched back, also
// across daemons. An unknown name is an error.
func (h *Hypervisor) Fault(name string, on bool) error {
	if !slices.Contains(faults, name) {
		return fmt.Errorf("fault %q is none of %s", name, strings.Join(faults, ", "))
	}
	err := h.save(func(s *state) {
		delete(s.Faults, name)
		if on {
			s.Faults[name] = true
		}
	})
	if err != nil {
		return err
	}
	h.nudgeAll("")
	return h.refresh(context.WithoutCancel(h.ctx))
}
