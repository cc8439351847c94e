package config

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

func TestValues(t *testing.T) {
	got, err := Values([]byte(`
encryptionsalt: v1:abc
config:
  aws:region: us-east-1
  aws:secretKey: {secure: v1:abc}
  kraftstack:network: {cidr: 10.0.0.0/16, zones: [a, b]}
  kraftstack:kafka: {config: {x.password: {secure: v1:def}}}
  kraftstack:brokers:
  other:number: 3
  other:flag: true
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"aws:region": "us-east-1", "aws:secretKey": SecretMarker,
		"kraftstack:network": `{"cidr":"10.0.0.0/16","zones":["a","b"]}`,
		"kraftstack:kafka":   `{"config":{"x.password":"[secret]"}}`,
		"kraftstack:brokers": "", "other:number": "3", "other:flag": "true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestValuesOfBrokenFiles(t *testing.T) {
	cases := map[string]struct{ file, want string }{
		"no YAML":         {"config:\n  a: [1,\n", "line 2"},
		"a tab":           {"config:\n\ta: 1\n", "line 2"},
		"config is text":  {"config: everything\n", "line 1"},
		"config is list":  {"config: [a]\n", "line 1"},
		"the same twice":  {"config:\n  a:b: 1\n  a:b: 2\n", "already defined"},
		"no number":       {"config:\n  a:b: {c: .nan}\n", "a:b: c: is not a number"},
		"a bomb of names": {"config:\n  a: &a [x,x,x,x,x,x,x,x,x]\n  b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n  c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n  d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n  e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n  f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n  g: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n", "excessive aliasing"},
		"far too long":    {"# " + strings.Repeat("x", 1<<20), "more than"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Values([]byte(c.file))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has more than one line: %q", err)
			}
		})
	}
	if got, err := Values(nil); err != nil || len(got) != 0 {
		t.Errorf("an empty file: got %v, %v", got, err)
	}
}

// Pulumi's own reading of a file must give what Values gives, or the driver
// and plain `pulumi up` would see two different stacks.
func TestValuesAsPulumi(t *testing.T) {
	const file = `
config:
  aws:region: us-east-1
  kraftstack:network: {cidr: 10.0.0.0/16, zones: [us-east-1a], deep: {er: [1, 2.5, true, {x: y}]}}
  kraftstack:kafka:
    version: 4.3.0
    config: {log.segment.bytes: 1073741824, big: 9223372036854775807, ratio: 0.5, hex: 0x10, yes: no, date: 2020-01-02, "3": three}
  kraftstack:brokers: {}
  other:count: 3
  other:ratio: 0.25
  other:flag: true
  other:date: 2020-01-02
`
	sink := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: "never"})
	stack, err := workspace.LoadProjectStackBytes(
		sink, &workspace.Project{Name: "kraftstack"}, []byte(file), "Pulumi.x.yaml", encoding.YAML)
	if err != nil {
		t.Fatal(err)
	}
	want, err := stack.Config.Decrypt(config.NopDecrypter)
	if err != nil {
		t.Fatal(err)
	}
	expected := map[string]string{}
	for key, value := range want {
		expected[key.String()] = value
	}
	got, err := Values([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("Values (-Pulumi +got):\n%s", diff)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("lab", "config:\n  aws:region: us-east-1\n  kraftstack:access: {adminCidrs: [203.0.113.0/24]}\n")
	f.Add("lab", "config:\n  aws:region: us-east-1\n  kraftstack:access: {adminCidrs: [0.0.0.0/0], openToWorld: true}\n  kraftstack:network: {cidr: 10.0.0.0/26, zones: 2}\n  kraftstack:brokers: {count: 9, volume: {sizeGiB: 1, iops: 3000, throughput: 200}}\n")
	f.Add("x", "config:\n  kraftstack:kafka: {config: {min.insync.replicas: 1e9, a: 1e-400}, heap: 1g}\n  kraftstack:network: {zones: [us-east-1a, '']}\n")
	f.Fuzz(func(t *testing.T, stack, file string) {
		values, err := Values([]byte(file))
		if err != nil {
			return
		}
		s, err := Load(stack, values)
		if err != nil {
			_ = err.Error()
			return
		}
		zones := []string{"a", "b", "c", "d", "e", "f"}
		named := s.WithZones(zones)
		subnets, err := named.Network.Subnets(named.Network.Zones)
		if err != nil {
			t.Fatalf("Load accepts a stack without a subnet plan: %v", err)
		}
		for _, n := range named.Nodes() {
			if n.Zone >= len(subnets) {
				t.Fatalf("%s is in zone %d of %d", n.Name, n.Zone, len(subnets))
			}
		}
	})
}

func FuzzLoadValues(f *testing.F) {
	f.Add("kraftstack:network", `{"cidr":"10.0.0.0/16","zones":3}`, `{"adminCidrs":["203.0.113.0/24"]}`)
	f.Add("kraftstack:kafka", `{"config":{"a":1e99999999,"b":[{}],"c":"\u2028"}}`, `[]`)
	f.Fuzz(func(_ *testing.T, key, value, access string) {
		_, err := Load("lab", map[string]string{"aws:region": "us-east-1", "kraftstack:access": access, key: value})
		if err != nil {
			_ = err.Error()
		}
	})
}
