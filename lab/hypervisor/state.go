package hypervisor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"kraftstack/lab/cloud"
)

const stateVersion = 1

// state is all that the hypervisor must know to find, keep or remove what it
// has made. A thing is written here before it is made, never after, so that
// whatever moment the daemon dies in, nothing exists that the file does not
// name.
type state struct {
	Version int                    `json:"version"`
	Image   string                 `json:"image"`
	Layers  map[string]string      `json:"layers"`  // by image id: folders that lie upon Image
	Hosts   map[string]*hostRecord `json:"hosts"`   // by instance id
	VPCs    map[string]int         `json:"vpcs"`    // by VPC id: the index of its router
	Aliases map[string]int         `json:"aliases"` // by Elastic IP: the index of its alias
	// Peerings is by connection id: the index of its link.
	Peerings map[string]int          `json:"peerings"`
	Volumes  map[string]int          `json:"volumes"` // by volume id: GiB
	Images   map[string]*imageRecord `json:"images"`  // by image id
	Faults   map[string]bool         `json:"faults"`
	// Redirects says that the machine's own namespace may hold the table that
	// makes up for a loopback port which is taken.
	Redirects bool            `json:"redirects"`
	Snapshot  *cloud.Snapshot `json:"snapshot"`

	written []byte // what the file holds, to write only what changed
}

// hostRecord is one host that exists, or is about to, or is on its way out.
type hostRecord struct {
	Index    int            `json:"index"` // names its end of the veth pair
	Subnet   cloud.Subnet   `json:"subnet"`
	Instance cloud.Instance `json:"instance"`
	// Slots says which NVMe number each attached volume has. A volume belongs
	// to the host that has it here, and to no other.
	Slots map[string]int `json:"slots"`
	// Layers are the images that the host's root lies upon, the nearest first.
	// Below them is the lab's own.
	Layers []string `json:"layers"`
	// Launched is false until the host has been booted for the first time.
	Launched bool `json:"launched"`
	// Gone says that the cloud no longer has the instance.
	Gone bool `json:"gone"`
}

func newState() *state {
	return &state{
		Version:  stateVersion,
		Hosts:    map[string]*hostRecord{},
		VPCs:     map[string]int{},
		Aliases:  map[string]int{},
		Peerings: map[string]int{},
		Volumes:  map[string]int{},
		Images:   map[string]*imageRecord{},
		Faults:   map[string]bool{},
	}
}

func statePath(dir string) string { return filepath.Join(dir, "hypervisor.json") }

// loadState reads the state file of dir. A missing file is an empty state.
func loadState(dir string) (*state, error) {
	content, err := os.ReadFile(statePath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return newState(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the hypervisor's state: %w", err)
	}
	loaded := newState()
	if err := json.Unmarshal(content, loaded); err != nil {
		return nil, fmt.Errorf("read the hypervisor's state %s: %w; take the lab down with the version that wrote it", statePath(dir), err)
	}
	if loaded.Version != stateVersion {
		return nil, fmt.Errorf("the hypervisor's state %s has version %d, this program writes %d; take the lab down with the version that wrote it",
			statePath(dir), loaded.Version, stateVersion)
	}
	return loaded, nil
}

// save writes the state file atomically. It holds user data, and so host keys:
// only root may read it.
func (s *state) save(dir string) error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write the hypervisor's state: %w", err)
	}
	if bytes.Equal(content, s.written) {
		return nil
	}
	if err := writeAtomic(statePath(dir), append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the hypervisor's state: %w", err)
	}
	s.written = content
	return nil
}

// writeAtomic replaces path in one step: a reader sees the old content or the
// new, and a crash leaves one of them.
func writeAtomic(path string, content []byte, mode fs.FileMode) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = temp.Write(content)
	err = errors.Join(err, temp.Chmod(mode), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// sortedKeys is how every map here is walked, so that what is made and printed
// does not depend on chance.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
