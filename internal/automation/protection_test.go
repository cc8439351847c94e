package automation

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func TestProtected(t *testing.T) {
	of := func(kind, name string, protect bool, inputs map[string]any) apitype.ResourceV3 {
		return apitype.ResourceV3{
			URN: resource.URN("urn:pulumi:prod::kraftstack::" + kind + "::" + name), Type: "aws:ec2/instance:Instance", Protect: protect, Inputs: inputs,
		}
	}
	on, off := map[string]any{"disableApiTermination": true}, map[string]any{"disableApiTermination": false}
	disks, hosts := protected([]apitype.ResourceV3{
		of("aws:ebs/volume:Volume", "broker-1001-data", true, nil), of("aws:ebs/volume:Volume", "broker-1002-data", false, nil),
		of("aws:ec2/instance:Instance", "broker-1001-instance", false, on), of("aws:ec2/instance:Instance", "bastion-instance", false, off),
	})
	if diff := cmp.Diff([][]string{{"broker-1001-data"}, {"broker-1001-instance"}}, [][]string{disks, hosts}); diff != "" {
		t.Errorf("disks and hosts (-want +got):\n%s", diff)
	}
	if got := brief([]string{"a", "b", "c", "d", "e"}); got != "a, b, c and 2 more" {
		t.Errorf("five names are %q", got)
	}
}
