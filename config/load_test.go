package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"kraftstack/tests/golden"
)

// read is LoadFile over the text of a stack file, as the driver calls them.
func read(t *testing.T, stack, file string) (Stack, error) {
	t.Helper()
	values, err := Values([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return LoadFile(stack, values)
}

// whole completes a case of wrong.txtar to a stack file.
func wholeFile(text string) string {
	file := "config:\n"
	for line := range strings.Lines(text) {
		file += "  " + line
	}
	if !strings.Contains("\n"+text, "\naws:") {
		file += "  aws:region: us-east-1\n"
	}
	if !strings.Contains(text, "kraftstack:access:") && !strings.Contains(text, "aws:region: us-east-1") {
		file += "  kraftstack:access: {adminCidrs: [203.0.113.0/24]}\n"
	}
	return file
}

// TestWrong holds every wrong stack file of testdata to the problems below it.
func TestWrong(t *testing.T) {
	paths, err := filepath.Glob("testdata/wrong*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, path := range paths {
		count += testWrong(t, path)
	}
	if count < 45 {
		t.Fatalf("there are %d wrong stack files: want 45 at least", count)
	}
}

func testWrong(t *testing.T, path string) int {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Files)%2 != 0 {
		t.Fatalf("%s has %d files: want pairs", path, len(archive.Files))
	}
	for i := 0; i < len(archive.Files); i += 2 {
		given, want := archive.Files[i], &archive.Files[i+1]
		t.Run(given.Name, func(t *testing.T) {
			_, err := read(t, "lab", wholeFile(string(given.Data)))
			var wrong *Error
			if !errors.As(err, &wrong) {
				t.Fatalf("Load gave %v, want an *Error", err)
			}
			var lines strings.Builder
			for _, p := range wrong.Problems {
				lines.WriteString(p.String() + "\n")
			}
			if golden.Updating() {
				want.Data = []byte(lines.String())
			}
			if diff := cmp.Diff(string(want.Data), lines.String()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
	if golden.Updating() {
		if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return len(archive.Files) / 2
}

func TestSmallest(t *testing.T) {
	got, err := read(t, "dev", "config:\n  aws:region: eu-west-1\n  kraftstack:access: {adminCidrs: [203.0.113.0/24]}\n")
	if err != nil {
		t.Fatal(err)
	}
	want := Stack{
		Name: "dev", Region: "eu-west-1",
		Network: Network{CIDR: netip.MustParsePrefix("10.0.0.0/16"), ZoneCount: 3, NATGateways: NATOne, FlowLogs: FlowLogs{To: FlowLogsNone, RetentionDays: 30, Traffic: "all"}},
		Access: Access{
			AdminCIDRs: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
			Bastion:    Bastion{InstanceType: "t3.micro", Count: 1},

			HostTimeoutSeconds: 300,
			KeyGeneration:      1,
		},
		Entry:       Entry{LoadBalancer: EntryNone},
		Controllers: Controllers{Mode: ModeCombined, Count: 3, InstanceType: "t3.medium", Volume: Volume{SizeGiB: 20}},
		Brokers:     Brokers{Count: 3, InstanceType: "m7i.large", Volume: Volume{SizeGiB: 100}, Image: ImageUbuntu},
		Hosts:       Hosts{Spread: true, Golden: Golden{Base: "ubuntu"}},
		Kafka: Kafka{
			Version: "4.3.0", ArchiveURL: "https://archive.apache.org/dist/kafka/4.3.0/kafka_2.13-4.3.0.tgz",
			Heap: "1g", Config: map[string]string{}, Finalize: FinalizeAuto,
		},
		Rolling:   Rolling{By: RollByBroker, GateTimeoutSeconds: 120},
		Rebalance: Rebalance{Spread: SpreadAuto, ThrottleMiB: 50},
		Security:  Security{Clients: ClientsScram, CA: CA{Generation: 1}, ClientCA: ClientCA{Generation: 1}, ValidityHours: 8760, RenewBeforeHours: 2190, AdminRotation: 1, Updates: UpdatesImage},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestGood(t *testing.T) {
	const base = "  aws:region: us-east-1\n  kraftstack:access: {adminCidrs: [203.0.113.0/24]}\n"
	cases := map[string]struct {
		file string
		got  func(Stack) any
		want any
	}{
		"one broker is its own quorum": {
			base + "  kraftstack:brokers: {count: 1}\n",
			func(s Stack) any { return []int{s.Controllers.Count, s.Network.ZoneCount, len(s.Nodes())} }, []int{1, 1, 1},
		},
		"dedicated controllers": {
			base + "  kraftstack:controllers: {mode: dedicated, count: 5, volume: {sizeGiB: 5}}\n",
			func(s Stack) any { return []int{s.Network.ZoneCount, len(s.Nodes()), s.Controllers.Volume.SizeGiB} }, []int{3, 8, 5},
		},
		"the world by name": {
			"  aws:region: us-east-1\n  kraftstack:access: {adminCidrs: [0.0.0.0/0], openToWorld: true}\n",
			func(s Stack) any { return s.Access.OpenToWorld }, true,
		},
		"zones by name": {
			base + "  kraftstack:network: {cidr: 10.1.0.0/26, zones: [us-east-1b, us-east-1a]}\n",
			func(s Stack) any { return s.Network.Zones }, []string{"us-east-1b", "us-east-1a"},
		},
		"properties of every kind": {
			base + "  kraftstack:kafka: {config: {num.partitions: 12, log.cleaner.enable: false, log.retention.bytes: 1073741824000, log.cleaner.min.cleanable.ratio: 0.5, compression.type: zstd}}\n",
			func(s Stack) any { return s.Kafka.Config },
			map[string]string{
				"num.partitions": "12", "log.cleaner.enable": "false", "log.retention.bytes": "1073741824000",
				"log.cleaner.min.cleanable.ratio": "0.5", "compression.type": "zstd",
			},
		},
		"a sum in capitals": {
			base + "  kraftstack:kafka: {sha512: " + strings.Repeat("AB", 64) + "}\n",
			func(s Stack) any { return s.Kafka.SHA512 }, strings.Repeat("ab", 64),
		},
		"a fast volume": {
			base + "  kraftstack:brokers: {volume: {sizeGiB: 200, iops: 80000, throughput: 1000}}\n",
			func(s Stack) any { return s.Brokers.Volume }, Volume{200, 80000, 1000},
		},
		"empty sections": {
			base + "  kraftstack:network:\n  kraftstack:kafka: {}\n",
			func(s Stack) any { return s.Kafka.Heap }, "1g",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := read(t, "lab", "config:\n"+c.file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, c.got(s)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestStackName(t *testing.T) {
	for _, name := range []string{"", "Lab", "1lab", "lab_1", "-lab", strings.Repeat("a", 31)} {
		if _, err := read(t, name, wholeFile("")); err == nil || !strings.Contains(err.Error(), "stack name") {
			t.Errorf("stack %q: got %v, want it refused", name, err)
		}
	}
	if _, err := read(t, "prod-eu-1", wholeFile("")); err != nil {
		t.Error(err)
	}
}

// Pulumi may hand numbers over in other spellings than the file's.
func TestNumbersFromPulumi(t *testing.T) {
	s, err := Load("lab", map[string]string{
		"aws:region":         "us-east-1",
		"kraftstack:access":  `{"adminCidrs":["203.0.113.0/24"]}`,
		"kraftstack:brokers": `{"count":3.0}`,
		"kraftstack:kafka":   `{"config":{"log.segment.bytes":1.073741824e+09,"x.ratio":5e-1}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"log.segment.bytes": "1073741824", "x.ratio": "0.5"}
	if diff := cmp.Diff(want, s.Kafka.Config); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestErrorText(t *testing.T) {
	_, err := read(t, "lab", wholeFile("kraftstack:brokers: {count: 0}\n"))
	const want = "the configuration of stack \"lab\" has 1 problem:\n" +
		"  kraftstack:brokers.count = 0: is out of range; write a number from 1 to 999"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
