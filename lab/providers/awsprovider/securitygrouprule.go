package awsprovider

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

type ruleArgs struct {
	SecurityGroupId           string            `pulumi:"securityGroupId" provider:"replaceOnChanges"`
	IpProtocol                string            `pulumi:"ipProtocol"`
	FromPort                  *int              `pulumi:"fromPort,optional"`
	ToPort                    *int              `pulumi:"toPort,optional"`
	CidrIpv4                  *string           `pulumi:"cidrIpv4,optional"`
	ReferencedSecurityGroupId *string           `pulumi:"referencedSecurityGroupId,optional"`
	Description               *string           `pulumi:"description,optional"`
	Tags                      map[string]string `pulumi:"tags,optional"`
}

type ruleState struct {
	ruleArgs
	Arn                 string            `pulumi:"arn"`
	SecurityGroupRuleId string            `pulumi:"securityGroupRuleId"`
	TagsAll             map[string]string `pulumi:"tagsAll"`
}

func (s *ruleState) made() bool { return s.SecurityGroupRuleId != "" }

// checkRule wants exactly one peer, as the real provider does, and no ports
// with all protocols.
func checkRule(in property.Map) []p.CheckFailure {
	var failures []p.CheckFailure
	_, cidr := in.GetOk("cidrIpv4")
	_, group := in.GetOk("referencedSecurityGroupId")
	if cidr == group {
		failures = append(failures, p.CheckFailure{Property: "cidrIpv4",
			Reason: "exactly one of cidrIpv4 and referencedSecurityGroupId must be given"})
	}
	from, hasFrom := in.GetOk("fromPort")
	to, hasTo := in.GetOk("toPort")
	protocol := text(in, "ipProtocol")
	switch {
	case protocol == "-1" && (hasFrom || hasTo):
		failures = append(failures, p.CheckFailure{Property: "ipProtocol", Reason: `with ipProtocol "-1" no fromPort and toPort may be given`})
	case (protocol == "tcp" || protocol == "udp") && !(hasFrom && hasTo):
		failures = append(failures, p.CheckFailure{Property: "fromPort", Reason: "ipProtocol " + protocol + " needs fromPort and toPort"})
	case hasFrom && hasTo && from.IsNumber() && to.IsNumber() && from.AsNumber() > to.AsNumber():
		failures = append(failures, p.CheckFailure{Property: "fromPort",
			Reason: fmt.Sprintf("fromPort %v is above toPort %v", from.AsNumber(), to.AsNumber())})
	}
	return failures
}

func planRule(c *cloud, old ruleState, in ruleArgs) ruleState {
	old.ruleArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (in ruleArgs) permission() []types.IpPermission {
	perm := types.IpPermission{
		IpProtocol: aws.String(in.IpProtocol), FromPort: int32Of(in.FromPort), ToPort: int32Of(in.ToPort)}
	if in.CidrIpv4 != nil {
		perm.IpRanges = []types.IpRange{{CidrIp: in.CidrIpv4, Description: in.Description}}
	}
	if in.ReferencedSecurityGroupId != nil {
		perm.UserIdGroupPairs = []types.UserIdGroupPair{{GroupId: in.ReferencedSecurityGroupId, Description: in.Description}}
	}
	return []types.IpPermission{perm}
}

// made completes the state of a rule that AWS has just made.
func (c *cloud) ruleMade(rules []types.SecurityGroupRule, operation string, in ruleArgs, st *ruleState) (string, error) {
	if len(rules) != 1 {
		return "", fmt.Errorf("aws: %s for %s: %d rules in the answer, want 1", operation, in.SecurityGroupId, len(rules))
	}
	id := aws.ToString(rules[0].SecurityGroupRuleId)
	st.SecurityGroupRuleId = id
	st.Arn = c.ec2ARN(aws.ToString(rules[0].GroupOwnerId), "security-group-rule/"+id)
	return id, nil
}

func readRule(ctx context.Context, c *cloud, id string, in *ruleArgs, st *ruleState) error {
	out, err := c.ec2.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{id}})
	if notFound(err) || err == nil && len(out.SecurityGroupRules) == 0 {
		return errGone
	}
	if err != nil {
		return failed("DescribeSecurityGroupRules", id, err)
	}
	r := out.SecurityGroupRules[0]
	in.SecurityGroupId = aws.ToString(r.GroupId)
	in.IpProtocol = aws.ToString(r.IpProtocol)
	if in.IpProtocol != "-1" {
		in.FromPort, in.ToPort = intOf(r.FromPort), intOf(r.ToPort)
	}
	in.CidrIpv4 = r.CidrIpv4
	in.ReferencedSecurityGroupId = nil
	if r.ReferencedGroupInfo != nil {
		in.ReferencedSecurityGroupId = r.ReferencedGroupInfo.GroupId
	}
	if text := aws.ToString(r.Description); text != "" || in.Description != nil {
		in.Description = aws.String(text)
	}
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(r.Tags), in.Tags)
	st.SecurityGroupRuleId = id
	st.ruleArgs = *in
	return nil
}

