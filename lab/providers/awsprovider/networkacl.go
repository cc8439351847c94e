package awsprovider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

type aclEntry struct {
	Action    string `pulumi:"action"`
	CidrBlock string `pulumi:"cidrBlock"`
	FromPort  int    `pulumi:"fromPort"`
	ToPort    int    `pulumi:"toPort"`
	Protocol  string `pulumi:"protocol"`
	RuleNo    int    `pulumi:"ruleNo"`
}

type networkACLArgs struct {
	VpcId     string            `pulumi:"vpcId" provider:"replaceOnChanges"`
	SubnetIds []string          `pulumi:"subnetIds,optional"`
	Ingress   []aclEntry        `pulumi:"ingress,optional"`
	Egress    []aclEntry        `pulumi:"egress,optional"`
	Tags      map[string]string `pulumi:"tags,optional"`
}

type networkACLState struct {
	networkACLArgs
	Arn     string            `pulumi:"arn"`
	OwnerId string            `pulumi:"ownerId"`
	TagsAll map[string]string `pulumi:"tagsAll"`
}

func (s *networkACLState) made() bool { return s.Arn != "" }

type networkACL struct{}

func (networkACL) token() (string, string) { return "ec2/networkAcl", "NetworkAcl" }

// lastRule is the one that AWS writes itself; no program owns it.
const lastRule = 32767

// checkNetworkACL wants protocols by number: AWS answers with numbers, and the
// real provider records nothing else.
func checkNetworkACL(in property.Map) []p.CheckFailure {
	var failures []p.CheckFailure
	for _, list := range []string{"ingress", "egress"} {
		v, ok := in.GetOk(list)
		if !ok || !v.IsArray() {
			continue
		}
		for i, entry := range v.AsArray().AsSlice() {
			if !entry.IsMap() {
				continue
			}
			protocol := text(entry.AsMap(), "protocol")
			if protocol != "" && !slices.Contains([]string{"-1", "6", "17", "1"}, protocol) {
				failures = append(failures, p.CheckFailure{Property: fmt.Sprintf("%s[%d].protocol", list, i),
					Reason: fmt.Sprintf("%q is none of the protocols -1, 6 (TCP), 17 (UDP) and 1 (ICMP)", protocol)})
			}
		}
	}
	return failures
}

func (networkACL) plan(c *cloud, old networkACLState, in networkACLArgs) networkACLState {
	old.networkACLArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d networkACL) create(ctx context.Context, c *cloud, in networkACLArgs, st *networkACLState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.CreateNetworkAcl(req, &ec2.CreateNetworkAclInput{
		VpcId: aws.String(in.VpcId), TagSpecifications: ec2TagSpec(types.ResourceTypeNetworkAcl, st.TagsAll)})
	if err != nil {
		return "", failed("CreateNetworkAcl", in.VpcId, err)
	}
	id := aws.ToString(out.NetworkAcl.NetworkAclId)
	st.OwnerId = aws.ToString(out.NetworkAcl.OwnerId)
	st.Arn = c.ec2ARN(st.OwnerId, "network-acl/"+id)
	return id, d.apply(req, c, id, networkACLArgs{}, in)
}

// apply brings an ACL's rules and subnets from old to in. A changed rule is
// deleted and made anew, as the real provider does it.
func (d networkACL) apply(ctx context.Context, c *cloud, id string, old, in networkACLArgs) error {
	for _, side := range []struct {
		egress    bool
		had, want []aclEntry
	}{{false, old.Ingress, in.Ingress}, {true, old.Egress, in.Egress}} {
		for _, entry := range lacking(side.had, side.want) {
			_, err := c.ec2.DeleteNetworkAclEntry(ctx, &ec2.DeleteNetworkAclEntryInput{
				NetworkAclId: aws.String(id), Egress: aws.Bool(side.egress), RuleNumber: aws.Int32(int32(entry.RuleNo))})
			if err != nil && !notFound(err) {
				return failed("DeleteNetworkAclEntry", fmt.Sprintf("rule %d of %s", entry.RuleNo, id), err)
			}
		}
		for _, entry := range lacking(side.want, side.had) {
			if err := d.addEntry(ctx, c, id, side.egress, entry); err != nil {
				return err
			}
		}
	}
	return d.associate(ctx, c, id, in.VpcId, old.SubnetIds, in.SubnetIds)
}

func (networkACL) addEntry(ctx context.Context, c *cloud, id string, egress bool, entry aclEntry) error {
	ask := &ec2.CreateNetworkAclEntryInput{
		NetworkAclId: aws.String(id), Egress: aws.Bool(egress), RuleNumber: aws.Int32(int32(entry.RuleNo)),
		Protocol: aws.String(entry.Protocol), RuleAction: types.RuleAction(entry.Action), CidrBlock: aws.String(entry.CidrBlock),
	}
	switch entry.Protocol {
	case "6", "17":
		ask.PortRange = &types.PortRange{From: aws.Int32(int32(entry.FromPort)), To: aws.Int32(int32(entry.ToPort))}
	case "1":
		ask.IcmpTypeCode = &types.IcmpTypeCode{Type: aws.Int32(-1), Code: aws.Int32(-1)}
	}
	_, err := c.ec2.CreateNetworkAclEntry(ctx, ask)
	return failed("CreateNetworkAclEntry", fmt.Sprintf("rule %d of %s", entry.RuleNo, id), err)
}

