package control

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kraftstack/lab/cloud"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// readZones reads the private hosted zones: those that a VPC sees.
func readZones(ctx context.Context, client *route53.Client) ([]cloud.Zone, error) {
	var zones []cloud.Zone
	pages := route53.NewListHostedZonesPaginator(client, &route53.ListHostedZonesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, zone := range page.HostedZones {
			one, err := readZone(ctx, client, aws.ToString(zone.Id))
			if err != nil {
				return nil, fmt.Errorf("hosted zone %s: %w", aws.ToString(zone.Id), err)
			}
			if len(one.VPCs) > 0 {
				zones = append(zones, one)
			}
		}
	}
	return zones, nil
}

func readZone(ctx context.Context, client *route53.Client, id string) (cloud.Zone, error) {
	got, err := client.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: &id})
	if err != nil {
		return cloud.Zone{}, err
	}
	zone := cloud.Zone{
		ID:   strings.TrimPrefix(id, "/hostedzone/"),
		Name: domainName(aws.ToString(got.HostedZone.Name)),
	}
	for _, vpc := range got.VPCs {
		zone.VPCs = append(zone.VPCs, aws.ToString(vpc.VPCId))
	}
	slices.Sort(zone.VPCs)
	if len(zone.VPCs) == 0 {
		return zone, nil
	}
	pages := route53.NewListResourceRecordSetsPaginator(client, &route53.ListResourceRecordSetsInput{HostedZoneId: &id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return zone, err
		}
		for _, set := range page.ResourceRecordSets {
			if record, ok := readRecord(set); ok {
				zone.Records = append(zone.Records, record)
			}
		}
	}
	sortBy(zone.Records, func(r cloud.Record) string { return r.Name + " " + r.Type })
	return zone, nil
}

func readRecord(set types.ResourceRecordSet) (cloud.Record, bool) {
	if set.Type != types.RRTypeA && set.Type != types.RRTypeCname || len(set.ResourceRecords) == 0 && set.AliasTarget == nil {
		return cloud.Record{}, false
	}
	record := cloud.Record{
		Name: domainName(aws.ToString(set.Name)),
		Type: string(set.Type),
		TTL:  uint32(aws.ToInt64(set.TTL)),
	}
	if set.AliasTarget != nil {
		record.Alias = domainName(aws.ToString(set.AliasTarget.DNSName))
	}
	for _, value := range set.ResourceRecords {
		text := aws.ToString(value.Value)
		if set.Type == types.RRTypeCname {
			text = domainName(text)
		}
		record.Values = append(record.Values, text)
	}
	slices.Sort(record.Values)
	return record, true
}

var octal = regexp.MustCompile(`\\[0-7]{3}`)

// domainName drops the final dot and the octal form in which Route 53 gives
// characters such as * back.
func domainName(text string) string {
	text = octal.ReplaceAllStringFunc(text, func(code string) string {
		value, _ := strconv.ParseUint(code[1:], 8, 8) // three octal digits by the pattern
		return string(rune(value))
	})
	return strings.ToLower(strings.TrimSuffix(text, "."))
}