func updateRule(ctx context.Context, c *cloud, id string, old ruleState, in ruleArgs, st *ruleState) error {
	ask := &types.SecurityGroupRuleRequest{
		IpProtocol: aws.String(in.IpProtocol), FromPort: int32Of(in.FromPort), ToPort: int32Of(in.ToPort),
		CidrIpv4: in.CidrIpv4, ReferencedGroupId: in.ReferencedSecurityGroupId, Description: in.Description,
	}
	if in.IpProtocol == "-1" {
		ask.FromPort, ask.ToPort = aws.Int32(-1), aws.Int32(-1)
	}
	_, err := c.ec2.ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{
		GroupId:            aws.String(in.SecurityGroupId),
		SecurityGroupRules: []types.SecurityGroupRuleUpdate{{SecurityGroupRuleId: aws.String(id), SecurityGroupRule: ask}},
	})
	if err != nil {
		return failed("ModifySecurityGroupRules", id, err)
	}
	return c.retag(ctx, id, old.TagsAll, st.TagsAll)
}

type ingressRule struct{}

func (ingressRule) token() (string, string) {
	return "vpc/securityGroupIngressRule", "SecurityGroupIngressRule"
}

func (ingressRule) plan(c *cloud, old ruleState, in ruleArgs) ruleState { return planRule(c, old, in) }

func (ingressRule) create(ctx context.Context, c *cloud, in ruleArgs, st *ruleState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.AuthorizeSecurityGroupIngress(req, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: aws.String(in.SecurityGroupId), IpPermissions: in.permission(),
		TagSpecifications: ec2TagSpec(types.ResourceTypeSecurityGroupRule, st.TagsAll)})
	if err != nil {
		return "", failed("AuthorizeSecurityGroupIngress", in.SecurityGroupId, err)
	}
	return c.ruleMade(out.SecurityGroupRules, "AuthorizeSecurityGroupIngress", in, st)
}

func (ingressRule) read(ctx context.Context, c *cloud, id string, in *ruleArgs, st *ruleState) error {
	return readRule(ctx, c, id, in, st)
}

func (ingressRule) update(ctx context.Context, c *cloud, id string, old ruleState, in ruleArgs, st *ruleState) error {
	return updateRule(ctx, c, id, old, in, st)
}

func (ingressRule) remove(ctx context.Context, c *cloud, id string, st ruleState) error {
	return deleting(ctx, "RevokeSecurityGroupIngress", id, func(ctx context.Context) error {
		_, err := c.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{
			GroupId: aws.String(st.SecurityGroupId), SecurityGroupRuleIds: []string{id}})
		return err
	})
}

type egressRule struct{}

func (egressRule) token() (string, string) {
	return "vpc/securityGroupEgressRule", "SecurityGroupEgressRule"
}

func (egressRule) plan(c *cloud, old ruleState, in ruleArgs) ruleState { return planRule(c, old, in) }

func (egressRule) create(ctx context.Context, c *cloud, in ruleArgs, st *ruleState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.AuthorizeSecurityGroupEgress(req, &ec2.AuthorizeSecurityGroupEgressInput{
		GroupId: aws.String(in.SecurityGroupId), IpPermissions: in.permission(),
		TagSpecifications: ec2TagSpec(types.ResourceTypeSecurityGroupRule, st.TagsAll)})
	if err != nil {
		return "", failed("AuthorizeSecurityGroupEgress", in.SecurityGroupId, err)
	}
	return c.ruleMade(out.SecurityGroupRules, "AuthorizeSecurityGroupEgress", in, st)
}

func (egressRule) read(ctx context.Context, c *cloud, id string, in *ruleArgs, st *ruleState) error {
	return readRule(ctx, c, id, in, st)
}

func (egressRule) update(ctx context.Context, c *cloud, id string, old ruleState, in ruleArgs, st *ruleState) error {
	return updateRule(ctx, c, id, old, in, st)
}

func (egressRule) remove(ctx context.Context, c *cloud, id string, st ruleState) error {
	return deleting(ctx, "RevokeSecurityGroupEgress", id, func(ctx context.Context) error {
		_, err := c.ec2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{
			GroupId: aws.String(st.SecurityGroupId), SecurityGroupRuleIds: []string{id}})
		return err
	})
}