// lacking gives what a has and b does not.
func lacking[T comparable](a, b []T) []T {
	return slices.DeleteFunc(slices.Clone(a), func(item T) bool { return slices.Contains(b, item) })
}

// associate gives subnets to the ACL, and those that it loses to the VPC's
// default one: a subnet always has one.
func (networkACL) associate(ctx context.Context, c *cloud, id, vpcID string, had, want []string) error {
	for _, subnet := range lacking(want, had) {
		if err := c.moveToACL(ctx, subnet, id); err != nil {
			return err
		}
	}
	gone := lacking(had, want)
	if len(gone) == 0 {
		return nil
	}
	out, err := c.ec2.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{
		filter("vpc-id", vpcID), filter("default", "true")}})
	if err != nil || len(out.NetworkAcls) != 1 {
		return failed("DescribeNetworkAcls of the default one", vpcID, cmp.Or(err, errGone))
	}
	for _, subnet := range gone {
		if err := c.moveToACL(ctx, subnet, aws.ToString(out.NetworkAcls[0].NetworkAclId)); err != nil && !errors.Is(err, errGone) {
			return err
		}
	}
	return nil
}

// moveToACL gives a subnet another ACL; errGone says that the subnet has none.
func (c *cloud) moveToACL(ctx context.Context, subnet, id string) error {
	out, err := c.ec2.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{
		filter("association.subnet-id", subnet)}})
	if err != nil {
		return failed("DescribeNetworkAcls", subnet, err)
	}
	for _, acl := range out.NetworkAcls {
		for _, a := range acl.Associations {
			if aws.ToString(a.SubnetId) != subnet {
				continue
			}
			_, err := c.ec2.ReplaceNetworkAclAssociation(ctx, &ec2.ReplaceNetworkAclAssociationInput{
				AssociationId: a.NetworkAclAssociationId, NetworkAclId: aws.String(id)})
			return failed("ReplaceNetworkAclAssociation of "+subnet, id, err)
		}
	}
	return fmt.Errorf("aws: ReplaceNetworkAclAssociation of %s: %w", subnet, errGone)
}

func (networkACL) read(ctx context.Context, c *cloud, id string, in *networkACLArgs, st *networkACLState) error {
	out, err := c.ec2.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{NetworkAclIds: []string{id}})
	if notFound(err) || err == nil && len(out.NetworkAcls) == 0 {
		return errGone
	}
	if err != nil {
		return failed("DescribeNetworkAcls", id, err)
	}
	acl := out.NetworkAcls[0]
	var ingress, egress []aclEntry
	for _, e := range acl.Entries {
		if aws.ToInt32(e.RuleNumber) == lastRule {
			continue
		}
		entry := aclEntry{Action: string(e.RuleAction), CidrBlock: aws.ToString(e.CidrBlock),
			Protocol: aws.ToString(e.Protocol), RuleNo: int(aws.ToInt32(e.RuleNumber))}
		if e.PortRange != nil {
			entry.FromPort, entry.ToPort = int(aws.ToInt32(e.PortRange.From)), int(aws.ToInt32(e.PortRange.To))
		}
		if aws.ToBool(e.Egress) {
			egress = append(egress, entry)
		} else {
			ingress = append(ingress, entry)
		}
	}
	var subnets []string
	for _, a := range acl.Associations {
		subnets = append(subnets, aws.ToString(a.SubnetId))
	}
	in.VpcId = aws.ToString(acl.VpcId)
	in.Ingress, in.Egress, in.SubnetIds = asGiven(in.Ingress, ingress), asGiven(in.Egress, egress), asGiven(in.SubnetIds, subnets)
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(acl.Tags), in.Tags)
	st.networkACLArgs = *in
	return nil
}

// asGiven keeps a list that holds what was found, in whatever order: to the
// real provider it is a set.
func asGiven[T comparable](given, found []T) []T {
	if len(given) == len(found) && len(lacking(given, found)) == 0 {
		return given
	}
	return found
}

func (d networkACL) update(ctx context.Context, c *cloud, id string, old networkACLState, in networkACLArgs, st *networkACLState) error {
	if err := d.apply(ctx, c, id, old.networkACLArgs, in); err != nil {
		return err
	}
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

func (d networkACL) remove(ctx context.Context, c *cloud, id string, st networkACLState) error {
	if err := d.associate(ctx, c, id, st.VpcId, st.SubnetIds, nil); err != nil {
		return err
	}
	return deleting(ctx, "DeleteNetworkAcl", id, func(ctx context.Context) error {
		_, err := c.ec2.DeleteNetworkAcl(ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: aws.String(id)})
		return err
	})
}
