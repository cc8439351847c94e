package awsprovider

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

type recordAlias struct {
	Name                 string `pulumi:"name"`
	ZoneId               string `pulumi:"zoneId"`
	EvaluateTargetHealth bool   `pulumi:"evaluateTargetHealth"`
}

type recordArgs struct {
	ZoneId  string   `pulumi:"zoneId" provider:"replaceOnChanges"`
	Name    string   `pulumi:"name" provider:"replaceOnChanges"`
	Type    string   `pulumi:"type" provider:"replaceOnChanges"`
	Records []string `pulumi:"records,optional"`
	Ttl     *int     `pulumi:"ttl,optional"`
	// Aliases has one entry where the name stands for an AWS resource.
	Aliases        []recordAlias `pulumi:"aliases,optional"`
	AllowOverwrite *bool         `pulumi:"allowOverwrite,optional"`
}

type recordState struct {
	recordArgs
	Fqdn string `pulumi:"fqdn"`
}

func (s *recordState) made() bool { return s.Fqdn != "" }

type record struct{}

func (record) token() (string, string) { return "route53/record", "Record" }

func (record) plan(_ *cloud, old recordState, in recordArgs) recordState {
	old.recordArgs = in
	return old
}

// uniqueReference is what Route 53 tells two requests for a zone apart by.
func uniqueReference() (string, error) {
	b := make([]byte, 12)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("aws: CreateHostedZone: random reference: %w", err)
	}
	return "kraftstack-" + hex.EncodeToString(b), nil
}

func (in recordArgs) subject() string { return in.Type + " " + in.Name + " in " + in.ZoneId }

func (in recordArgs) set(fqdn string) *types.ResourceRecordSet {
	set := &types.ResourceRecordSet{Name: aws.String(fqdn), Type: types.RRType(in.Type)}
	if in.Ttl != nil {
		set.TTL = aws.Int64(int64(*in.Ttl))
	}
	for _, alias := range in.Aliases {
		set.AliasTarget = &types.AliasTarget{DNSName: aws.String(alias.Name), HostedZoneId: aws.String(alias.ZoneId), EvaluateTargetHealth: alias.EvaluateTargetHealth}
	}
	for _, value := range in.Records {
		set.ResourceRecords = append(set.ResourceRecords, types.ResourceRecord{Value: aws.String(value)})
	}
	return set
}

// fqdn completes a name with its zone's, as the real provider does.
func (c *cloud) fqdn(ctx context.Context, in recordArgs) (string, error) {
	out, err := c.route53.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: aws.String(in.ZoneId)})
	if err != nil {
		return "", failed("GetHostedZone", in.ZoneId, err)
	}
	zone := strings.TrimSuffix(aws.ToString(out.HostedZone.Name), ".")
	name := strings.TrimSuffix(strings.ToLower(in.Name), ".")
	if name != zone && !strings.HasSuffix(name, "."+zone) {
		name = strings.TrimPrefix(name+"."+zone, ".")
	}
	return name, nil
}

func (c *cloud) changeRecord(ctx context.Context, action types.ChangeAction, in recordArgs, fqdn string) error {
	_, err := c.route53.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(in.ZoneId),
		ChangeBatch:  &types.ChangeBatch{Changes: []types.Change{{Action: action, ResourceRecordSet: in.set(fqdn)}}},
	})
	return err
}

func (record) create(ctx context.Context, c *cloud, in recordArgs, st *recordState) (string, error) {
	req, done := once(ctx)
	defer done()
	fqdn, err := c.fqdn(req, in)
	if err != nil {
		return "", err
	}
	action := types.ChangeActionCreate
	if orFalse(in.AllowOverwrite) {
		action = types.ChangeActionUpsert
	}
	if err := c.changeRecord(req, action, in, fqdn); err != nil {
		return "", failed("ChangeResourceRecordSets "+string(action), in.subject(), err)
	}
	st.Fqdn = fqdn
	return in.ZoneId + "_" + fqdn + "_" + in.Type, nil
}

func (record) read(ctx context.Context, c *cloud, _ string, in *recordArgs, st *recordState) error {
	out, err := c.route53.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
		HostedZoneId: aws.String(st.ZoneId), StartRecordName: aws.String(st.Fqdn), StartRecordType: types.RRType(st.Type)})
	if notFound(err) {
		return errGone
	}
	if err != nil {
		return failed("ListResourceRecordSets", st.subject(), err)
	}
	for _, set := range out.ResourceRecordSets {
		if strings.TrimSuffix(aws.ToString(set.Name), ".") != st.Fqdn || string(set.Type) != st.Type {
			continue
		}
		var found []string
		for _, r := range set.ResourceRecords {
			found = append(found, aws.ToString(r.Value))
		}
		if !sameSet(found, in.Records) {
			in.Records = found
		}
		in.Ttl = nil
		if set.TTL != nil {
			in.Ttl = aws.Int(int(*set.TTL))
		}
		in.Aliases = nil
		if a := set.AliasTarget; a != nil {
			in.Aliases = []recordAlias{{Name: strings.TrimSuffix(aws.ToString(a.DNSName), "."), ZoneId: aws.ToString(a.HostedZoneId), EvaluateTargetHealth: a.EvaluateTargetHealth}}
		}
		st.recordArgs = *in
		return nil
	}
	return errGone
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	sort.Strings(a)
	sort.Strings(b)
	return slices.Equal(a, b)
}

func (record) update(ctx context.Context, c *cloud, _ string, old recordState, in recordArgs, _ *recordState) error {
	return failed("ChangeResourceRecordSets UPSERT", in.subject(), c.changeRecord(ctx, types.ChangeActionUpsert, in, old.Fqdn))
}

func (record) remove(ctx context.Context, c *cloud, _ string, st recordState) error {
	// What is there now is deleted, not what was once written: Route 53 wants
	// the exact values.
	in := st
	if err := (record{}).read(ctx, c, "", &in.recordArgs, &in); errors.Is(err, errGone) {
		return nil
	} else if err != nil {
		return err
	}
	err := c.changeRecord(ctx, types.ChangeActionDelete, in.recordArgs, st.Fqdn)
	if notFound(err) {
		return nil
	}
	return failed("ChangeResourceRecordSets DELETE", st.subject(), err)
}

// removeRecords empties a zone but for its own two records.
func removeRecords(ctx context.Context, c *cloud, zoneID string) error {
	out, err := c.route53.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{HostedZoneId: aws.String(zoneID)})
	if notFound(err) {
		return nil
	}
	if err != nil {
		return failed("ListResourceRecordSets", zoneID, err)
	}
	for _, set := range out.ResourceRecordSets {
		if set.Type == types.RRTypeNs || set.Type == types.RRTypeSoa {
			continue
		}
		_, err := c.route53.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
			HostedZoneId: aws.String(zoneID),
			ChangeBatch:  &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionDelete, ResourceRecordSet: &set}}}})
		if err != nil {
			return failed("ChangeResourceRecordSets DELETE", aws.ToString(set.Name)+" in "+zoneID, err)
		}
	}
	return nil
}
