package awsprovider

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

type zoneVpc struct {
	VpcId     string  `pulumi:"vpcId"`
	VpcRegion *string `pulumi:"vpcRegion,optional"`
}

type zoneArgs struct {
	Name         string            `pulumi:"name" provider:"replaceOnChanges"`
	Comment      *string           `pulumi:"comment,optional"`
	ForceDestroy *bool             `pulumi:"forceDestroy,optional"`
	Tags         map[string]string `pulumi:"tags,optional"`
	Vpcs         []zoneVpc         `pulumi:"vpcs"`
}

type zoneState struct {
	zoneArgs
	Arn     string            `pulumi:"arn"`
	TagsAll map[string]string `pulumi:"tagsAll"`
	ZoneId  string            `pulumi:"zoneId"`
}

func (s *zoneState) made() bool { return s.ZoneId != "" }

// zone is a private hosted zone: the lab has no public ones.
type zone struct{}

func (zone) token() (string, string) { return "route53/zone", "Zone" }

func (zone) plan(c *cloud, old zoneState, in zoneArgs) zoneState {
	old.zoneArgs = in
	if in.Comment == nil {
		old.Comment = aws.String("Managed by Pulumi")
	}
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (c *cloud) vpcOf(v zoneVpc) *types.VPC {
	region := c.region
	if v.VpcRegion != nil {
		region = *v.VpcRegion
	}
	return &types.VPC{VPCId: aws.String(v.VpcId), VPCRegion: types.VPCRegion(region)}
}

func (d zone) create(ctx context.Context, c *cloud, in zoneArgs, st *zoneState) (string, error) {
	if len(in.Vpcs) == 0 {
		return "", fmt.Errorf("aws: CreateHostedZone for %s: the lab has private zones only; give it at least one VPC", in.Name)
	}
	req, done := once(ctx)
	defer done()
	reference, err := uniqueReference()
	if err != nil {
		return "", err
	}
	out, err := c.route53.CreateHostedZone(req, &route53.CreateHostedZoneInput{
		Name: aws.String(in.Name), CallerReference: aws.String(reference), VPC: c.vpcOf(in.Vpcs[0]),
		HostedZoneConfig: &types.HostedZoneConfig{Comment: st.Comment, PrivateZone: true},
	})
	if err != nil {
		return "", failed("CreateHostedZone", in.Name, err)
	}
	id := strings.TrimPrefix(aws.ToString(out.HostedZone.Id), "/hostedzone/")
	st.ZoneId = id
	st.Arn = "arn:aws:route53:::hostedzone/" + id
	if err := d.associate(req, c, id, in.Vpcs[1:], true); err != nil {
		return id, err
	}
	return id, c.retagZone(req, id, nil, st.TagsAll)
}

func (zone) associate(ctx context.Context, c *cloud, id string, vpcs []zoneVpc, on bool) error {
	for _, v := range vpcs {
		var err error
		operation := "AssociateVPCWithHostedZone " + v.VpcId
		if on {
			_, err = c.route53.AssociateVPCWithHostedZone(ctx, &route53.AssociateVPCWithHostedZoneInput{HostedZoneId: aws.String(id), VPC: c.vpcOf(v)})
		} else {
			operation = "DisassociateVPCFromHostedZone " + v.VpcId
			_, err = c.route53.DisassociateVPCFromHostedZone(ctx, &route53.DisassociateVPCFromHostedZoneInput{HostedZoneId: aws.String(id), VPC: c.vpcOf(v)})
		}
		if err != nil {
			return failed(operation, id, err)
		}
	}
	return nil
}

func (c *cloud) retagZone(ctx context.Context, id string, old, want map[string]string) error {
	ask := &route53.ChangeTagsForResourceInput{ResourceId: aws.String(id), ResourceType: types.TagResourceTypeHostedzone}
	for _, name := range sortedKeys(want) {
		if had, ok := old[name]; !ok || had != want[name] {
			ask.AddTags = append(ask.AddTags, types.Tag{Key: aws.String(name), Value: aws.String(want[name])})
		}
	}
	for _, name := range sortedKeys(old) {
		if _, kept := want[name]; !kept {
			ask.RemoveTagKeys = append(ask.RemoveTagKeys, name)
		}
	}
	if len(ask.AddTags)+len(ask.RemoveTagKeys) == 0 {
		return nil
	}
	_, err := c.route53.ChangeTagsForResource(ctx, ask)
	return failed("ChangeTagsForResource", id, err)
}

func (d zone) read(ctx context.Context, c *cloud, id string, in *zoneArgs, st *zoneState) error {
	out, err := c.route53.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: aws.String(id)})
	if notFound(err) || hasCode(err, "NoSuchHostedZone") {
		return errGone
	}
	if err != nil {
		return failed("GetHostedZone", id, err)
	}
	tags, err := c.route53.ListTagsForResource(ctx, &route53.ListTagsForResourceInput{
		ResourceId: aws.String(id), ResourceType: types.TagResourceTypeHostedzone})
	if err != nil {
		return failed("ListTagsForResource", id, err)
	}
	found := map[string]string{}
	for _, t := range tags.ResourceTagSet.Tags {
		found[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	st.TagsAll, in.Tags = c.foundTags(found, in.Tags)
	in.Vpcs = c.sameVpcs(in.Vpcs, out.VPCs)
	comment := st.Comment
	st.zoneArgs = *in
	st.Comment = keep(in.Comment, comment)
	st.ZoneId = id
	return nil
}

// sameVpcs keeps the program's list while the cloud has just those VPCs.
func (c *cloud) sameVpcs(args []zoneVpc, found []types.VPC) []zoneVpc {
	have := map[string]bool{}
	list := make([]zoneVpc, 0, len(found))
	for _, v := range found {
		have[aws.ToString(v.VPCId)] = true
		z := zoneVpc{VpcId: aws.ToString(v.VPCId)}
		if string(v.VPCRegion) != c.region {
			z.VpcRegion = aws.String(string(v.VPCRegion))
		}
		list = append(list, z)
	}
	same := len(args) == len(found)
	for _, v := range args {
		same = same && have[v.VpcId]
	}
	if same {
		return args
	}
	return list
}

func (d zone) update(ctx context.Context, c *cloud, id string, old zoneState, in zoneArgs, st *zoneState) error {
	if aws.ToString(old.Comment) != aws.ToString(st.Comment) {
		_, err := c.route53.UpdateHostedZoneComment(ctx, &route53.UpdateHostedZoneCommentInput{Id: aws.String(id), Comment: st.Comment})
		if err != nil {
			return failed("UpdateHostedZoneComment", id, err)
		}
	}
	if err := d.associate(ctx, c, id, without(in.Vpcs, old.Vpcs), true); err != nil {
		return err
	}
	if err := d.associate(ctx, c, id, without(old.Vpcs, in.Vpcs), false); err != nil {
		return err
	}
	return c.retagZone(ctx, id, old.TagsAll, st.TagsAll)
}

// without gives what a has and b does not.
func without(a, b []zoneVpc) []zoneVpc {
	in := map[string]bool{}
	for _, v := range b {
		in[v.VpcId] = true
	}
	var rest []zoneVpc
	for _, v := range a {
		if !in[v.VpcId] {
			rest = append(rest, v)
		}
	}
	return rest
}

func (zone) remove(ctx context.Context, c *cloud, id string, st zoneState) error {
	if orFalse(st.ForceDestroy) {
		if err := removeRecords(ctx, c, id); err != nil {
			return err
		}
	}
	_, err := c.route53.DeleteHostedZone(ctx, &route53.DeleteHostedZoneInput{Id: aws.String(id)})
	if err == nil || notFound(err) {
		return nil
	}
	if hasCode(err, "HostedZoneNotEmpty") {
		return fmt.Errorf("%w; next: remove the records that are not in the stack, or set forceDestroy", failed("DeleteHostedZone", id, err))
	}
	return failed("DeleteHostedZone", id, err)
}
