package hypervisor

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kraftstack/lab/cloud"
	"kraftstack/lab/image"
	"kraftstack/lab/paths"
)

// TestHostBoots boots two real hosts from a snapshot made by hand: one public,
// one private with a volume. It builds the image first where it is missing.
func TestHostBoots(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	lab := newBootLab(ctx, t)

	lab.reconcile(ctx, t, lab.snapshot("vol-0aa", "i-0b"))
	lab.wait(ctx, t)
	status := lab.hv.Status()

	bastion := lab.ssh(ctx, t, "127.11.22.33:22")
	expect(t, bastion, "cloud-init status --wait >/dev/null; cat /opt/greeting", "hello from user data")
	expect(t, bastion, "sudo -n hostname", "ip-10-7-1-10")
	expect(t, bastion, "getent hosts node.lab.kafka.internal | cut -d' ' -f1", "10.7.2.20")
	expect(t, bastion, "getent hosts nobody.lab.kafka.internal || echo none", "none")
	expect(t, bastion, probe("10.7.2.20", 22), "open")
	expect(t, bastion, probe("10.7.2.20", 111), "shut") // nothing in the groups allows it
	expect(t, bastion, "curl -s -m 5 http://downloads.kraftstack.lab/greeting", "an archive")

	private := lab.inside(t, status, "i-0b")
	expect(t, private, probe("10.7.1.10", 22), "shut") // its group may not talk to the bastion
	expect(t, private, "curl -s -m 2 http://downloads.kraftstack.lab/greeting || echo none", "none")
	const byID = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0aa"
	expect(t, private, "mkfs.xfs -q "+byID+" && u=$(blkid -s UUID -o value "+byID+") && mount UUID=$u /mnt && echo kept > /mnt/f && umount /mnt && echo made", "made")
	expect(t, private, "test -e /dev/disk/by-uuid/$(blkid -s UUID -o value "+byID+") && echo linked", "linked")

	// A daemon that is killed leaves its hosts alone; the next one takes over.
	before := pids(status)
	if err := lab.hv.Close(); err != nil {
		t.Fatal(err)
	}
	lab.hv = lab.open(t)
	if err := lab.hv.Adopt(ctx); err != nil {
		t.Fatal(err)
	}
	lab.wait(ctx, t)
	if after := pids(lab.hv.Status()); after != before {
		t.Fatalf("hosts were restarted by the takeover: %s, then %s", before, after)
	}

	// The same disk on a new instance, while the old one is still shutting down.
	lab.reconcile(ctx, t, lab.snapshot("vol-0aa", "i-0c"))
	lab.wait(ctx, t)
	replaced := lab.inside(t, lab.hv.Status(), "i-0c")
	expect(t, replaced, "mount "+byID+" /mnt && cat /mnt/f", "kept")

	if err := lab.hv.Destroy(ctx); err != nil {
		t.Fatal(err)
	}
	left, err := lab.hv.Leftovers()
	if err != nil || len(left) > 0 {
		t.Fatalf("left after Destroy: %v, %v", left, err)
	}
}

type bootLab struct {
	cfg    Config
	hv     *Hypervisor
	key    ssh.Signer
	public string
}

