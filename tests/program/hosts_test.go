package program_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// What only AWS can tell is refused before a resource is registered, in the
// form of every other problem of a stack file.
func TestHostsThatAWSRefuses(t *testing.T) {
	brokers := func(values map[string]any) map[string]any {
		return small(map[string]any{"kraftstack:brokers": values})
	}
	for name, c := range map[string]struct {
		values map[string]any
		says   []string
	}{
		"unknown instance type": {
			brokers(map[string]any{"instanceType": "m99.large"}),
			[]string{`kraftstack:brokers.instanceType = "m99.large": does not exist in us-east-1`},
		},
		"unknown types of every role": {
			small(map[string]any{
				"kraftstack:access":      map[string]any{"adminCidrs": []string{"203.0.113.0/24"}, "bastion": map[string]any{"instanceType": "t99.nano"}},
				"kraftstack:controllers": map[string]any{"mode": "dedicated", "instanceType": "t98.nano"},
			}),
			[]string{`access.bastion.instanceType = "t99.nano": does not exist`, `controllers.instanceType = "t98.nano": does not exist`, "has 2 problems"},
		},
		"arm64 image with an amd64 type": {
			brokers(map[string]any{"image": "ami-0123456789abcdef0", "instanceType": "m7g.large"}),
			[]string{`brokers.image = "ami-0123456789abcdef0": is an image for amd64, which does not boot on m7g.large`},
		},
		"Xen type": {
			brokers(map[string]any{"instanceType": "t2.medium"}),
			[]string{`brokers.instanceType = "t2.medium": shows its disks under other names`},
		},
		"Apple's processor": {
			brokers(map[string]any{"instanceType": "mac2.metal"}),
			[]string{`brokers.instanceType = "mac2.metal": has a processor that no supported image is for`},
		},
		"throughput beyond the instance's": {
			brokers(map[string]any{"instanceType": "t3.medium", "volume": map[string]any{"iops": 4000, "throughput": 500}}),
			[]string{`brokers.volume.throughput = 500: is more than the 249 MiB/s that t3.medium takes from its disks`},
		},
		"operations beyond the instance's": {
			brokers(map[string]any{"instanceType": "t3.medium", "volume": map[string]any{"iops": 16000}}),
			[]string{`brokers.volume.iops = 16000: is more than the 11800 that t3.medium takes from its disks`},
		},
		"heap larger than the memory": {
			small(map[string]any{"kraftstack:kafka": map[string]any{"heap": "7g"}}),
			[]string{`kafka.heap = "7g": is more than three quarters of the 8192 MiB that m7i.large (brokers.instanceType) has`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := deploy(t, "test", c.values)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, word := range c.says {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error does not say %q but:\n%v", word, err)
				}
			}
			for _, res := range r.resources {
				if res.Type != "pulumi:pulumi:Stack" {
					t.Errorf("%s %s was registered before the refusal", res.Type, res.Name)
				}
			}
		})
	}
}

