package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"kraftstack/lab/cloud"
)

// imageRecord is an image that the account made of an instance. EC2 copies the
// instance's root volume while the instance is shut down. Here what the host has
// written becomes a layer that nobody writes to any more, and the host goes on
// upon it like all others that boot from the image.
type imageRecord struct {
	Source string   `json:"source"` // the instance
	Below  []string `json:"below"`  // the images that the layer lies upon, the nearest first
	Made   bool     `json:"made"`
	// Gone says that the cloud no longer has the image. Its layer stays while
	// something lies upon it.
	Gone bool `json:"gone"`
}

// layer is the folder of an image: of one that is there from the beginning, or of
// one that the account made.
func (h *Hypervisor) layer(image string) string {
	if dir, ok := h.cfg.Layers[image]; ok {
		return dir
	}
	return filepath.Join(h.cfg.Dir, "images", image)
}

// noteImages takes over which images there are.
func (s *state) noteImages(images []cloud.Image) {
	there := map[string]bool{}
	for _, image := range images {
		there[image.ID] = true
		if _, known := s.Images[image.ID]; !known {
			s.Images[image.ID] = &imageRecord{Source: image.Source}
		}
	}
	for id, record := range s.Images {
		record.Gone = !there[id]
	}
}

// toCapture is the image that is to be made of an instance, "" for none.
func (s *state) toCapture(instance string) string {
	for _, id := range sortedKeys(s.Images) {
		if record := s.Images[id]; record.Source == instance && !record.Made && !record.Gone {
			return id
		}
	}
	return ""
}

func (h *Hypervisor) toCapture(instance string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state.toCapture(instance)
}

// comes tells whether an image is still to be made.
func (h *Hypervisor) comes(image string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	record, ok := h.state.Images[image]
	return ok && !record.Made
}

// launched notes that the host is booted, and gives the folders of the layers
// that its root lies upon, which its first boot decides.
func (h *Hypervisor) launched(id string) (layers []string, err error) {
	err = h.save(func(s *state) {
		record := s.Hosts[id]
		if image, ok := s.Images[record.Instance.Image]; ok && !record.Launched {
			record.Layers = append([]string{record.Instance.Image}, image.Below...)
		} else if _, ok := s.Layers[record.Instance.Image]; ok && !record.Launched {
			record.Layers = []string{record.Instance.Image}
		}
		record.Launched = true
		for _, image := range record.Layers {
			layers = append(layers, h.layer(image))
		}
	})
	return layers, err
}

// capture shuts the host down and makes an image of its root, where one is
// wanted. It may be cut off anywhere: a layer that is there already is the one
// that was to be made.
func (a *host) capture(ctx context.Context) error {
	image := a.hv.toCapture(a.id)
	if image == "" {
		return nil
	}
	if err := a.shutdown(ctx, phaseStopping); err != nil {
		return err
	}
	if err := unmount(a.dir.root()); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(a.hv.layer(image)), 0o755); err != nil {
		return fmt.Errorf("make the folder for images: %w", err)
	}
	if _, err := os.Lstat(a.hv.layer(image)); errors.Is(err, fs.ErrNotExist) {
		if err := os.Rename(a.dir.upper(), a.hv.layer(image)); err != nil {
			return fmt.Errorf("make image %s of the host's root: %w", image, err)
		}
	}
	if err := os.RemoveAll(a.dir.work()); err != nil {
		return fmt.Errorf("make image %s of the host's root: %w", image, err)
	}
	err := a.hv.save(func(s *state) {
		made, source := s.Images[image], s.Hosts[a.id]
		made.Made, made.Below = true, source.Layers
		source.Layers = append([]string{image}, source.Layers...)
	})
	if err != nil {
		return err
	}
	a.hv.log.Info("made an image of a host", "instance", a.id, "image", image)
	a.hv.nudgeAll(a.id)
	return nil
}

// dropImages removes the layers that nobody has a use for.
func (h *Hypervisor) dropImages() error {
	h.mu.Lock()
	used := map[string]bool{}
	for _, host := range h.state.Hosts {
		for _, image := range append(slices.Clone(host.Layers), host.Instance.Image) {
			used[image] = true
		}
	}
	for id, image := range h.state.Images {
		if !image.Gone || used[id] {
			used[id] = true
			for _, below := range image.Below {
				used[below] = true
			}
		}
	}
	unwanted := slices.DeleteFunc(sortedKeys(h.state.Images), func(id string) bool { return used[id] })
	h.mu.Unlock()
	for _, image := range unwanted {
		if err := os.RemoveAll(h.layer(image)); err != nil {
			return fmt.Errorf("remove image %s: %w", image, err)
		}
		if err := h.save(func(s *state) { delete(s.Images, image) }); err != nil {
			return err
		}
	}
	return nil
}
