package hypervisor

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"kraftstack/lab/cloud"
)

// record returns a copy of an instance's record and whether booting is held.
func (h *Hypervisor) record(id string) (record hostRecord, held, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	found, ok := h.state.Hosts[id]
	if !ok {
		return hostRecord{}, false, false
	}
	record = *found
	record.Slots = maps.Clone(found.Slots)
	return record, h.state.Faults[FaultHoldBoot], true
}

func (h *Hypervisor) image() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state.Image
}

// routerOf names the router of a VPC that the cloud has, or had until just now.
func (h *Hypervisor) routerOf(id string) (string, cloud.VPC, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, known := h.state.VPCs[id]
	if !known || h.state.Snapshot == nil {
		return "", cloud.VPC{}, fmt.Errorf("%s is not in the cloud", id)
	}
	for _, vpc := range h.state.Snapshot.VPCs {
		if vpc.ID == id {
			return h.routerName(id), vpc, nil
		}
	}
	return h.routerName(id), cloud.VPC{ID: id}, nil
}

// settleDisks makes the host's disks what its record says. leader is the PID of
// the running host's init, 0 while it is off.
func (a *host) settleDisks(ctx context.Context, leader int) error {
	record, _, ok := a.hv.record(a.id)
	if !ok {
		return nil
	}
	wanted := map[string]bool{}
	for _, attachment := range record.Instance.Volumes {
		wanted[attachment.Volume] = true
	}
	for _, volume := range sortedKeys(record.Slots) {
		if wanted[volume] {
			continue
		}
		if err := a.detach(ctx, leader, volume, record.Slots[volume]); err != nil {
			return err
		}
	}
	var waits []string
	for _, volume := range sortedKeys(wanted) {
		wait, err := a.hv.claimVolume(a.id, volume)
		if err != nil {
			return err
		}
		if wait != "" {
			waits = append(waits, wait)
		}
	}
	a.set(func() { a.waiting = strings.Join(waits, "; ") })
	return a.plugAll(leader)
}

// plugAll makes every claimed volume a device of the host.
func (a *host) plugAll(leader int) error {
	disks, err := a.refreshLinks()
	if err != nil || leader == 0 {
		return err
	}
	for _, disk := range disks {
		if err := plug(leader, disk); err != nil {
			return err
		}
		err := a.hv.watch.add(nodePath(leader, disk.Slot), func() {
			if _, err := a.refreshLinks(); err != nil {
				a.hv.log.Error("could not refresh disk links", "instance", a.id, "error", err)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// refreshLinks brings /dev/disk of the host in line with its volumes.
func (a *host) refreshLinks() ([]disk, error) {
	a.disks.Lock()
	defer a.disks.Unlock()
	record, _, ok := a.hv.record(a.id)
	if !ok {
		return nil, nil
	}
	var disks []disk
	for _, volume := range sortedKeys(record.Slots) {
		path := a.hv.volumeFile(volume)
		if err := ensureVolumeFile(path, a.hv.volumeSize(volume)); err != nil {
			return nil, fmt.Errorf("%s: %w", volume, err)
		}
		loop, err := ensureLoop(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", volume, err)
		}
		disks = append(disks, disk{Volume: volume, Slot: record.Slots[volume], Loop: loop})
	}
	return disks, a.dir.describe(disks)
}

// detach takes a volume from the host and gives it up.
func (a *host) detach(ctx context.Context, leader int, volume string, slot int) error {
	if leader != 0 {
		if err := unplug(leader, slot); err != nil {
			return err
		}
	}
	if err := a.hv.releaseVolume(ctx, a.id, volume); err != nil {
		return fmt.Errorf("detach: %w; unmount it in the host, or stop the host", err)
	}
	return nil
}

// claimVolume gives the volume to the host unless another has it, and says in
// words what it waits for when it does not.
func (h *Hypervisor) claimVolume(id, volume string) (wait string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	record := h.state.Hosts[id]
	if _, mine := record.Slots[volume]; mine {
		return "", nil
	}
	if h.state.Faults[FaultHoldAttach] {
		return volume + " is held by the fault " + FaultHoldAttach, nil
	}
	if _, known := h.state.Volumes[volume]; !known {
		return "", fmt.Errorf("attach %s: the cloud has no such volume", volume)
	}
	for _, other := range sortedKeys(h.state.Hosts) {
		if _, taken := h.state.Hosts[other].Slots[volume]; taken {
			return volume + " is still with " + other, nil
		}
	}
	slot, err := freeSlot(volume, record.Slots)
	if err != nil {
		return "", err
	}
	record.Slots[volume] = slot
	return "", h.state.save(h.cfg.Dir)
}

// releaseVolume waits until nothing uses the volume's device, gives the volume
// up, and wakes the hosts, one of which may wait for it.
func (h *Hypervisor) releaseVolume(ctx context.Context, id, volume string) error {
	ctx, cancel := context.WithTimeout(ctx, detachPatience)
	defer cancel()
	if err := releaseLoops(ctx, h.volumeFile(volume)); err != nil {
		return fmt.Errorf("%s: %w", volume, err)
	}
	if err := h.save(func(s *state) { delete(s.Hosts[id].Slots, volume) }); err != nil {
		return err
	}
	h.nudgeAll(id)
	return nil
}

// nudgeAll wakes every host but one.
func (h *Hypervisor) nudgeAll(except string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, host := range h.hosts {
		if id != except {
			host.nudge()
		}
	}
}

func (h *Hypervisor) volumeSize(volume string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state.Volumes[volume]
}

// forget ends the instance's record and what was kept for it alone.
func (h *Hypervisor) forget(ctx context.Context, id string) error {
	err := h.save(func(s *state) {
		delete(s.Hosts, id)
		delete(h.hosts, id)
	})
	if err != nil {
		return err
	}
	h.log.Info("host is gone", "instance", id)
	return h.refresh(ctx)
}

// dropVolumes deletes the files of volumes that the cloud has no longer and no
// host holds. The caller holds h.netMu.
func (h *Hypervisor) dropVolumes(ctx context.Context, kept []cloud.Volume) error {
	h.mu.Lock()
	held := map[string]bool{}
	for _, volume := range kept {
		held[volume.ID] = true
	}
	for _, record := range h.state.Hosts {
		for volume := range record.Slots {
			held[volume] = true
		}
	}
	unwanted := slices.DeleteFunc(sortedKeys(h.state.Volumes), func(id string) bool { return held[id] })
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, detachPatience)
	defer cancel()
	for _, volume := range unwanted {
		path := h.volumeFile(volume)
		if err := releaseLoops(ctx, path); err != nil {
			return fmt.Errorf("%s: %w", volume, err)
		}
		if err := removeFile(path); err != nil {
			return fmt.Errorf("remove volume %s (%s): %w", volume, filepath.Base(path), err)
		}
		if err := h.save(func(s *state) { delete(s.Volumes, volume) }); err != nil {
			return err
		}
	}
	return nil
}
