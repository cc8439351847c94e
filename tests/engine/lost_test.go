package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"kraftstack/internal/automation"
	"kraftstack/internal/fail"
	"kraftstack/internal/report"
)

func lostInstance(t *testing.T, s *stack) {
	lost := s.instance(t, "broker-1002")
	if _, err := s.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{lost}}); err != nil {
		t.Fatal(err)
	}
	o := s.run((*automation.Stack).Refresh)
	gone := []string{"delete broker-1002 data-attachment", "delete broker-1002 instance"}
	if diff := cmp.Diff(gone, sorted(o.changes)); diff != "" || o.err != nil {
		t.Errorf("refresh found (-want +got), error %v:\n%s", o.err, diff)
	}
	if told := o.report.Summary("refresh"); !strings.Contains(told, "broker-1002 instance is gone") {
		t.Errorf("refresh tells: %s", told)
	}
	o = s.up()
	want := append(nodes("toolkit", 1002), "broker-1001 quorum")
	for _, step := range []string{"prepare", "install", "identity", "configure", "roll", "roll"} {
		want = append(want, nodes(step, 1002)...)
	}
	if diff := cmp.Diff(sorted(want), sorted(o.verbs())); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	for _, c := range o.calls {
		if c.Host == "broker-1002" && c.Instance == lost {
			t.Errorf("%s ran on the lost instance", c.Verb)
		}
		if _, isNew := c.Flags["new"]; c.Verb == "configure" && isNew {
			t.Errorf("%s may be formatted: %v", c.Host, c.Flags)
		}
	}
	s.run((*automation.Stack).Up).nothing(t, "up after the repair")
}

func lostDisk(t *testing.T, s *stack) {
	lost := s.instance(t, "broker-1003")
	volumes, err := s.ec2.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{
		{Name: aws.String("attachment.instance-id"), Values: []string{lost}}, {Name: aws.String("tag:Name"), Values: []string{s.name + "-broker-1003-data"}}}})
	if err != nil || len(volumes.Volumes) != 1 {
		t.Fatalf("broker-1003 has volumes %+v (%v)", volumes, err)
	}
	if _, err := s.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{lost}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ec2.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: volumes.Volumes[0].VolumeId}); err != nil {
		t.Fatal(err)
	}
	if o := s.run((*automation.Stack).Refresh); o.err != nil {
		t.Fatal(o.err)
	}
	seen := s.run((*automation.Stack).Preview)
	if !slices.ContainsFunc(seen.report.Risks, func(r report.Risk) bool {
		return r.Level == report.Danger && strings.Contains(r.Text, "hosts.lostDisks") && slices.Equal(r.Where, []string{"broker-1003"})
	}) {
		t.Errorf("the preview does not tell of the lost disk: %+v", seen.report.Risks)
	}
	failedAt(t, s.run((*automation.Stack).Up).err, fail.Step, "broker-1003", "configure")
	const lostOne = "  kraftstack:hosts:\n    lostDisks: {broker-1003: 1}\n"
	s.edit("  kraftstack:kafka:\n", lostOne+"  kraftstack:kafka:\n")
	o := s.up()
	var flags map[string]string
	for _, c := range o.calls {
		if c.Verb == "configure" && c.Host == "broker-1003" {
			flags = c.Flags
		}
	}
	if _, said := flags["lost"]; !said || flags["initial-controllers"] != "" {
		t.Errorf("broker-1003 is configured with %v, want --lost, and not as one of the first voters", flags)
	}
	want := append(nodes("configure", 1003), nodes("quorum", 1001, 1001)...)
	want = append(want, nodes("roll", 1003, 1003)...)
	if diff := cmp.Diff(sorted(want), sorted(o.verbs())); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	s.run((*automation.Stack).Up).nothing(t, "up after the refill")
	s.edit(lostOne, "")
	if o := s.run((*automation.Stack).Preview); o.err == nil || !strings.Contains(o.err.Error(), "write broker-1003: 1 again") {
		t.Errorf("a disk that is found again: %v", o.err)
	}
	s.edit("  kraftstack:kafka:\n", lostOne+"  kraftstack:kafka:\n")
}

// instance is the id of a node's running instance.
func (s *stack) instance(t *testing.T, node string) string {
	t.Helper()
	found, err := s.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: aws.String("tag:Name"), Values: []string{s.name + "-" + node}},
		{Name: aws.String("instance-state-name"), Values: []string{"running"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Reservations) != 1 {
		t.Fatalf("%d instances of %s run", len(found.Reservations), node)
	}
	return aws.ToString(found.Reservations[0].Instances[0].InstanceId)
}