func newBootLab(ctx context.Context, t *testing.T) *bootLab {
	t.Helper()
	cache, err := paths.Cache()
	if err != nil {
		t.Fatal(err)
	}
	images, err := image.Ensure(ctx, cache, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	downloads := filepath.Join(dir, "downloads")
	if err := os.MkdirAll(downloads, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(downloads, "greeting"), []byte("an archive\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	lab := &bootLab{
		cfg: Config{Dir: filepath.Join(dir, "lab"), ImageRoot: images.Root, DownloadDir: downloads, Log: log},
		key: signer, public: string(ssh.MarshalAuthorizedKey(signer.PublicKey())),
	}
	lab.hv = lab.open(t)
	t.Cleanup(func() {
		if err := lab.hv.Destroy(context.WithoutCancel(ctx)); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return lab
}

func (l *bootLab) open(t *testing.T) *Hypervisor {
	t.Helper()
	hv, err := New(l.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return hv
}

// snapshot is one VPC with a public bastion and a private node that has the
// volume.
func (l *bootLab) snapshot(volume, node string) cloud.Snapshot {
	anywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	return cloud.Snapshot{
		VPCs: []cloud.VPC{{ID: "vpc-1", CIDR: netip.MustParsePrefix("10.7.0.0/16"), EnableDNSSupport: true, EnableDNSHostnames: true}},
		Subnets: []cloud.Subnet{
			{ID: "subnet-1", VPC: "vpc-1", CIDR: netip.MustParsePrefix("10.7.1.0/24"), Zone: "us-east-1a", RouteTable: "rtb-1"},
			{ID: "subnet-2", VPC: "vpc-1", CIDR: netip.MustParsePrefix("10.7.2.0/24"), Zone: "us-east-1b", RouteTable: "rtb-2"},
		},
		RouteTables: []cloud.RouteTable{
			{ID: "rtb-1", VPC: "vpc-1", Routes: []cloud.Route{{Destination: anywhere[0], Target: "igw-1"}}},
			{ID: "rtb-2", VPC: "vpc-1"},
		},
		Instances: []cloud.Instance{
			{
				ID: "i-0a", State: "running", Name: "bastion", VPC: "vpc-1", Subnet: "subnet-1", Zone: "us-east-1a",
				PrivateIP: netip.MustParseAddr("10.7.1.10"), SecurityGroups: []string{"sg-bastion"}, PublicKeys: []string{l.public},
				UserData: []byte("#cloud-config\nwrite_files:\n  - {path: /opt/greeting, content: hello from user data}\n"),
			},
			{
				ID: node, State: "running", Name: "node", VPC: "vpc-1", Subnet: "subnet-2", Zone: "us-east-1b",
				PrivateIP: netip.MustParseAddr("10.7.2.20"), SecurityGroups: []string{"sg-node"}, PublicKeys: []string{l.public},
				Volumes: []cloud.Attachment{{Volume: volume, Device: "/dev/sdf"}},
			},
		},
		Volumes: []cloud.Volume{{ID: volume, SizeGiB: 1, Zone: "us-east-1b"}},
		SecurityGroups: []cloud.SecurityGroup{
			{
				ID: "sg-bastion", VPC: "vpc-1",
				Ingress: []cloud.Rule{{Protocol: "tcp", FromPort: 22, ToPort: 22, CIDRs: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}},
				Egress:  []cloud.Rule{{Protocol: "-1", CIDRs: anywhere}},
			},
			{
				ID: "sg-node", VPC: "vpc-1",
				Ingress: []cloud.Rule{{Protocol: "tcp", FromPort: 22, ToPort: 22, Groups: []string{"sg-bastion"}}},
				Egress:  []cloud.Rule{{Protocol: "tcp", FromPort: 80, ToPort: 80, CIDRs: anywhere}},
			},
		},
		Addresses: []cloud.Address{{AllocationID: "eipalloc-1", PublicIP: netip.MustParseAddr("127.11.22.33"), Instance: "i-0a"}},
		Zones: []cloud.Zone{{
			ID: "Z1", Name: "lab.kafka.internal", VPCs: []string{"vpc-1"},
			Records: []cloud.Record{{Name: "node.lab.kafka.internal", Type: "A", TTL: 60, Values: []string{"10.7.2.20"}}},
		}},
	}
}

func (l *bootLab) reconcile(ctx context.Context, t *testing.T, snapshot cloud.Snapshot) {
	t.Helper()
	if err := l.hv.Reconcile(ctx, snapshot); err != nil {
		t.Fatal(err)
	}
}

func (l *bootLab) wait(ctx context.Context, t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	if err := l.hv.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}

// session runs a command on a host and returns what it printed.
type session func(command string) (string, error)

// ssh logs in as the image's user through the forwarder of an Elastic IP.
func (l *bootLab) ssh(ctx context.Context, t *testing.T, address string) session {
	t.Helper()
	var client *ssh.Client
	reached := func(ctx context.Context) error {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		// The host made its own keys: there is nothing to compare them with here.
		link, channels, requests, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
			User: "ubuntu", Auth: []ssh.AuthMethod{ssh.PublicKeys(l.key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		})
		if err != nil {
			_ = conn.Close()
			return err
		}
		client = ssh.NewClient(link, channels, requests)
		return nil
	}
	// A host that is up may still start its sshd.
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		err := reached(ctx)
		if err == nil {
			break
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			t.Fatalf("log in at %s: %v", address, err)
		}
	}
	t.Cleanup(func() { _ = client.Close() })
	return func(command string) (string, error) {
		run, err := client.NewSession()
		if err != nil {
			return "", err
		}
		out, err := run.CombinedOutput(command)
		return string(out), err
	}
}

// inside runs commands in all namespaces of a host, as its root.
func (l *bootLab) inside(t *testing.T, status Status, instance string) session {
	t.Helper()
	for _, host := range status.Hosts {
		if host.Instance == instance {
			return func(command string) (string, error) {
				cmd := commandInside(host.Leader, command)
				var out bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &out
				err := cmd.Run()
				return out.String(), err
			}
		}
	}
	t.Fatalf("no host %s in %+v", instance, status)
	return nil
}

func expect(t *testing.T, run session, command, want string) {
	t.Helper()
	out, err := run(command)
	if got := strings.TrimSpace(out); err != nil || got != want {
		t.Fatalf("%s\n\tprinted %q (%v), want %q", command, got, err, want)
	}
}

// probe prints whether a TCP port lets a connection in: a refusal by the host
// itself would count as open, because the packet arrived.
func probe(host string, port int) string {
	return fmt.Sprintf("timeout 2 bash -c '</dev/tcp/%s/%d' 2>/dev/null; case $? in 124) echo shut;; *) echo open;; esac", host, port)
}

func pids(status Status) string {
	var all []string
	for _, host := range status.Hosts {
		all = append(all, fmt.Sprintf("%s=%d", host.Instance, host.PID))
	}
	return strings.Join(all, " ")
}