// A pinned image is what hosts boot from, whatever is newest.
func TestPinnedImage(t *testing.T) {
	r := mustDeploy(t, small(map[string]any{
		"kraftstack:brokers": map[string]any{"instanceType": "m7g.large"},
		"kraftstack:hosts":   map[string]any{"ami": map[string]any{"amd64": "ami-0123456789abcdef0"}},
	}))
	got := []string{r.get(t, "launch-bastion").text("imageId"), r.get(t, "launch-broker").text("imageId")}
	want := []string{"ami-0123456789abcdef0", "ami-of-/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

// No spread placement group gets more members in a zone than AWS admits.
func TestSpread(t *testing.T) {
	r := mustDeploy(t, small(map[string]any{"kraftstack:brokers": map[string]any{"count": 50}}))
	members := map[string]int{}
	for _, instance := range r.ofType("aws:ec2/instance:Instance") {
		if group := instance.text("placementGroup"); group != "" {
			members[group+" "+instance.text("subnetId")]++
		} else if instance.Name != "bastion-instance" {
			t.Errorf("%s is in no placement group", instance.Name)
		}
	}
	for place, n := range members {
		if n > 7 {
			t.Errorf("%s has %d members", place, n)
		}
	}
	if groups := len(r.ofType("aws:ec2/placementGroup:PlacementGroup")); groups != 3 {
		t.Errorf("50 brokers in 3 zones have %d groups, want 3", groups)
	}
}

// TestGrowth: what a broker costs, the first ones and later ones. Placement
// groups are counted apart: there is one for every 21 brokers in three zones. A
// broker that is a voter too has one more, its second roll, and a stack has at
// most five of those.
func TestGrowth(t *testing.T) {
	const most = 12 // resources for each broker
	count := func(brokers int) int {
		r := mustDeploy(t, small(map[string]any{"kraftstack:brokers": map[string]any{"count": brokers}}))
		return len(r.resources) - len(r.ofType("aws:ec2/placementGroup:PlacementGroup"))
	}
	few, some, many := count(3), count(18), count(33)
	if some-few > 15*most || many-some > 15*most {
		t.Errorf("3, 18 and 33 brokers have %d, %d and %d resources: want at most %d for each", few, some, many, most)
	}
}

// TestGrowthIsLinear: four times the brokers are at most four times the resources,
// the dependencies among them and the text that they carry, with everything on.
func TestGrowthIsLinear(t *testing.T) {
	size := func(brokers int) (resources, edges, bytes int) {
		r := mustDeploy(t, small(map[string]any{
			"kraftstack:brokers":     map[string]any{"count": brokers, "volume": map[string]any{"iops": 4000, "throughput": 500}},
			"kraftstack:controllers": map[string]any{"mode": "dedicated"},
			"kraftstack:hosts":       map[string]any{"detailedMonitoring": true, "terminationProtection": true, "protectData": true},
		}))
		for _, res := range r.resources {
			edges += len(res.RPC.GetDependencies())
			bytes += len(resource.NewProperty(res.Inputs).String())
		}
		return len(r.resources), edges, bytes
	}
	resources, edges, bytes := size(30)
	moreResources, moreEdges, moreBytes := size(120)
	for what, n := range map[string][2]int{"resources": {resources, moreResources}, "dependencies": {edges, moreEdges}, "bytes": {bytes, moreBytes}} {
		if n[1] > 4*n[0] {
			t.Errorf("30 brokers have %d %s, 120 have %d: more than four times as many", n[0], what, n[1])
		}
	}
}

// TestGoldenImage: Kafka hosts boot from the image that the stack bakes, the
// bastion and the host that is baked from what it is made from. What was baked
// stays as it is, and each name has resources of its own.
func TestGoldenImage(t *testing.T) {
	r := mustDeploy(t, small(map[string]any{
		"kraftstack:brokers": map[string]any{"image": "golden", "instanceType": "m7g.large"},
		"kraftstack:hosts":   map[string]any{"golden": map[string]any{"name": "2026-11", "base": "amazonlinux"}},
	}))
	const amazon = "ami-of-/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-"
	got := map[string]string{}
	for _, template := range r.ofType("aws:ec2/launchTemplate:LaunchTemplate") {
		got[template.Name] = template.text("imageId")
	}
	want := map[string]string{
		"launch-bastion": amazon + "x86_64", "launch-golden-2026-11-arm64": amazon + "arm64",
		"launch-broker": "golden-2026-11-arm64-image-id",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	image := r.get(t, "golden-2026-11-arm64-image")
	if got := image.text("name"); got != "test-golden-2026-11-arm64" {
		t.Errorf("the image is called %q", got)
	}
	for resource, before := range map[string]string{
		"golden-2026-11-arm64-seal": "golden-2026-11-arm64-install", "golden-2026-11-arm64-image": "golden-2026-11-arm64-seal",
		"golden-2026-11-arm64-stopped": "golden-2026-11-arm64-image",
	} {
		if !r.get(t, resource).dependsOn(before) {
			t.Errorf("%s does not wait for %s", resource, before)
		}
	}
	for _, step := range []string{"toolkit", "install", "seal"} {
		if ignored := r.get(t, "golden-2026-11-arm64-"+step).RPC.GetIgnoreChanges(); !slices.Contains(ignored, "create") || !slices.Contains(ignored, "stdin") {
			t.Errorf("%s of the baked host is done again on a change: it ignores %v only", step, ignored)
		}
	}
}
