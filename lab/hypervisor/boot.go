package hypervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"gopkg.in/yaml.v3"

	"kraftstack/lab/cloud"
)

// leaderTimeout bounds the wait for a started host's PID 1 to exist.
const leaderTimeout = 30 * time.Second

// hostDir holds the pieces of one host's root and what is said to it.
type hostDir string

func (d hostDir) upper() string { return filepath.Join(string(d), "upper") }
func (d hostDir) work() string  { return filepath.Join(string(d), "work") }
func (d hostDir) root() string  { return filepath.Join(string(d), "root") }
func (d hostDir) disk() string  { return filepath.Join(string(d), "disk") } // the host's /dev/disk

// console is outside of the host's own folder: it is read after the host is gone.
func (d hostDir) console() string {
	return filepath.Join(filepath.Dir(filepath.Dir(string(d))), "console", filepath.Base(string(d))+".log")
}

// ensureRoot mounts the host's root: images below, the nearest first, what the
// host writes above. The upper layer outlives reboots, as a root volume does.
func (d hostDir) ensureRoot(below []string) error {
	for _, dir := range []string{d.upper(), d.work(), d.root(), filepath.Join(d.disk(), "by-id"), filepath.Join(d.disk(), "by-uuid"), filepath.Dir(d.console())} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make the host's folders: %w", err)
		}
	}
	mounted, err := isMounted(d.root())
	if err != nil || mounted {
		return err
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", strings.Join(below, ":"), d.upper(), d.work())
	if err := unix.Mount("overlay", d.root(), "overlay", 0, options); err != nil {
		return fmt.Errorf("mount the host's root over %s: %w", strings.Join(below, ", "), err)
	}
	return nil
}

// seed writes what an instance learns from EC2's metadata service, in the form
// that cloud-init's NoCloud source reads, and what DHCP would have set.
func (d hostDir) seed(instance cloud.Instance, resolver string) error {
	name := internalName(instance.PrivateIP)
	meta, err := yaml.Marshal(map[string]any{
		"instance-id":    instance.ID,
		"local-hostname": name,
		"public-keys":    instance.PublicKeys,
	})
	if err != nil {
		return fmt.Errorf("write the instance's metadata: %w", err)
	}
	user := instance.UserData
	if len(bytes.TrimSpace(user)) == 0 {
		user = []byte("#cloud-config\n{}\n")
	}
	resolv := fmt.Sprintf("search %s\nnameserver %s\noptions timeout:2 attempts:3\n", internalDomain(instance.Zone), resolver)
	seedDir := filepath.Join(d.root(), "var/lib/cloud/seed/nocloud")
	if err := os.MkdirAll(seedDir, 0o700); err != nil {
		return fmt.Errorf("make the folder for user data: %w", err)
	}
	for _, file := range []struct {
		path    string
		content []byte
		mode    fs.FileMode
	}{
		{filepath.Join(seedDir, "meta-data"), meta, 0o600},
		{filepath.Join(seedDir, "user-data"), user, 0o600},
		{filepath.Join(d.root(), "etc/hostname"), []byte(name + "\n"), 0o644},
		{filepath.Join(d.root(), "etc/resolv.conf"), []byte(resolv), 0o644},
	} {
		if err := writeAtomic(file.path, file.content, file.mode); err != nil {
			return fmt.Errorf("write %s of the host: %w", filepath.Base(file.path), err)
		}
	}
	return nil
}

// launcher joins the control groups named before "--", then becomes nspawn, so
// that no moment passes in which a host's process is outside its groups.
const launcher = `while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 97; shift; done; shift; exec "$@"`

// launch starts the host and waits for its PID 1. The process is a session of
// its own and writes to a file, so it does not notice when the daemon ends.
func (d hostDir) launch(ctx context.Context, name, hostname string, groups cgroups) (*machine, error) {
	console, err := os.OpenFile(d.console(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the console's log: %w", err)
	}
	defer func() { _ = console.Close() }()
	args := append([]string{"-c", launcher, "launch"}, groups...)
	args = append(args, "--", "systemd-nspawn", "--quiet", "--directory="+d.root(), "--machine="+name, "--hostname="+hostname,
		"--network-namespace-path="+netnsPath(name), "--register=no", "--keep-unit", "--boot", "--console=read-only",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no", "--bind="+d.disk()+":/dev/disk")
	// The daemon's context must not end the host: no CommandContext here.
	cmd := exec.Command("/bin/sh", args...)
	cmd.Stdout, cmd.Stderr = console, console
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the host: %w", err)
	}
	exited, err := watchExit(cmd.Process.Pid, func() { _ = cmd.Wait() })
	if err != nil {
		return nil, err
	}
	running := &machine{supervisor: cmd.Process.Pid, exited: exited}
	// Not even Close interrupts this: a host is left running or not at all.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaderTimeout)
	defer cancel()
	err = poll(ctx, "the host's PID 1 to start", func() bool {
		_, running.leader = findMachine(groups)
		return running.leader != 0 || running.ended()
	})
	if err == nil && running.leader == 0 {
		err = fmt.Errorf("the host ended at once: %s", lastLine(d.console()))
	}
	if err != nil {
		_ = cmd.Process.Kill()
		<-exited
		return nil, fmt.Errorf("start the host: %w; its console is %s", err, d.console())
	}
	return running, nil
}

func (m *machine) ended() bool {
	select {
	case <-m.exited:
		return true
	default:
		return false
	}
}

// powerOffSignal is SIGRTMIN+3, on which systemd powers the machine off.
const powerOffSignal = syscall.Signal(37)

// powerOff asks the host's systemd to shut down, as the power button does, and
// pulls the plug when patience is over. The signal is repeated: early in its
// start PID 1 does not hear it.
func (m *machine) powerOff(ctx context.Context, groups cgroups, patience time.Duration) error {
	polite, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for asking := m.leader != 0; asking; {
		_ = syscall.Kill(m.leader, powerOffSignal)
		select {
		case <-m.exited:
			asking = false
		case <-again.C:
		case <-polite.Done():
			asking = false
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("shut the host down: %w", err)
	}
	// Also after a clean end: nothing of the host may survive it.
	return groups.kill(ctx)
}

// discard unmounts and removes all of the host's files.
func (d hostDir) discard() error {
	if err := unmount(d.root()); err != nil {
		return err
	}
	if err := os.RemoveAll(string(d)); err != nil {
		return fmt.Errorf("remove the host's files: %w", err)
	}
	return nil
}

// unmount detaches path from the tree; it is no error when nothing is mounted.
func unmount(path string) error {
	for {
		mounted, err := isMounted(path)
		if err != nil || !mounted {
			return err
		}
		if err := unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("unmount %s: %w", path, err)
		}
	}
}

func isMounted(path string) (bool, error) {
	points, err := mountPoints()
	return slices.Contains(points, path), err
}

func mountPoints() ([]string, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read the mount table: %w", err)
	}
	var points []string
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > 4 {
			points = append(points, fields[4])
		}
	}
	return points, nil
}

func lastLine(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return lines[len(lines)-1]
}
