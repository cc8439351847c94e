package providers

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

func (w *world) lifeOfANetwork() {
	t := w.t
	ctx := context.Background()
	s := &netSettings{vpcName: "first", instanceType: "t3.medium", size: 8, userData: "#cloud-config\n"}
	stack := w.stack("life", lab("us-east-1"), network(s))
	if got := w.up(stack)["create"]; got != 39 {
		t.Errorf("up made %d resources, want 39", got)
	}
	if got := w.up(stack); changed(got) != 0 {
		t.Errorf("the second up changed something: %v", got)
	}
	w.refresh(stack) // takes over the address that was associated after the instance was made
	if got := w.refresh(stack); changed(got) != 0 {
		t.Errorf("refresh found a change where there is none: %v", got)
	}
	if got := w.up(stack); changed(got) != 0 {
		t.Errorf("up after refresh changed something: %v", got)
	}

	s.vpcName = "second"
	if got := w.up(stack); got["update"] != 1 || changed(got) != 1 {
		t.Errorf("another tag gave %v, want one update", got)
	}
	s.instanceType, s.size = "t3.large", 16
	if got := w.up(stack); got["update"] != 2 || changed(got) != 2 {
		t.Errorf("another type and size gave %v, want two updates", got)
	}
	s.size = 8
	_, err := stack.Up(ctx)
	mustSay(t, err, "cannot shrink from 16 to 8 GiB")
	s.size = 16

	w.driftIsRepaired(stack)
	w.terminatedComesBack(stack)

	w.destroy(stack)
	w.nothingLeft()
}

// driftIsRepaired changes a tag and takes a rule of a group and one of an ACL
// away behind the engine's back.
func (w *world) driftIsRepaired(stack auto.Stack) {
	w.t.Helper()
	ctx := context.Background()
	rules, err := w.ec2.DescribeSecurityGroupRules(ctx, &awsec2.DescribeSecurityGroupRulesInput{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range rules.SecurityGroupRules {
		if aws.ToInt32(r.FromPort) == 22 {
			if _, err := w.ec2.RevokeSecurityGroupIngress(ctx, &awsec2.RevokeSecurityGroupIngressInput{
				GroupId: r.GroupId, SecurityGroupRuleIds: []string{*r.SecurityGroupRuleId}}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	out, err := stack.Outputs(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.ec2.CreateTags(ctx, &awsec2.CreateTagsInput{Resources: []string{out["disk"].Value.(string)},
		Tags: []types.Tag{{Key: aws.String("stray"), Value: aws.String("yes")}}}); err != nil {
		w.t.Fatal(err)
	}
	acls, err := w.ec2.DescribeNetworkAcls(ctx, &awsec2.DescribeNetworkAclsInput{Filters: []types.Filter{
		{Name: aws.String("entry.cidr"), Values: []string{"203.0.113.0/24"}}}})
	if err != nil || len(acls.NetworkAcls) != 1 {
		w.t.Fatal(acls, err)
	}
	if _, err := w.ec2.DeleteNetworkAclEntry(ctx, &awsec2.DeleteNetworkAclEntryInput{
		NetworkAclId: acls.NetworkAcls[0].NetworkAclId, Egress: aws.Bool(false), RuleNumber: aws.Int32(200)}); err != nil {
		w.t.Fatal(err)
	}
	if got := w.refresh(stack); got["delete"] != 1 || got["update"] != 2 {
		w.t.Errorf("refresh found %v, want one delete (the group's rule) and two updates (the tag, the ACL's rule)", got)
	}
	if got := w.up(stack); got["create"] != 1 || got["update"] != 2 {
		w.t.Errorf("up repaired %v, want one create and two updates", got)
	}
}

// terminatedComesBack ends the instance behind the engine's back: the same
// address and the same disk come back.
func (w *world) terminatedComesBack(stack auto.Stack) {
	w.t.Helper()
	ctx := context.Background()
	before, err := stack.Outputs(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.ec2.TerminateInstances(ctx, &awsec2.TerminateInstancesInput{InstanceIds: []string{before["machine"].Value.(string)}}); err != nil {
		w.t.Fatal(err)
	}
	if got := w.refresh(stack); got["delete"] < 2 {
		w.t.Errorf("refresh found %v, want at least the instance and its attachment gone", got)
	}
	w.up(stack)
	after, err := stack.Outputs(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if before["machine"].Value == after["machine"].Value {
		w.t.Error("the terminated instance was not replaced")
	}
	if before["disk"].Value != after["disk"].Value || after["private"].Value != "10.20.0.10" {
		w.t.Errorf("disk and address are %v and %v, want %v and 10.20.0.10", after["disk"].Value, after["private"].Value, before["disk"].Value)
	}
	disk, err := w.ec2.DescribeVolumes(ctx, &awsec2.DescribeVolumesInput{VolumeIds: []string{after["disk"].Value.(string)}})
	if err != nil {
		w.t.Fatal(err)
	}
	if a := disk.Volumes[0].Attachments; len(a) != 1 || aws.ToString(a[0].InstanceId) != after["machine"].Value {
		w.t.Errorf("the disk hangs on %v, want the new instance %v", a, after["machine"].Value)
	}
	if got := w.up(stack); changed(got) != 0 {
		w.t.Errorf("up after the repair changed something: %v", got)
	}
}

// nothingLeft looks for what a destroy forgot.
func (w *world) nothingLeft() {
	w.t.Helper()
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	custom := []types.Filter{{Name: aws.String("cidr"), Values: []string{"10.20.0.0/24"}}}
	vpcs, err := w.ec2.DescribeVpcs(ctx, &awsec2.DescribeVpcsInput{Filters: custom})
	fail(err)
	volumes, err := w.ec2.DescribeVolumes(ctx, &awsec2.DescribeVolumesInput{})
	fail(err)
	addresses, err := w.ec2.DescribeAddresses(ctx, &awsec2.DescribeAddressesInput{})
	fail(err)
	keys, err := w.ec2.DescribeKeyPairs(ctx, &awsec2.DescribeKeyPairsInput{})
	fail(err)
	all, err := w.ec2.DescribeInternetGateways(ctx, &awsec2.DescribeInternetGatewaysInput{})
	fail(err)
	standard, err := w.ec2.DescribeVpcs(ctx, &awsec2.DescribeVpcsInput{Filters: []types.Filter{{Name: aws.String("is-default"), Values: []string{"true"}}}})
	fail(err)
	gateways := 0 // but for the one of the region's default VPC
	for _, g := range all.InternetGateways {
		if len(g.Attachments) == 0 || len(standard.Vpcs) == 0 || aws.ToString(g.Attachments[0].VpcId) != aws.ToString(standard.Vpcs[0].VpcId) {
			gateways++
		}
	}
	zones, err := route53.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(w.url),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}).ListHostedZones(ctx, &route53.ListHostedZonesInput{})
	fail(err)
	for name, n := range map[string]int{"VPCs": len(vpcs.Vpcs), "volumes": len(volumes.Volumes), "addresses": len(addresses.Addresses),
		"key pairs": len(keys.KeyPairs), "zones": len(zones.HostedZones), "gateways": gateways} {
		if n != 0 {
			w.t.Errorf("destroy left %d %s", n, name)
		}
	}
}
