package awsprovider

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

type roleArgs struct {
	AssumeRolePolicy string            `pulumi:"assumeRolePolicy"`
	Description      *string           `pulumi:"description,optional"`
	Name             *string           `pulumi:"name,optional" provider:"replaceOnChanges"`
	Tags             map[string]string `pulumi:"tags,optional"`
}

type roleState struct {
	roleArgs
	Arn      string            `pulumi:"arn"`
	TagsAll  map[string]string `pulumi:"tagsAll"`
	UniqueId string            `pulumi:"uniqueId"`
}

func (s *roleState) made() bool { return s.Arn != "" }

// longestRole is IAM's limit for a role's name.
const longestRole = 64

// checkRole finds what AWS would refuse and the emulator takes: a long name,
// and a trust policy that is none.
func checkRole(in property.Map) (failures []p.CheckFailure) {
	if name := text(in, "name"); len(name) > longestRole {
		failures = append(failures, p.CheckFailure{Property: "name",
			Reason: fmt.Sprintf("name has %d characters, a role's name at most %d", len(name), longestRole)})
	}
	if policy := text(in, "assumeRolePolicy"); policy != "" && !json.Valid([]byte(policy)) {
		failures = append(failures, p.CheckFailure{Property: "assumeRolePolicy", Reason: "assumeRolePolicy is not JSON"})
	}
	return failures
}

type role struct{}

func (role) token() (string, string) { return "iam/role", "Role" }

func (role) plan(c *cloud, old roleState, in roleArgs) roleState {
	old.roleArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

func iamTags(tags map[string]string) []types.Tag {
	list := make([]types.Tag, 0, len(tags))
	for _, name := range sortedKeys(tags) {
		list = append(list, types.Tag{Key: aws.String(name), Value: aws.String(tags[name])})
	}
	return list
}

func fromIAMTags(list []types.Tag) map[string]string {
	tags := map[string]string{}
	for _, t := range list {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags
}

// create: the id of a role is its name, as with the real provider.
func (role) create(ctx context.Context, c *cloud, in roleArgs, st *roleState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.iam.CreateRole(req, &iam.CreateRoleInput{RoleName: in.Name, AssumeRolePolicyDocument: aws.String(in.AssumeRolePolicy),
		Description: in.Description, Tags: iamTags(st.TagsAll)})
	if err != nil {
		return "", failed("CreateRole", aws.ToString(in.Name), err)
	}
	st.Arn, st.UniqueId = aws.ToString(out.Role.Arn), aws.ToString(out.Role.RoleId)
	return aws.ToString(out.Role.RoleName), nil
}

func (role) read(ctx context.Context, c *cloud, id string, in *roleArgs, st *roleState) error {
	out, err := c.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(id)})
	if hasCode(err, noSuchEntity) {
		return errGone
	}
	if err != nil {
		return failed("GetRole", id, err)
	}
	policy, err := url.QueryUnescape(aws.ToString(out.Role.AssumeRolePolicyDocument))
	if err != nil {
		return failed("GetRole", id, err)
	}
	if !sameJSON(policy, in.AssumeRolePolicy) {
		in.AssumeRolePolicy = policy
	}
	in.Name = out.Role.RoleName
	drift(&in.Description, out.Role.Description, "")
	st.TagsAll, in.Tags = c.foundTags(fromIAMTags(out.Role.Tags), in.Tags)
	st.roleArgs = *in
	return nil
}

// noSuchEntity is IAM's word for what is not there.
const noSuchEntity = "NoSuchEntity"

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

func (role) update(ctx context.Context, c *cloud, id string, old roleState, in roleArgs, st *roleState) error {
	if !sameJSON(old.AssumeRolePolicy, in.AssumeRolePolicy) {
		_, err := c.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{
			RoleName: aws.String(id), PolicyDocument: aws.String(in.AssumeRolePolicy)})
		if err != nil {
			return failed("UpdateAssumeRolePolicy", id, err)
		}
	}
	if aws.ToString(old.Description) != aws.ToString(in.Description) {
		_, err := c.iam.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: aws.String(id), Description: in.Description})
		if err != nil {
			return failed("UpdateRole", id, err)
		}
	}
	gone, set := tagChanges(old.TagsAll, st.TagsAll)
	if len(gone) > 0 {
		if _, err := c.iam.UntagRole(ctx, &iam.UntagRoleInput{RoleName: aws.String(id), TagKeys: gone}); err != nil {
			return failed("UntagRole", id, err)
		}
	}
	if len(set) > 0 {
		_, err := c.iam.TagRole(ctx, &iam.TagRoleInput{RoleName: aws.String(id), Tags: iamTags(set)})
		return failed("TagRole", id, err)
	}
	return nil
}

func (role) remove(ctx context.Context, c *cloud, id string, _ roleState) error {
	return deleting(ctx, "DeleteRole", id, func(ctx context.Context) error {
		_, err := c.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String(id)})
		if hasCode(err, noSuchEntity) {
			return nil
		}
		return err
	})
}
