package cluster

import (
	"context"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// metadata asks for all brokers, topics and partitions.
func metadata(ctx context.Context, p *panel) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest() // no topics named: all of them
	return ask(ctx, p, req, func(resp *kmsg.MetadataResponse) error { return kerr.ErrorForCode(resp.ErrorCode) })
}

// countPartitions counts by state. The smallest allowed number of in-sync
// replicas is the topic's own, asked for in one request for all topics.
func countPartitions(ctx context.Context, p *panel, meta *kmsg.MetadataResponse) (*Partitions, error) {
	minimum, err := minISR(ctx, p, meta)
	if err != nil {
		return nil, err
	}
	count := &Partitions{}
	for _, t := range meta.Topics {
		if t.Topic == nil || t.ErrorCode != 0 {
			continue
		}
		count.Topics++
		for _, part := range t.Partitions {
			count.Total++
			if len(part.ISR) < len(part.Replicas) {
				count.UnderReplicated++
			}
			if len(part.ISR) < minimum[*t.Topic] {
				count.UnderMinISR++
			}
			if part.Leader < 0 {
				count.Offline++
			}
		}
	}
	return count, nil
}

const minISRKey = "min.insync.replicas"

func minISR(ctx context.Context, p *panel, meta *kmsg.MetadataResponse) (map[string]int, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, t := range meta.Topics {
		if t.Topic == nil || t.ErrorCode != 0 {
			continue
		}
		resource := kmsg.NewDescribeConfigsRequestResource()
		resource.ResourceType = kmsg.ConfigResourceTypeTopic
		resource.ResourceName = *t.Topic
		resource.ConfigNames = []string{minISRKey}
		req.Resources = append(req.Resources, resource)
	}
	minimum := map[string]int{}
	if len(req.Resources) == 0 {
		return minimum, nil
	}
	resp, err := ask(ctx, p, req, func(*kmsg.DescribeConfigsResponse) error { return nil })
	if err != nil {
		return nil, err
	}
	for _, r := range resp.Resources {
		for _, c := range r.Configs {
			if c.Name != minISRKey || c.Value == nil {
				continue
			}
			if minimum[r.ResourceName], err = strconv.Atoi(*c.Value); err != nil {
				return nil, err
			}
		}
	}
	return minimum, nil
}
