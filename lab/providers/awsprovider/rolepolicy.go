package awsprovider

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

type rolePolicyArgs struct {
	Name   *string `pulumi:"name,optional" provider:"replaceOnChanges"`
	Policy string  `pulumi:"policy"`
	Role   string  `pulumi:"role" provider:"replaceOnChanges"`
}

type rolePolicyState struct{ rolePolicyArgs }

// checkRolePolicy finds a policy that is none, which AWS would refuse.
func checkRolePolicy(in property.Map) []p.CheckFailure {
	if policy := text(in, "policy"); policy != "" && !json.Valid([]byte(policy)) {
		return []p.CheckFailure{{Property: "policy", Reason: "policy is not JSON"}}
	}
	return nil
}

type rolePolicy struct{}

func (rolePolicy) token() (string, string) { return "iam/rolePolicy", "RolePolicy" }

func (rolePolicy) plan(_ *cloud, old rolePolicyState, in rolePolicyArgs) rolePolicyState {
	old.rolePolicyArgs = in
	return old
}

// create: the id of a role's policy is ROLE:NAME, as with the real provider.
func (d rolePolicy) create(ctx context.Context, c *cloud, in rolePolicyArgs, _ *rolePolicyState) (string, error) {
	req, done := once(ctx)
	defer done()
	id := in.Role + ":" + aws.ToString(in.Name)
	if err := d.put(req, c, id, in); err != nil {
		return "", err
	}
	return id, nil
}

func (rolePolicy) put(ctx context.Context, c *cloud, id string, in rolePolicyArgs) error {
	_, err := c.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: aws.String(in.Role), PolicyName: in.Name, PolicyDocument: aws.String(in.Policy),
	})
	return failed("PutRolePolicy", id, err)
}

func (rolePolicy) read(ctx context.Context, c *cloud, id string, in *rolePolicyArgs, st *rolePolicyState) error {
	role, name, _ := strings.Cut(id, ":")
	out, err := c.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: aws.String(role), PolicyName: aws.String(name)})
	if hasCode(err, noSuchEntity) {
		return errGone
	}
	if err != nil {
		return failed("GetRolePolicy", id, err)
	}
	policy, err := url.QueryUnescape(aws.ToString(out.PolicyDocument))
	if err != nil {
		return failed("GetRolePolicy", id, err)
	}
	if !sameJSON(policy, in.Policy) {
		in.Policy = policy
	}
	in.Role, in.Name = role, aws.String(name)
	st.rolePolicyArgs = *in
	return nil
}

func (d rolePolicy) update(ctx context.Context, c *cloud, id string, _ rolePolicyState, in rolePolicyArgs, _ *rolePolicyState) error {
	return d.put(ctx, c, id, in)
}

func (rolePolicy) remove(ctx context.Context, c *cloud, id string, st rolePolicyState) error {
	_, err := c.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String(st.Role), PolicyName: st.Name})
	if hasCode(err, noSuchEntity) {
		return nil
	}
	return failed("DeleteRolePolicy", id, err)
}
