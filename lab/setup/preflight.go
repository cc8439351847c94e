package setup

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const gib = 1 << 30

// What a lab takes: the image, the builds and their intermediate files; the
// disks and layers of a few hosts; three Kafka nodes and their bastion.
const (
	coldCacheBytes = 6 * gib
	labBytes       = 4 * gib
	memoryBytes    = 4 * gib
)

// Problem is one reason why this machine cannot run the lab.
type Problem struct {
	What string // what is wrong
	Do   string // what to do about it
}

// Problems is every reason at once.
type Problems []Problem //nolint:errname // they read as what they are

func (p Problems) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "this machine cannot run the lab yet (%d found, nothing was changed):", len(p))
	for _, problem := range p {
		fmt.Fprintf(&b, "\n  - %s; next: %s", problem.What, problem.Do)
	}
	return b.String()
}

// preflight looks at what the machine can do and changes nothing. missing names
// the set-up steps that are still to come, since what only they need is no
// problem when they are done.
func preflight(ctx context.Context, o Options, missing []string) Problems {
	if runtime.GOOS != "linux" {
		return Problems{{What: "the lab needs Linux, this is " + runtime.GOOS, Do: "run it on a Linux machine or in a virtual one"}}
	}
	var all Problems
	all = append(all, checkRoot()...)
	if len(all) == 0 { // without root the rest cannot be tried
		all = append(all, checkLoop()...)
		all = append(all, checkNamespaces(ctx)...)
		all = append(all, checkCgroups()...)
		all = append(all, checkFilesystems(ctx)...)
		all = append(all, checkFirewall(ctx)...)
		all = append(all, checkWatches(inotifyInstances)...)
	}
	all = append(all, checkBuilders(missing)...)
	all = append(all, checkDisk(o, missing)...)
	return append(all, checkMemory()...)
}

func checkRoot() Problems {
	if os.Geteuid() == 0 {
		return nil
	}
	return Problems{{
		What: "not running as root: the lab makes namespaces, mounts and loop devices",
		Do:   "run the same command as root, for example with `sudo --preserve-env=HOME,PATH`",
	}}
}

func checkLoop() Problems {
	f, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err == nil {
		f.Close()
		return nil
	}
	return Problems{{
		What: fmt.Sprintf("no loop devices: %v", err),
		Do:   "load the kernel module (`modprobe loop`), or allow loop devices to this container",
	}}
}

// checkNamespaces starts a process in new namespaces, which is the only check
// that a container's limits do not fool.
func checkNamespaces(ctx context.Context) Problems {
	if err := inNamespaces(ctx, "", "true").Run(); err != nil {
		return Problems{{
			What: fmt.Sprintf("cannot make namespaces (mount, process, network, host name, IPC): %v", err),
			Do:   "run on a real or virtual machine, or in a privileged container",
		}}
	}
	return nil
}

// checkCgroups wants a writable tree for systemd: the unified one, or version
// 1's named one.
func checkCgroups() Problems {
	for _, dir := range []string{"/sys/fs/cgroup/systemd", "/sys/fs/cgroup"} {
		var fs unix.Statfs_t
		if unix.Statfs(dir, &fs) != nil || fs.Type != unix.CGROUP_SUPER_MAGIC && fs.Type != unix.CGROUP2_SUPER_MAGIC {
			continue
		}
		if unix.Access(dir, unix.W_OK) == nil {
			return nil
		}
	}
	return Problems{{
		What: "no writable control group tree at /sys/fs/cgroup",
		Do:   "mount one (`mount -t cgroup2 none /sys/fs/cgroup`), or give this container a writable one",
	}}
}

// inotifyInstances is where the kernel says how many inotify instances root may
// have.
const inotifyInstances = "/proc/sys/fs/inotify/max_user_instances"

// hostWatches is how many of them the systemd of one host takes, and fewestHosts
// what the documents promise: three brokers, three controllers and their
// bastions in two stacks.
const (
	hostWatches = 5
	fewestHosts = 14
)

// checkWatches: all hosts share root's inotify instances, and a systemd without
// one does not boot.
func checkWatches(path string) Problems {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil //nolint:nilerr // a kernel that does not say has no such limit
	}
	limit, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || limit >= fewestHosts*hostWatches {
		return nil //nolint:nilerr // as above
	}
	return Problems{{
		What: fmt.Sprintf("root may have %d inotify instances, which ends at %d hosts", limit, limit/hostWatches),
		Do:   "raise it: sysctl -w fs.inotify.max_user_instances=1024",
	}}
}

