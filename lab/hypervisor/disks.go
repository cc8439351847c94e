package hypervisor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// disk is an attached volume as its host sees it.
type disk struct {
	Volume string
	Slot   int
	Loop   string
}

// nodesFile tells the image's lab-disks.service which nodes to make before the
// first mount of a boot: /dev is new each time.
const nodesFile = ".nodes"

// describe brings the host's /dev/disk in line with its disks: the list for the
// next boot, and the links that EC2's udev rules make. The folder is the
// host's own, bound into it, so a running host sees the change at once.
func (d hostDir) describe(disks []disk) error {
	var nodes strings.Builder
	links := map[string]string{}
	for _, disk := range disks {
		major, minor, err := deviceNumbers(disk.Loop)
		if err != nil {
			return err
		}
		fmt.Fprintf(&nodes, "%s %d %d\n", deviceName(disk.Slot), major, minor)
		links[filepath.Join("by-id", byIDName(disk.Volume))] = deviceName(disk.Slot)
		if uuid := probeUUID(filepath.Join("/dev", disk.Loop)); uuid != "" {
			links[filepath.Join("by-uuid", uuid)] = deviceName(disk.Slot)
		}
	}
	if err := writeAtomic(filepath.Join(d.disk(), nodesFile), []byte(nodes.String()), 0o644); err != nil {
		return fmt.Errorf("list the host's disks: %w", err)
	}
	return replaceLinks(d.disk(), links)
}

// replaceLinks leaves exactly the given links in by-id and by-uuid.
func replaceLinks(dir string, links map[string]string) error {
	for _, sub := range []string{"by-id", "by-uuid"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			return fmt.Errorf("list the host's disk links: %w", err)
		}
		for _, entry := range entries {
			name := filepath.Join(sub, entry.Name())
			target, err := os.Readlink(filepath.Join(dir, name))
			if err == nil && links[name] != "" && target == "../../"+links[name] {
				delete(links, name)
				continue
			}
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove a disk link: %w", err)
			}
		}
	}
	for _, name := range sortedKeys(links) {
		if err := os.Symlink("../../"+links[name], filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("make a disk link: %w", err)
		}
	}
	return nil
}

// plug makes a disk's node in a running host. The host may have made it itself
// while it booted.
func plug(leader int, disk disk) error {
	major, minor, err := deviceNumbers(disk.Loop)
	if err != nil {
		return err
	}
	path := nodePath(leader, disk.Slot)
	var st unix.Stat_t
	if unix.Stat(path, &st) == nil {
		if st.Rdev == unix.Mkdev(major, minor) {
			return nil
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove the stale node %s: %w", deviceName(disk.Slot), err)
		}
	}
	err = unix.Mknod(path, unix.S_IFBLK|0o660, int(unix.Mkdev(major, minor)))
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("make %s in the host: %w", deviceName(disk.Slot), err)
	}
	return nil
}

func unplug(leader, slot int) error {
	if err := os.Remove(nodePath(leader, slot)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s from the host: %w", deviceName(slot), err)
	}
	return nil
}

func nodePath(leader, slot int) string {
	return fmt.Sprintf("/proc/%d/root/dev/%s", leader, deviceName(slot))
}

// probeUUID reads the UUID of the filesystem on a device; "" when it has none
// that the lab knows.
func probeUUID(device string) string {
	file, err := os.Open(device)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	head := make([]byte, 2048)
	if _, err := file.ReadAt(head, 0); err != nil {
		return ""
	}
	return filesystemUUID(head)
}

// filesystemUUID finds the UUID in the first 2 KiB of an XFS or ext filesystem.
func filesystemUUID(head []byte) string {
	switch {
	case len(head) < 2048:
		return ""
	case string(head[:4]) == "XFSB":
		return formatUUID(head[32:48])
	case binary.LittleEndian.Uint16(head[0x438:]) == 0xEF53:
		return formatUUID(head[0x468:0x478])
	default:
		return ""
	}
}

func formatUUID(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
