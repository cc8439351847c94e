package awsprovider

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// tagsAll joins the provider's default tags with the resource's own, which win.
func (c *cloud) tagsAll(own map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, c.defaultTags)
	maps.Copy(all, own)
	return all
}

// foundTags turns the tags that a resource has into state: all of them, and
// for the argument those that do not come from the provider's default tags.
func (c *cloud) foundTags(found, own map[string]string) (all, args map[string]string) {
	args = map[string]string{}
	for name, value := range found {
		if _, given := own[name]; !given && c.defaultTags[name] == value {
			if _, isDefault := c.defaultTags[name]; isDefault {
				continue
			}
		}
		args[name] = value
	}
	if len(args) == 0 && own == nil {
		args = nil
	}
	return found, args
}

func ec2Tags(tags map[string]string) []types.Tag {
	list := make([]types.Tag, 0, len(tags))
	for _, name := range sortedKeys(tags) {
		list = append(list, types.Tag{Key: aws.String(name), Value: aws.String(tags[name])})
	}
	return list
}

func ec2TagSpec(kind types.ResourceType, tags map[string]string) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	return []types.TagSpecification{{ResourceType: kind, Tags: ec2Tags(tags)}}
}

// fromEC2Tags leaves out the tags that AWS itself sets.
func fromEC2Tags(list []types.Tag) map[string]string {
	tags := map[string]string{}
	for _, t := range list {
		if name := aws.ToString(t.Key); len(name) < 4 || name[:4] != "aws:" {
			tags[name] = aws.ToString(t.Value)
		}
	}
	return tags
}

// tagChanges are the tags to take away and those to set.
func tagChanges(old, want map[string]string) (gone []string, set map[string]string) {
	for _, name := range sortedKeys(old) {
		if _, kept := want[name]; !kept {
			gone = append(gone, name)
		}
	}
	set = map[string]string{}
	for name, value := range want {
		if had, ok := old[name]; !ok || had != value {
			set[name] = value
		}
	}
	return gone, set
}

// retag makes the tags of an EC2 resource those wanted.
func (c *cloud) retag(ctx context.Context, id string, old, want map[string]string) error {
	names, set := tagChanges(old, want)
	var gone []types.Tag
	for _, name := range names {
		gone = append(gone, types.Tag{Key: aws.String(name)})
	}
	if len(gone) > 0 {
		_, err := c.ec2.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{id}, Tags: gone})
		if err != nil {
			return failed("DeleteTags", id, err)
		}
	}
	if len(set) > 0 {
		_, err := c.ec2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: ec2Tags(set)})
		if err != nil {
			return failed("CreateTags", id, err)
		}
	}
	return nil
}
