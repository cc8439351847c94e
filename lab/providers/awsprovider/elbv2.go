package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

func elbTags(tags map[string]string) []types.Tag {
	var list []types.Tag
	for _, name := range sortedKeys(tags) {
		list = append(list, types.Tag{Key: aws.String(name), Value: aws.String(tags[name])})
	}
	return list
}

// elbTagsOf reads the tags of a load balancer, target group or listener.
func (c *cloud) elbTagsOf(ctx context.Context, arn string) (map[string]string, error) {
	out, err := c.elb.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: []string{arn}})
	if err != nil {
		return nil, failed("DescribeTags", arn, err)
	}
	tags := map[string]string{}
	for _, description := range out.TagDescriptions {
		for _, tag := range description.Tags {
			tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
	}
	return tags, nil
}

// retagELB makes the tags of a load balancer, target group or listener those
// wanted.
func (c *cloud) retagELB(ctx context.Context, arn string, old, want map[string]string) error {
	var gone []string
	for _, name := range sortedKeys(old) {
		if _, kept := want[name]; !kept {
			gone = append(gone, name)
		}
	}
	if len(gone) > 0 {
		if _, err := c.elb.RemoveTags(ctx, &elb.RemoveTagsInput{ResourceArns: []string{arn}, TagKeys: gone}); err != nil {
			return failed("RemoveTags", arn, err)
		}
	}
	set := map[string]string{}
	for name, value := range want {
		if had, ok := old[name]; !ok || had != value {
			set[name] = value
		}
	}
	if len(set) == 0 {
		return nil
	}
	_, err := c.elb.AddTags(ctx, &elb.AddTagsInput{ResourceArns: []string{arn}, Tags: elbTags(set)})
	return failed("AddTags", arn, err)
}

// elbGone tells whether AWS says that the thing does not exist.
func elbGone(err error) bool {
	return hasCode(err, "LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound")
}
