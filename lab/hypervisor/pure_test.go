package hypervisor

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"kraftstack/lab/cloud"
)

func TestAddresses(t *testing.T) {
	far, near := transitAddrs(2)
	got := []string{
		aliasAddr(0).String(), aliasAddr(300).String(), far.String(), near.String(),
		gatewayAddr(prefixes("10.0.1.16/28")[0]).String(), resolverAddr(prefixes("10.0.0.0/16")[0]).String(),
		internalName(addr("10.0.1.2")), internalDomain("us-east-1a"), internalDomain("eu-west-3b"), byIDName("vol-0123abc"),
	}
	want := []string{
		"198.18.0.1", "198.18.1.45", "169.254.0.9", "169.254.0.10", "10.0.1.17", "10.0.0.2",
		"ip-10-0-1-2", "ec2.internal", "eu-west-3.compute.internal", "nvme-Amazon_Elastic_Block_Store_vol0123abc",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
}

func TestAllocation(t *testing.T) {
	if got := lowestFree(map[string]int{"a": 0, "b": 2}); got != 1 {
		t.Errorf("lowest free number is %d, want 1", got)
	}
	used := map[string]int{}
	for i := range 26 {
		name := "vol-" + string(rune('a'+i))
		slot, err := freeSlot(name, used)
		if err != nil || slot < 1 || slot > 26 {
			t.Fatalf("slot %d, %v", slot, err)
		}
		used[name] = slot
	}
	if _, err := freeSlot("vol-more", used); err == nil || !strings.Contains(err.Error(), "vol-more") {
		t.Errorf("a 27th volume: %v", err)
	}
}

func TestStateSurvivesItsWriter(t *testing.T) {
	dir := t.TempDir()
	written := newState()
	written.Image = "/image"
	written.Hosts["i-1"] = &hostRecord{Index: 3, Slots: map[string]int{"vol-1": 4}, Launched: true, Instance: cloud.Instance{ID: "i-1", PrivateIP: addr("10.0.0.5")}}
	written.Aliases["127.0.0.1"] = 7
	if err := written.save(dir); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(statePath(dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the state file has mode %v (%v): it holds user data", info.Mode(), err)
	}
	read, err := loadState(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(written.Hosts["i-1"].Slots, read.Hosts["i-1"].Slots); diff != "" || read.Aliases["127.0.0.1"] != 7 || read.Hosts["i-1"].Instance.PrivateIP != addr("10.0.0.5") {
		t.Errorf("read back %+v", read)
	}
}

func TestStateOfAnotherVersionIsRefused(t *testing.T) {
	for name, content := range map[string]string{"newer": `{"version": 99}`, "broken": `{"version": 1,`} {
		dir := t.TempDir()
		if err := os.WriteFile(statePath(dir), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadState(dir); err == nil || !strings.Contains(err.Error(), "take the lab down") {
			t.Errorf("%s: error %v does not say what to do", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	vpc := cloud.VPC{ID: "vpc-1", EnableDNSSupport: true, EnableDNSHostnames: true}
	snapshot := cloud.Snapshot{
		Instances: []cloud.Instance{
			{ID: "i-1", VPC: "vpc-1", Zone: "us-east-1a", PrivateIP: addr("10.0.1.2")},
			{ID: "i-2", VPC: "vpc-2", Zone: "us-east-1a", PrivateIP: addr("10.9.1.2")},
		},
		Zones: []cloud.Zone{
			{Name: "lab.kafka.internal", VPCs: []string{"vpc-1"}, Records: []cloud.Record{
				{Name: "n1.lab.kafka.internal", Type: "A", TTL: 60, Values: []string{"10.0.1.2", "10.0.1.3"}},
				{Name: "alias.lab.kafka.internal", Type: "CNAME", TTL: 60, Values: []string{"N1.lab.kafka.internal"}},
				{Name: "loop.lab.kafka.internal", Type: "CNAME", TTL: 60, Values: []string{"loop.lab.kafka.internal"}},
			}},
			{Name: "other.internal", VPCs: []string{"vpc-2"}, Records: []cloud.Record{{Name: "x.other.internal", Type: "A", Values: []string{"10.9.1.2"}}}},
		},
	}
	known := namesOf(vpc, snapshot)
	for _, test := range []struct {
		name    string
		kind    uint16
		rcode   int
		answers int
	}{
		{"N1.lab.kafka.internal.", dns.TypeA, dns.RcodeSuccess, 2},
		{"n1.lab.kafka.internal.", dns.TypeAAAA, dns.RcodeSuccess, 0},
		{"alias.lab.kafka.internal.", dns.TypeA, dns.RcodeSuccess, 3},
		{"loop.lab.kafka.internal.", dns.TypeA, dns.RcodeSuccess, 8},
		{"n2.lab.kafka.internal.", dns.TypeA, dns.RcodeNameError, 0},
		{"x.other.internal.", dns.TypeA, dns.RcodeNameError, 0},
		{"ip-10-0-1-2.ec2.internal.", dns.TypeA, dns.RcodeSuccess, 1},
		{"ip-10-9-1-2.ec2.internal.", dns.TypeA, dns.RcodeNameError, 0},
		{"2.1.0.10.in-addr.arpa.", dns.TypePTR, dns.RcodeSuccess, 1},
		{"downloads.kraftstack.lab.", dns.TypeA, dns.RcodeSuccess, 1},
		{"example.com.", dns.TypeA, dns.RcodeNameError, 0},
	} {
		reply := known.answer(new(dns.Msg).SetQuestion(test.name, test.kind))
		if reply.Rcode != test.rcode || len(reply.Answer) != test.answers {
			t.Errorf("%s %s: %s with %d answers, want %s with %d", test.name, dns.TypeToString[test.kind],
				dns.RcodeToString[reply.Rcode], len(reply.Answer), dns.RcodeToString[test.rcode], test.answers)
		}
		if _, err := reply.Pack(); err != nil {
			t.Errorf("%s: the reply cannot be sent: %v", test.name, err)
		}
	}
}

func TestPrivateZonesNeedDNSHostnames(t *testing.T) {
	snapshot := cloud.Snapshot{Zones: []cloud.Zone{{Name: "z.internal", VPCs: []string{"vpc-1"}, Records: []cloud.Record{{Name: "a.z.internal", Type: "A", Values: []string{"10.0.0.5"}}}}}}
	known := namesOf(cloud.VPC{ID: "vpc-1", EnableDNSSupport: true}, snapshot)
	if reply := known.answer(new(dns.Msg).SetQuestion("a.z.internal.", dns.TypeA)); reply.Rcode != dns.RcodeNameError {
		t.Errorf("a private zone resolves without enableDnsHostnames: %s", reply)
	}
}

func TestFilesystemUUID(t *testing.T) {
	id := []byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8}
	const want = "01234567-89ab-cdef-0102-030405060708"
	xfs := make([]byte, 2048)
	copy(xfs, "XFSB")
	copy(xfs[32:], id)
	ext := make([]byte, 2048)
	binary.LittleEndian.PutUint16(ext[0x438:], 0xEF53)
	copy(ext[0x468:], id)
	for name, head := range map[string][]byte{"xfs": xfs, "ext4": ext} {
		if got := filesystemUUID(head); got != want {
			t.Errorf("%s: UUID %q, want %q", name, got, want)
		}
	}
	if got := filesystemUUID(make([]byte, 2048)); got != "" {
		t.Errorf("a blank disk has UUID %q", got)
	}
}

func TestReplaceLinksLeavesExactlyTheWanted(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"by-id", "by-uuid"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := replaceLinks(dir, map[string]string{"by-id/a": "nvme1n1", "by-uuid/u": "nvme1n1"}); err != nil {
		t.Fatal(err)
	}
	if err := replaceLinks(dir, map[string]string{"by-id/a": "nvme2n1"}); err != nil {
		t.Fatal(err)
	}
	target, err := os.Readlink(filepath.Join(dir, "by-id", "a"))
	if err != nil || target != "../../nvme2n1" {
		t.Errorf("by-id/a leads to %q (%v)", target, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "by-uuid", "u")); !os.IsNotExist(err) {
		t.Errorf("a link of a filesystem that is gone stays: %v", err)
	}
}
