package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

type instanceProfileArgs struct {
	Name *string           `pulumi:"name,optional" provider:"replaceOnChanges"`
	Role *string           `pulumi:"role,optional"`
	Tags map[string]string `pulumi:"tags,optional"`
}

type instanceProfileState struct {
	instanceProfileArgs
	Arn      string            `pulumi:"arn"`
	TagsAll  map[string]string `pulumi:"tagsAll"`
	UniqueId string            `pulumi:"uniqueId"`
}

func (s *instanceProfileState) made() bool { return s.Arn != "" }

type instanceProfile struct{}

func (instanceProfile) token() (string, string) { return "iam/instanceProfile", "InstanceProfile" }

func (instanceProfile) plan(c *cloud, old instanceProfileState, in instanceProfileArgs) instanceProfileState {
	old.instanceProfileArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func (d instanceProfile) create(ctx context.Context, c *cloud, in instanceProfileArgs, st *instanceProfileState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.iam.CreateInstanceProfile(req, &iam.CreateInstanceProfileInput{
		InstanceProfileName: in.Name, Tags: iamTags(st.TagsAll)})
	if err != nil {
		return "", failed("CreateInstanceProfile", aws.ToString(in.Name), err)
	}
	id := aws.ToString(out.InstanceProfile.InstanceProfileName)
	st.Arn, st.UniqueId = aws.ToString(out.InstanceProfile.Arn), aws.ToString(out.InstanceProfile.InstanceProfileId)
	return id, d.putRole(req, c, id, nil, in.Role)
}

// putRole makes the profile's role the wanted one: a profile holds one at most.
func (instanceProfile) putRole(ctx context.Context, c *cloud, id string, old, want *string) error {
	if aws.ToString(old) == aws.ToString(want) {
		return nil
	}
	if old != nil {
		_, err := c.iam.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
			InstanceProfileName: aws.String(id), RoleName: old})
		if err != nil && !hasCode(err, noSuchEntity) {
			return failed("RemoveRoleFromInstanceProfile", id, err)
		}
	}
	if want == nil {
		return nil
	}
	_, err := c.iam.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{
		InstanceProfileName: aws.String(id), RoleName: want})
	return failed("AddRoleToInstanceProfile", id, err)
}

func (instanceProfile) read(ctx context.Context, c *cloud, id string, in *instanceProfileArgs, st *instanceProfileState) error {
	out, err := c.iam.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: aws.String(id)})
	if hasCode(err, noSuchEntity) {
		return errGone
	}
	if err != nil {
		return failed("GetInstanceProfile", id, err)
	}
	found := out.InstanceProfile
	in.Name, in.Role = found.InstanceProfileName, nil
	if len(found.Roles) > 0 {
		in.Role = found.Roles[0].RoleName
	}
	st.TagsAll, in.Tags = c.foundTags(fromIAMTags(found.Tags), in.Tags)
	st.instanceProfileArgs = *in
	return nil
}

func (d instanceProfile) update(ctx context.Context, c *cloud, id string, old instanceProfileState, in instanceProfileArgs, st *instanceProfileState) error {
	if err := d.putRole(ctx, c, id, old.Role, in.Role); err != nil {
		return err
	}
	gone, set := tagChanges(old.TagsAll, st.TagsAll)
	if len(gone) > 0 {
		if _, err := c.iam.UntagInstanceProfile(ctx, &iam.UntagInstanceProfileInput{InstanceProfileName: aws.String(id), TagKeys: gone}); err != nil {
			return failed("UntagInstanceProfile", id, err)
		}
	}
	if len(set) > 0 {
		_, err := c.iam.TagInstanceProfile(ctx, &iam.TagInstanceProfileInput{InstanceProfileName: aws.String(id), Tags: iamTags(set)})
		return failed("TagInstanceProfile", id, err)
	}
	return nil
}

func (d instanceProfile) remove(ctx context.Context, c *cloud, id string, st instanceProfileState) error {
	if err := d.putRole(ctx, c, id, st.Role, nil); err != nil {
		return err
	}
	return deleting(ctx, "DeleteInstanceProfile", id, func(ctx context.Context) error {
		_, err := c.iam.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: aws.String(id)})
		if hasCode(err, noSuchEntity) {
			return nil
		}
		return err
	})
}