func checkFilesystems(ctx context.Context) Problems {
	text, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return Problems{{What: fmt.Sprintf("cannot read the kernel's file systems: %v", err), Do: "mount /proc"}}
	}
	known := strings.Fields(string(text))
	var all Problems
	for _, name := range []string{"overlay", "xfs"} {
		if slices.Contains(known, name) || moduleExists(ctx, name) {
			continue
		}
		all = append(all, Problem{
			What: "the kernel has no " + name + " file system",
			Do:   "use a kernel with it (CONFIG_" + map[string]string{"overlay": "OVERLAY_FS", "xfs": "XFS_FS"}[name] + ")",
		})
	}
	return all
}

// moduleExists asks modprobe what it would do, without loading anything.
func moduleExists(ctx context.Context, name string) bool {
	modprobe := lookPath("modprobe")
	return modprobe != "" && exec.CommandContext(ctx, modprobe, "--dry-run", "--quiet", name).Run() == nil
}

// firewallTrial has one of each kind of rule that a lab router uses.
const firewallTrial = `table inet trial {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		iifname "x" ip saddr 10.0.0.0/8 tcp dport 22 ct mark set 1 accept
	}
	chain out {
		type nat hook postrouting priority srcnat;
		ip saddr 10.0.0.1 snat ip to 198.18.0.1
	}
}
`

// checkFirewall loads a ruleset in a network namespace of its own, which goes
// away with the process. Before nft is installed it cannot be tried.
func checkFirewall(ctx context.Context) Problems {
	nft := lookPath("nft")
	if nft == "" {
		return nil
	}
	text, err := inNamespaces(ctx, firewallTrial, nft, "-f", "-").CombinedOutput()
	if err == nil {
		return nil
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return Problems{{
		What: fmt.Sprintf("the kernel takes no nftables rules with state and NAT: %v: %s", err, first),
		Do:   "use a kernel with CONFIG_NF_TABLES_INET, NFT_CT and NFT_NAT",
	}}
}

// inNamespaces is a command in new namespaces of every kind that a host has.
func inNamespaces(ctx context.Context, stdin, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
	}
	return cmd
}

// checkBuilders wants what the coming steps cannot bring themselves.
func checkBuilders(missing []string) Problems {
	var all Problems
	for _, need := range []struct{ program, step, do string }{
		{"go", "Pulumi command line", "install Go 1.26 or newer and put it on PATH"},
		{"go", "Pulumi language host", "install Go 1.26 or newer and put it on PATH"},
		{"apt-get", "Debian packages", "install " + strings.Join(missingPackages(), ", ") + " by this system's own means"},
	} {
		if !slices.Contains(missing, need.step) || lookPath(need.program) != "" {
			continue
		}
		problem := Problem{What: "no " + need.program + " on PATH to bring the " + need.step, Do: need.do}
		if len(all) == 0 || all[len(all)-1].Do != problem.Do {
			all = append(all, problem)
		}
	}
	return all
}

func checkDisk(o Options, missing []string) Problems {
	var all Problems
	if len(missing) > 0 {
		all = append(all, freeSpace(o.CacheDir, coldCacheBytes, "KRAFTSTACK_CACHE_DIR")...)
	}
	return append(all, freeSpace(o.LabDir, labBytes, "KRAFTSTACK_LAB_DIR")...)
}

// freeSpace looks at the file system that holds dir, or will hold it.
func freeSpace(dir string, want uint64, variable string) Problems {
	at := dir
	var fs unix.Statfs_t
	for unix.Statfs(at, &fs) != nil && at != filepath.Dir(at) {
		at = filepath.Dir(at)
	}
	free := fs.Bavail * uint64(fs.Bsize)
	if free >= want {
		return nil
	}
	return Problems{{
		What: fmt.Sprintf("%s has %.1f GiB free, the lab wants %d GiB there", dir, float64(free)/gib, want/gib),
		Do:   "make room, or set " + variable + " to a folder elsewhere",
	}}
}

func checkMemory() Problems {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return nil //nolint:nilerr // an unknown size is no reason to refuse
	}
	// A machine sold with 4 GiB shows a little less.
	total := info.Totalram * uint64(info.Unit)
	if total >= memoryBytes*9/10 {
		return nil
	}
	return Problems{{
		What: fmt.Sprintf("this machine has %.1f GiB of memory, three Kafka nodes want %d GiB", float64(total)/gib, memoryBytes/gib),
		Do:   "run the lab on a larger machine",
	}}
}
