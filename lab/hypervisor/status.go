package hypervisor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Status is what the hypervisor runs, for people and for tests.
type Status struct {
	Hosts []HostStatus `json:"hosts"` // sorted by instance id
	// Internet is the path of the namespace that holds the operator's and the
	// stranger's address.
	Internet string            `json:"internet"`
	Routers  map[string]string `json:"routers"` // by VPC id: the router's namespace
	Faults   []string          `json:"faults"`
	Error    string            `json:"error,omitempty"` // what is wrong with the network
}

// HostStatus is one host. State is pending, held, starting, booting, running,
// stopping, stopped or terminating.
type HostStatus struct {
	Instance  string   `json:"instance"`
	Name      string   `json:"name"`
	State     string   `json:"state"`
	PrivateIP string   `json:"privateIp"`
	PublicIP  string   `json:"publicIp,omitempty"`
	PID       int      `json:"pid,omitempty"`    // the nspawn process
	Leader    int      `json:"leader,omitempty"` // the host's own PID 1
	Namespace string   `json:"namespace"`        // path of its network namespace
	Volumes   []string `json:"volumes"`
	Waiting   string   `json:"waiting,omitempty"` // what an attachment waits for
	Memory    int64    `json:"memory"`            // bytes in use, without page cache
	Console   string   `json:"console"`           // path of its console's log
	Error     string   `json:"error,omitempty"`
}

// Status describes the lab at this moment. It does not wait for anything.
func (h *Hypervisor) Status() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	status := Status{Internet: netnsPath(h.internetName()), Routers: map[string]string{}, Faults: sortedKeys(h.state.Faults)}
	for id := range h.state.VPCs {
		status.Routers[id] = netnsPath(h.routerName(id))
	}
	if h.netErr != nil {
		status.Error = h.netErr.Error()
	}
	public := map[string]string{}
	if h.state.Snapshot != nil {
		for _, address := range h.state.Snapshot.Addresses {
			public[address.Instance] = address.PublicIP.String()
		}
	}
	for _, id := range sortedKeys(h.state.Hosts) {
		record := h.state.Hosts[id]
		host := HostStatus{
			Instance: id, Name: record.Instance.Name, State: phasePending,
			PrivateIP: record.Instance.PrivateIP.String(), PublicIP: public[id],
			Namespace: netnsPath(h.hostName(id)), Console: h.hostDir(id).console(),
			Volumes: sortedKeys(record.Slots),
		}
		if actor, ok := h.hosts[id]; ok {
			actor.describe(&host)
		}
		status.Hosts = append(status.Hosts, host)
	}
	return status
}

// IsOff says whether the host of an instance has powered off, or is gone.
func (h *Hypervisor) IsOff(instance string) bool {
	for _, host := range h.Status().Hosts {
		if host.Instance == instance {
			return host.State == phaseStopped
		}
	}
	return true
}

// describe fills in what only the host's actor knows.
func (a *host) describe(status *HostStatus) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.machine != nil {
		status.PID, status.Leader = a.machine.supervisor, a.machine.leader
		status.Memory = a.groups.memory()
		if a.phase == phaseBooting && listening(a.machine.leader, 22) {
			a.phase = phaseRunning
		}
	}
	status.State, status.Waiting = a.phase, a.waiting
	if a.err != nil {
		status.Error = a.err.Error()
	}
}

// Wait returns once every host has the state that the cloud wants, and sshd
// answers on those that run. It ends early, with what is missing, when ctx does.
func (h *Hypervisor) Wait(ctx context.Context) error {
	var missing []string
	err := poll(ctx, "the hosts", func() bool {
		missing = h.unsettled()
		return len(missing) == 0
	})
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.Join(missing, "; "))
	}
	return nil
}

func (h *Hypervisor) unsettled() []string {
	status := h.Status()
	h.mu.Lock()
	wanted := map[string]string{}
	for id, record := range maps.All(h.state.Hosts) {
		wanted[id] = record.Instance.State
		if record.Gone {
			wanted[id] = "gone"
		}
		if attached := len(record.Slots); attached != len(record.Instance.Volumes) {
			wanted[id] += " with its volumes"
		}
	}
	h.mu.Unlock()
	var missing []string
	for _, host := range status.Hosts {
		if host.State != wanted[host.Instance] {
			missing = append(missing, fmt.Sprintf("%s is %s, not %s %s", host.Instance, host.State, wanted[host.Instance], host.Error))
		}
	}
	slices.Sort(missing)
	return missing
}
