package hypervisor

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kraftstack/lab/cloud"
)

// TestHostSurvives does to one real host what happens to machines: held back,
// crashed, switched off and on, its disk taken away and given back, on a machine
// whose port 22 is taken.
func TestHostSurvives(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	lab := newBootLab(ctx, t)
	takePort(t, "0.0.0.0:22")

	snapshot := lab.snapshot("vol-0aa", "i-0b")
	snapshot.Instances = snapshot.Instances[:1]
	snapshot.Instances[0].Volumes = []cloud.Attachment{{Volume: "vol-0aa", Device: "/dev/sdf"}}

	// Neither boots nor gets its disk while the faults hold.
	lab.fault(t, FaultHoldBoot, true)
	lab.fault(t, FaultHoldAttach, true)
	lab.reconcile(ctx, t, snapshot)
	lab.until(ctx, t, func(h HostStatus) bool { return h.State == phaseHeld })
	lab.fault(t, FaultHoldBoot, false)
	lab.until(ctx, t, func(h HostStatus) bool {
		return h.State == phaseRunning && strings.Contains(h.Waiting, FaultHoldAttach)
	})
	lab.fault(t, FaultHoldAttach, false)
	lab.wait(ctx, t)

	// The right port leads to the host although the machine's own has it.
	host := lab.ssh(ctx, t, "127.11.22.33:22")
	expect(t, host, "cloud-init status --wait >/dev/null; hostname", "ip-10-7-1-10")
	expect(t, host, mountUnit, "mounted")

	// Pulling the plug is a crash: the same machine comes back by itself.
	crashed := lab.hv.Status().Hosts[0].PID
	if err := syscall.Kill(crashed, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	lab.until(ctx, t, func(h HostStatus) bool { return h.State == phaseRunning && h.PID != crashed })
	expect(t, lab.ssh(ctx, t, "127.11.22.33:22"), "cat /var/lib/kafka/f; mount | grep -c /var/lib/kafka", "kept\n1")

	// Off keeps root and disk; on brings both back.
	snapshot.Instances[0].State = "stopped"
	lab.reconcile(ctx, t, snapshot)
	lab.wait(ctx, t)
	if left := cgroupsOf(lab.hv.hostName("i-0a")).pids(); len(left) > 0 {
		t.Fatalf("a stopped host has processes %v", left)
	}
	snapshot.Instances[0].State = "running"
	lab.reconcile(ctx, t, snapshot)
	lab.wait(ctx, t)
	inside := lab.inside(t, lab.hv.Status(), "i-0a")
	expect(t, inside, "cat /var/lib/kafka/f /opt/greeting", "kept\nhello from user data")

	// Detached while it runs, the device and its links go.
	expect(t, inside, "systemctl stop var-lib-kafka.mount && echo unmounted", "unmounted")
	snapshot.Instances[0].Volumes = nil
	lab.reconcile(ctx, t, snapshot)
	lab.until(ctx, t, func(h HostStatus) bool { return len(h.Volumes) == 0 })
	expect(t, inside, "ls /dev/disk/by-id /dev/disk/by-uuid /dev | grep -ci -e nvme -e vol- || true", "0")

	// With nothing left in the cloud, nothing is left on the machine.
	lab.reconcile(ctx, t, cloud.Snapshot{})
	lab.wait(ctx, t)
	lab.reconcile(ctx, t, cloud.Snapshot{})
	left, err := lab.hv.Leftovers()
	left = slices.DeleteFunc(left, func(name string) bool { return strings.HasSuffix(name, "internet") })
	if err != nil || len(left) > 0 {
		t.Fatalf("left of an empty cloud: %v, %v", left, err)
	}
}

// mountUnit is how host scripts mount a disk: a unit by UUID.
const mountUnit = `sudo -n bash -c '
d=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0aa
mkfs.xfs -q $d && mkdir -p /var/lib/kafka
printf "[Mount]\nWhat=UUID=%s\nWhere=/var/lib/kafka\nType=xfs\nOptions=noatime\n[Install]\nWantedBy=multi-user.target\n" \
  $(blkid -s UUID -o value $d) > /etc/systemd/system/var-lib-kafka.mount
systemctl daemon-reload && systemctl enable --now -q var-lib-kafka.mount && echo kept > /var/lib/kafka/f && sync && echo mounted'`

// takePort plays the machine's own sshd. Where one listens already, it does.
func takePort(t *testing.T, address string) {
	t.Helper()
	listener, err := net.Listen("tcp4", address)
	if err == nil {
		t.Cleanup(func() { _ = listener.Close() })
	}
}

func (l *bootLab) fault(t *testing.T, name string, on bool) {
	t.Helper()
	if err := l.hv.Fault(name, on); err != nil {
		t.Fatal(err)
	}
}

// until waits for the only host to be as wanted.
func (l *bootLab) until(ctx context.Context, t *testing.T, wanted func(HostStatus) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	err := poll(ctx, "the host", func() bool {
		status := l.hv.Status()
		return len(status.Hosts) == 1 && wanted(status.Hosts[0])
	})
	if err != nil {
		t.Fatal(fmt.Errorf("%w: %+v", err, l.hv.Status()))
	}
}
